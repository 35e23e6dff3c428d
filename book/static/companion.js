// What the theme leaves undone: the keyboard reaches an equation that scrolls, and search works on file://.
(() => {
  "use strict";

  // An equation wider than the page scrolls; code and tables that do so are made reachable by the theme.
  const reach = () => {
    for (const equation of document.querySelectorAll("div.math mjx-container")) {
      if (equation.scrollWidth > equation.clientWidth) equation.tabIndex = 0;
      else equation.removeAttribute("tabindex");
    }
  };

  addEventListener("load", () => {
    new ResizeObserver(reach).observe(document.querySelector("main"));
    window.MathJax?.startup?.promise?.then(reach);
  });

  // The lines of text under a result are fetched from its page, which a browser allows over http only.
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
})();

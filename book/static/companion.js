// An equation wider than the page scrolls; this lets the keyboard reach it, as the theme does for code and tables.
(() => {
  "use strict";

  const reach = () => {
    for (const equation of document.querySelectorAll("div.math")) {
      if (equation.scrollWidth > equation.clientWidth) equation.tabIndex = 0;
      else equation.removeAttribute("tabindex");
    }
  };

  addEventListener("load", () => {
    new ResizeObserver(reach).observe(document.querySelector("article"));
    window.MathJax?.startup?.promise?.then(reach);
  });
})();

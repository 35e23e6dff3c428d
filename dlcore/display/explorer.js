// Brings to life every explorer of the page: sliders choose which frame of its picture is in view.
(() => {
  "use strict";

  const restore = [];

  for (const figure of document.querySelectorAll("figure.explorer")) {
    const picture = figure.querySelector("img");
    const text = figure.querySelector(".explorer-text");
    const texts = JSON.parse(figure.dataset.texts);
    const columns = Number(figure.dataset.columns);
    const controls = [...figure.querySelectorAll("input")].map((slider) => ({
      slider,
      shown: slider.closest(".explorer-control").querySelector("output"),
      values: JSON.parse(slider.dataset.values),
    }));
    let waiting;

    const draw = () => {
      let frame = 0;
      for (const { slider, shown, values } of controls) {
        frame = frame * values.length + Number(slider.value);
        shown.textContent = values[slider.value];
        slider.setAttribute("aria-valuetext", values[slider.value]);
      }
      picture.style.left = `${-100 * (frame % columns)}%`;
      picture.style.top = `${-100 * Math.floor(frame / columns)}%`;
      picture.alt = text.textContent = texts[frame];
    };

    // Browsers limit how often a page may change its address, so this waits until the hand rests.
    const remember = (hash) => {
      clearTimeout(waiting);
      const address = hash || location.pathname + location.search;
      waiting = setTimeout(() => history.replaceState(history.state, "", address), 200);
    };

    figure.addEventListener("input", () => {
      draw();
      const state = new URLSearchParams(controls.map(({ slider, values }) => [slider.name, values[slider.value]]));
      remember(`#${figure.id}?${state}`);
    });

    figure.querySelector("button").addEventListener("click", () => {
      for (const { slider } of controls) slider.value = slider.defaultValue;
      draw();
      remember("");
    });

    restore.push(() => {
      const [id, query] = location.hash.slice(1).split("?");
      if (id !== figure.id || query === undefined) return;
      const state = new URLSearchParams(query);
      const places = controls.map(({ slider, values }) => values.indexOf(state.get(slider.name)));
      if (places.includes(-1)) return;
      controls.forEach(({ slider }, i) => (slider.value = places[i]));
      draw();
      for (let fold = figure.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
      figure.scrollIntoView();
    });

    figure.querySelector(".explorer-note").hidden = true;
    figure.querySelector(".explorer-controls").style.display = "";
  }

  const restoreAll = () => restore.forEach((one) => one());
  addEventListener("hashchange", restoreAll);
  restoreAll();
})();

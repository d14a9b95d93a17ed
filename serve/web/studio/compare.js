// The photo before and after, with a slider between them, and a closer look.

import { address, make } from "./dom.js";

const ZOOMS = [1, 2, 4];
const HEIGHT = 0.7; // of the window, which a whole picture takes

/** @param {Blob|null} before @param {string|Blob} after an address, or the picture */
export function compare(before, after) {
  const source = after instanceof Blob ? address(after) : after;
  const result = make("img", { src: source, alt: "The result" });
  const layers = make("div", { class: "layers" }, result);
  const frame = make("div", { class: "frame", tabindex: "0", role: "region", "aria-label": "The result, closer by the zoom button" }, layers);
  let zoom = 0;
  const closer = make("button", { type: "button", onclick: () => look((zoom + 1) % ZOOMS.length) }, "Zoom 1×");
  const look = (level) => {
    zoom = level;
    const whole = Math.min(frame.clientWidth, (HEIGHT * innerHeight * result.naturalWidth) / result.naturalHeight);
    layers.style.setProperty("width", `${whole * ZOOMS[zoom]}px`);
    closer.textContent = `Zoom ${ZOOMS[zoom]}×`;
    frame.scrollTo((layers.offsetWidth - frame.clientWidth) / 2, (layers.offsetHeight - frame.clientHeight) / 2);
  };
  result.addEventListener("load", () => look(0));
  new ResizeObserver(() => result.naturalWidth && look(zoom)).observe(frame);
  const element = make("figure", { class: "compare" }, frame);
  if (before) {
    const old = make("img", { src: address(before), alt: "The photo before", class: "before" });
    const slider = make("input", { type: "range", min: "0", max: "100", value: "0", "aria-label": "How much of the photo before is shown" });
    const cut = () => {
      old.style.setProperty("clip-path", `inset(0 ${100 - slider.value}% 0 0)`);
    };
    slider.addEventListener("input", cut);
    layers.append(old);
    cut();
    element.append(make("figcaption", { class: "row" }, make("label", { class: "slider" }, "Before ", slider), closer));
  } else {
    element.append(make("figcaption", { class: "row" }, closer));
  }
  return element;
}

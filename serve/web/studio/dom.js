// Small helpers to make and find elements.

/** The element of this id. */
export const find = (id) => document.getElementById(id);

/**
 * Make an element.
 * @param {string} name of the tag
 * @param {object} properties attributes; `class`, `data-*` and `aria-*` as in HTML, `on*` are listeners
 * @param {...(Node|string)} children
 */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Show or hide an element. */
export function show(element, visible = true) {
  element.hidden = !visible;
}

/** A name as people read it: `mask_grow` is "Mask grow". */
export function words(name) {
  const text = name.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What a field means, as the service describes it: words in backquotes are code. Null where it says nothing. */
export function hint(id, text) {
  if (!text) return null;
  const parts = text.split("`").map((part, i) => (i % 2 ? make("code", {}, part) : part));
  return make("small", { id: `${id}-hint`, class: "hint" }, ...parts);
}

const made = new WeakMap();

/** An address for a blob, the same one each time. */
export function address(blob) {
  if (!made.has(blob)) made.set(blob, URL.createObjectURL(blob));
  return made.get(blob);
}

/** "about 12 s", "about 3 min" */
export function duration(seconds) {
  if (seconds < 90) return `about ${Math.max(1, Math.round(seconds))} s`;
  return `about ${Math.round(seconds / 60)} min`;
}

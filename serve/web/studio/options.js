// The fields of a request that are no pictures, as the service describes them.

import { hint, make, words } from "./dom.js";

// And what is of a task, unless it is a number to type; the rest waits behind "More".
const SHOWN = ["category", "quality", "variant", "task"];
// What this page has other ways for, or no use of.
const HIDDEN = new Set(["deadline_s", "mask_only", "mask_polarity", "garments_canvas", "return_steps"]);

const [MOST_OF_A_SLIDER, SLIDER_STEPS] = [2, 100]; // from one bound to the other

/**
 * The form of an engine's fields.
 * @param {object} engine one of `/api/models`
 * @param {object} values what was chosen before
 * @returns {{element: HTMLElement, values: () => object}} `values` holds only what differs from the defaults
 */
export function options(engine, { output, ...values }) {
  values = { ...values, format: output?.format };
  const fields = described(engine);
  const inputs = new Map(fields.map((field) => [field.name, control(field, values[field.name])]));
  for (const [name, { row }] of inputs) row.dataset.field = name;
  const ofTasks = new Set(Object.values(engine.tasks ?? {}).flat());
  const isFirst = (field) => SHOWN.includes(field.name) || (ofTasks.has(field.name) && (field.kind !== "number" || slides(field.limits)));
  const rows = (wanted) => fields.filter((field) => isFirst(field) === wanted).map((field) => inputs.get(field.name).row);
  const more = make("details", { class: "more" }, make("summary", {}, "More"), make("div", { class: "fields" }, ...rows(false)));
  return {
    element: make("div", {}, make("div", { class: "fields" }, ...rows(true)), more),
    values: () => {
      const shown = fields.filter((field) => !inputs.get(field.name).row.hidden); // those of the chosen task
      const pairs = shown.map((field) => [field.name, inputs.get(field.name).value()]);
      const { format, ...rest } = Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
      return format ? { ...rest, output: { format } } : rest;
    },
  };
}

function described(engine) {
  const fields = [];
  const described = engine.descriptions ?? {};
  const add = (kind, name, rest) =>
    HIDDEN.has(name) || fields.push({ kind, name, description: described[name] ?? "", ...rest });
  for (const [name, { values, default: given }] of Object.entries(engine.choices ?? {})) {
    add("choice", name, { choices: name === "variant" && engine.variants.length ? engine.variants : values, given });
  }
  for (const [name, limits] of Object.entries({ ...engine.sizes, ...engine.limits })) add("number", name, { limits });
  for (const [name, given] of Object.entries(engine.switches ?? {})) add("switch", name, { given });
  for (const [name, values] of Object.entries(engine.several ?? {})) add("several", name, { choices: values });
  if (!("formats" in (engine.several ?? {}))) add("choice", "format", { choices: engine.formats, given: null });
  return fields;
}

/** Whether a number has near bounds, and a default that a slider can stand at. */
function slides({ minimum, maximum, default: given }) {
  if ([minimum, maximum, given].includes(null) || maximum - minimum > MOST_OF_A_SLIDER) return false;
  const steps = ((given - minimum) / (maximum - minimum)) * SLIDER_STEPS;
  return Math.abs(steps - Math.round(steps)) < 1e-6;
}

/** A share and the like: a number between two near bounds. */
function slider({ limits: { minimum, maximum, default: given } }, about, label, value) {
  const input = make("input", { ...about, type: "range", min: minimum, max: maximum, step: (maximum - minimum) / SLIDER_STEPS, value: value ?? given });
  const shown = make("output", { for: about.id });
  const tell = () => (shown.textContent = String(Number(input.value)));
  input.addEventListener("input", tell);
  tell();
  const row = label(make("span", { class: "slider" }, input, shown));
  return { row, value: () => (Number(input.value) === given ? undefined : Number(input.value)) };
}

function control(field, value) {
  const id = `field-${field.name}`;
  const said = hint(id, field.description);
  const about = { id, name: field.name, "aria-describedby": said?.id };
  const label = (input) => make("div", { class: "field" }, make("label", { for: id }, words(field.name)), input, said);
  if (field.kind === "switch") {
    const box = make("input", { ...about, type: "checkbox", checked: value ?? field.given });
    const row = make("div", { class: "field" }, make("label", { class: "switch" }, box, " ", words(field.name)), said);
    return { row, value: () => (box.checked === field.given ? undefined : box.checked) };
  }
  if (field.kind === "several") {
    const boxes = field.choices.map((choice) =>
      make("input", { type: "checkbox", name: field.name, value: choice, checked: value?.includes(choice) }),
    );
    const labels = boxes.map((box) => make("label", { class: "switch" }, box, " ", words(box.value)));
    const row = make("fieldset", { class: "field" }, make("legend", {}, words(field.name)), ...labels, said);
    return {
      row,
      value: () => {
        const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
        return chosen.length ? chosen : undefined;
      },
    };
  }
  if (field.kind === "choice") {
    const select = make("select", about);
    if (field.given === null) select.append(make("option", { value: "" }, "Automatic"));
    for (const choice of field.choices) select.append(make("option", { value: choice }, words(String(choice))));
    select.value = value ?? field.given ?? "";
    const numbers = field.choices.every((choice) => typeof choice === "number");
    return {
      row: label(select),
      value: () => (select.value === "" || select.value === String(field.given) ? undefined : numbers ? Number(select.value) : select.value),
    };
  }
  const { maximum, multiple_of: step, default: given } = field.limits;
  const minimum = field.limits.minimum ?? field.limits.exclusive_minimum;
  const whole = [minimum, maximum, given].every((bound) => bound === null || Number.isInteger(bound));
  if (!whole && slides(field.limits)) {
    return slider(field, about, label, value);
  }
  const input = make("input", {
    ...about,
    type: "number",
    inputmode: whole ? "numeric" : "decimal",
    min: minimum,
    max: maximum,
    step: step ?? "any",
    placeholder: given ?? (field.name === "seed" ? "random" : "automatic"),
    value: value ?? "",
  });
  return { row: label(input), value: () => (input.value === "" ? undefined : Number(input.value)) };
}

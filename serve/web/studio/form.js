// What goes in: built for one type (`tryon`, `avatar`, ...) from what `/api/models` says of its engines.

import { address, hint, make, show, words } from "./dom.js";
import { files } from "./files.js";
import { options } from "./options.js";
import { paint } from "./painter.js";
import { gallery, pictures } from "./pictures.js";
import { automaticMask, blob } from "./service.js";

const MOST_LAYERS = 4;
const PHOTOS = new Set(["person", "photos"]); // inputs that a camera can give

/**
 * @param {string} type
 * @param {[string, object][]} engines name and description, those of this type
 * @param {{garments: object[], people: object[]}} offered
 */
export function requestForm(type, engines, offered) {
  return new RequestForm(type, engines, offered);
}

class RequestForm {
  constructor(type, engines, offered) {
    this.type = type;
    this.engines = new Map(engines);
    this.offered = offered;
    this.engine = null; // null: the service's default
    this.inputs = new Map();
    this.layers = [];
    this.mask = null;
    this.element = make("div");
    this.build({});
  }

  /** The engine whose fields are shown. */
  get described() {
    const found = this.engines.get(this.engine) ?? [...this.engines.values()].find((engine) => engine.default);
    return found ?? [...this.engines.values()][0];
  }

  build(values) {
    const kept = new Map([...this.inputs].map(([name, input]) => [name, input.get()]));
    this.inputs.clear();
    const parts = Object.entries(this.described.inputs).map(([name, about]) => this.input(name, about, kept.get(name)));
    this.options = options(this.described, values);
    const more = make("fieldset", {}, make("legend", {}, "How"), ...this.engineChoice(), this.options.element);
    this.element.replaceChildren(...this.taskChoice(), ...parts, ...this.fileInputs(kept), more);
    this.element.querySelector("#field-task")?.addEventListener("change", () => this.showTask());
    this.showTask();
  }

  /** Before all that depends on it. */
  taskChoice() {
    const row = this.options.element.querySelector('[data-field="task"]');
    return row ? [make("fieldset", {}, make("legend", {}, "What"), row)] : [];
  }

  /** Inputs that are no pictures. */
  fileInputs(kept) {
    return Object.entries(this.described.files ?? {}).map(([name, about]) => {
      const input = files(name, about);
      this.inputs.set(name, input);
      if (kept.get(name)?.length) input.set(kept.get(name));
      return this.box(name, input);
    });
  }

  /** Of an engine with several tasks only what is for the chosen one. */
  showTask() {
    const tasks = this.described.tasks ?? {};
    const chosen = this.element.querySelector("#field-task")?.value;
    for (const name of new Set(Object.values(tasks).flat())) {
      const place = this.element.querySelector(`[data-input="${CSS.escape(name)}"], [data-field="${CSS.escape(name)}"]`);
      if (place) show(place, !chosen || tasks[chosen].includes(name));
    }
  }

  input(name, about, kept) {
    if (name === "mask" && "person" in this.described.inputs) return this.maskInput();
    const input = pictures({
      name,
      many: about.many,
      camera: PHOTOS.has(name),
      changed: () => {
        if (name === "person") this.setMask(null);
      },
    });
    this.inputs.set(name, input);
    const box = this.box(name, input);
    if (name === "person" || name === "photos") this.offerPeople(box, input);
    if (name === "garment") this.offerGarments(box, input);
    if (kept?.length) input.set(kept);
    return box;
  }

  /** Around an input, with what the service says of it. */
  box(name, { element, input }) {
    const said = hint(input.id, this.described.descriptions?.[name]);
    if (said) input.setAttribute("aria-describedby", said.id);
    return make("fieldset", { "data-input": name }, make("legend", {}, words(name)), element, said);
  }

  offerPeople(box, input) {
    if (input.input.multiple || !this.offered.people.length) return;
    const people = this.offered.people.map(({ name, picture }) => ({ label: name, picture, value: picture }));
    box.append(gallery("Made-up people to try with", people, async (picture) => input.set([await blob(picture)])).element);
  }

  offerGarments(box, input) {
    const garments = this.offered.garments.map((garment) => ({ label: garment.name, picture: garment.thumbnail, value: garment }));
    if (garments.length) {
      box.append(gallery("The catalogue", garments, (garment) => this.choose(garment, input)).element);
    }
    if (!this.described.layers) return;
    this.layerList = make("ol", { class: "outfit", "aria-label": "The outfit, in the order it is put on" });
    const another = make("button", { type: "button", onclick: () => this.addLayer() }, "Add this garment to an outfit");
    box.append(this.layerList, make("p", { class: "row" }, another));
    this.showLayers();
  }

  async choose(garment, input) {
    input.set([await blob(garment.picture)]);
    const category = this.element.querySelector("#field-category");
    if (category && [...category.options].some((option) => option.value === garment.category)) category.value = garment.category;
  }

  addLayer() {
    const input = this.inputs.get("garment");
    const [garment] = input.get();
    if (!garment || this.layers.length === MOST_LAYERS) {
      input.input.focus();
      return;
    }
    const category = this.options.values().category ?? this.described.categories[0];
    this.layers.push({ garment, category, engine: this.engine });
    input.set([]);
    this.showLayers();
  }

  showLayers() {
    this.layerList.replaceChildren(
      ...this.layers.map((layer, i) =>
        make(
          "li",
          {},
          make("img", { src: address(layer.garment), alt: `Garment ${i + 1}` }),
          this.choice(`Category of garment ${i + 1}`, this.described.categories, layer.category, (value) => (layer.category = value)),
          this.engines.size > 1
            ? this.choice(`Engine of garment ${i + 1}`, ["", ...this.engines.keys()], layer.engine ?? "", (value) => (layer.engine = value || null))
            : null,
          make("button", { type: "button", "aria-label": `Remove garment ${i + 1}`, onclick: () => this.removeLayer(i) }, "×"),
        ),
      ),
    );
    show(this.layerList, this.layers.length > 0);
  }

  removeLayer(i) {
    this.layers.splice(i, 1);
    this.showLayers();
  }

  choice(label, values, chosen, changed) {
    const options_ = values.map((value) => make("option", { value, selected: value === chosen }, value === "" ? "Any engine" : words(value)));
    return make("select", { "aria-label": label, onchange: (event) => changed(event.target.value) }, ...options_);
  }

  engineChoice() {
    if (this.engines.size < 2) return [];
    const select = make("select", { id: "field-engine", name: "engine" }, make("option", { value: "" }, "Default"));
    for (const name of this.engines.keys()) select.append(make("option", { value: name }, name));
    select.value = this.engine ?? "";
    select.addEventListener("change", () => {
      const values = this.options.values();
      this.engine = select.value || null;
      this.build(values);
      this.element.querySelector("#field-engine").focus();
    });
    return [make("div", { class: "field" }, make("label", { for: "field-engine" }, "Engine"), select)];
  }

  maskInput() {
    this.maskShown = make("img", { class: "mask", alt: "The mask", hidden: true });
    this.maskWord = make("span", {}, "Found automatically.");
    const buttons = make(
      "p",
      { class: "row" },
      make("button", { type: "button", onclick: () => this.paintMask() }, "Paint it"),
      make("button", { type: "button", onclick: (event) => this.showMask(event.currentTarget) }, "Show the automatic one"),
    );
    this.maskFault = make("p", { class: "problem", role: "alert", hidden: true });
    const box = make("fieldset", { "data-input": "mask" }, make("legend", {}, "Mask"), this.maskWord, buttons, this.maskFault, this.maskShown);
    this.setMask(this.mask);
    return box;
  }

  setMask(mask) {
    this.mask = mask;
    if (!this.maskWord) return;
    this.maskWord.textContent = mask ? "Painted by hand." : "Found automatically.";
    show(this.maskShown, Boolean(mask));
    show(this.maskFault, false);
    if (mask) this.maskShown.src = address(mask);
  }

  person() {
    const [person] = this.inputs.get("person").get();
    if (!person) this.inputs.get("person").input.focus();
    return person;
  }

  automatic(person) {
    const { category } = this.options.values();
    return automaticMask({ ...this.head(), ...(category ? { category } : {}) }, person);
  }

  async paintMask() {
    const person = this.person();
    if (!person) return;
    const mask = await paint(person, this.mask, () => this.automatic(person));
    if (mask !== undefined) this.setMask(mask);
  }

  async showMask(button) {
    const person = this.person();
    if (!person) return;
    button.disabled = true;
    show(this.maskFault, false);
    try {
      this.maskShown.src = address(await this.automatic(person));
      show(this.maskShown);
    } catch (error) {
      this.maskFault.textContent = error.message;
      show(this.maskFault);
    }
    button.disabled = false;
  }

  head() {
    return { type: this.type, ...(this.engine ? { engine: this.engine } : {}) };
  }

  /** An input that must have something and has nothing. */
  missing() {
    const lacks = ([name, { required }]) => required && !this.inputs.get(name)?.get().length;
    return Object.entries({ ...this.described.inputs, ...this.described.files }).find(lacks)?.[0] ?? null;
  }

  /** What is asked of the service: fields, files, and what the result is compared with. */
  request() {
    const fields = { ...this.head(), ...this.options.values() };
    const files = {};
    for (const [name, input] of this.inputs) {
      if (input.element.closest("fieldset").hidden) continue; // of another task
      const job = input.reference?.();
      if (job) fields[name] = job;
      const blobs = input.get();
      if (blobs.length) files[name] = input.input.multiple ? blobs : blobs[0];
    }
    if (this.mask) files.mask = this.mask;
    if (this.layers.length) this.dressInLayers(fields, files);
    const before = files.person;
    return { fields, files, before: before ?? null, garment: files.garment ?? this.layers[0]?.garment ?? null };
  }

  dressInLayers(fields, files) {
    const last = files.garment ? [{ garment: files.garment, category: fields.category ?? this.described.categories[0], engine: null }] : [];
    const layers = [...this.layers, ...last];
    delete files.garment;
    delete fields.category;
    if (layers.length === 1) {
      files.garment = layers[0].garment;
      fields.category = layers[0].category;
      return;
    }
    fields.layers = layers.map(({ category, engine }) => ({ category, ...(engine ? { engine } : {}) }));
    layers.forEach(({ garment }, i) => (files[`layers.${i}.garment`] = garment));
  }

  /** Set the seed for the next time. */
  repeat(seed) {
    const field = this.element.querySelector("#field-seed");
    field.value = seed;
    field.closest("details").open = true;
    field.focus();
  }

  /** Where another garment is chosen. */
  again() {
    const input = this.inputs.get("garment") ?? [...this.inputs.values()][0];
    input.input.scrollIntoView({ block: "center" });
    input.input.focus();
  }

  /** Say what is wrong at the field it is wrong of, or the first one it speaks of; whether there is such a field. */
  blame(name, message) {
    this.absolve();
    const spoken = [...message.matchAll(/'(\w+)'/g)].map(([, word]) => word);
    const wanted = name?.split(".").filter((part) => !/^\d+$/.test(part)) ?? spoken;
    const places = wanted.map((part) => [`#field-${CSS.escape(part)}`, `[data-input="${CSS.escape(part)}"] button`]).flat();
    const field = places.map((place) => this.element.querySelector(place)).find(Boolean);
    if (!field) return false;
    const said = make("p", { class: "problem at", id: "at-fault" }, message);
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", `${said.id} ${field.getAttribute("aria-describedby") ?? ""}`.trim());
    const details = field.closest("details");
    if (details) details.open = true;
    (field.closest(".field, fieldset") ?? field).append(said);
    field.focus();
    return true;
  }

  absolve() {
    this.element.querySelector("#at-fault")?.remove();
    for (const field of this.element.querySelectorAll("[aria-invalid]")) {
      field.removeAttribute("aria-invalid");
      field.setAttribute("aria-describedby", field.getAttribute("aria-describedby").replace(/^at-fault ?/, ""));
    }
  }
}

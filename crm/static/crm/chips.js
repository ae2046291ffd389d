// Several values as chips: what is typed, or chosen from a list, turns into one.
// An input with data-chips="<id of a datalist>" becomes such a box; the values go with the form as before, separated by
// commas. Other scripts make one with chipBox.
import { element, fill } from "./dom.js";

const SHOWN = 8, ALL = 200; // offered where anything can be typed, and where there is nothing else
let made = 0;

const same = (one, other) => one.localeCompare(other, undefined, { sensitivity: "accent" }) === 0;
const split = (text) => text.split(",").map((one) => one.trim().replace(/\s+/g, " ")).filter(Boolean);

// known:   what can be chosen, each { value, label }; open: whether anything else can be typed, several by commas
// entry:   attributes of the input; words: { take, added, removed } with {tag}; changed: hears the values
export function chipBox({ known, open = true, entry: attributes = {}, label = "", words, chosen = [], changed }) {
  const list = element("ul", { class: "picker", id: `chips-${++made}`, role: "listbox", hidden: true, "aria-label": label });
  const entry = element("input", {
    type: "text", role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
    autocomplete: "off", maxlength: open ? "100" : null, ...attributes,
  });
  const said = element("span", { class: "visually-hidden", role: "status" });
  const box = element("div", { class: "chips" }, entry, list, said);
  let values = [...chosen];

  const textOf = (value) => known.find((one) => one.value === value)?.label ?? value;
  const say = (what, value) => (said.textContent = fill(words[what], { tag: textOf(value) }));
  const options = () => [...list.children];
  const active = () => list.querySelector("[aria-selected=true]");

  function close() {
    list.hidden = true;
    list.replaceChildren();
    entry.setAttribute("aria-expanded", "false");
    entry.removeAttribute("aria-activedescendant");
  }

  function mark(option) {
    for (const one of options()) one.setAttribute("aria-selected", String(one === option));
    if (option) entry.setAttribute("aria-activedescendant", option.id);
    else entry.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  function offer() {
    const typed = entry.value.trim().toLowerCase();
    const left = known.filter((one) => !values.some((value) => same(value, one.value)));
    const fitting = left.filter((one) => one.label.toLowerCase().includes(typed));
    fitting.sort((a, b) => b.label.toLowerCase().startsWith(typed) - a.label.toLowerCase().startsWith(typed));
    list.replaceChildren(...fitting.slice(0, open ? SHOWN : ALL).map((one, number) =>
      element("li", { role: "option", id: `${list.id}-${number}`, "aria-selected": "false", "data-value": one.value }, one.label)));
    list.hidden = !list.children.length;
    entry.setAttribute("aria-expanded", String(!list.hidden));
    mark(null);
  }

  function draw() {
    for (const old of box.querySelectorAll(".badge")) old.remove();
    for (const value of values) {
      const off = element("button", { type: "button", class: "untag", "aria-label": fill(words.take, { tag: textOf(value) }) }, "×");
      off.addEventListener("click", () => {
        remove(value);
        entry.focus();
      });
      entry.before(element("span", { class: "badge grey" }, textOf(value), off));
    }
  }

  function tell() {
    draw();
    changed([...values]);
  }

  function remove(value) {
    values = values.filter((one) => one !== value);
    say("removed", value);
    tell();
  }

  function add(value) {
    if (values.some((one) => same(one, value))) return;
    values.push(value);
    say("added", value);
  }

  function take(text) {
    const meant = (name) => known.find((one) => same(one.label, name) || same(one.value, name))?.value;
    const whole = meant(text.trim());
    for (const name of whole !== undefined ? [text.trim()] : split(text)) {
      const value = meant(name) ?? (open ? name : undefined);
      if (value !== undefined) add(value);
    }
    entry.value = "";
    close();
    tell();
  }

  function choose(option) {
    add(option.dataset.value);
    entry.value = "";
    close();
    tell();
  }

  entry.addEventListener("input", () => (open && entry.value.includes(",") ? take(entry.value) : offer()));
  entry.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const at = options().indexOf(active());
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) return void offer();
      const next = event.key === "ArrowDown" ? at + 1 : (at < 0 ? options().length : at) - 1;
      mark(options()[next] ?? null);
    } else if (event.key === "Enter" && (active() || entry.value.trim())) {
      event.preventDefault();
      if (active()) choose(active());
      else take(entry.value);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    } else if (event.key === "Backspace" && !entry.value && values.length) {
      remove(values.at(-1));
    }
  });
  if (!open) entry.addEventListener("click", () => list.hidden && offer());
  entry.addEventListener("blur", () => {
    if (entry.value.trim()) take(entry.value); // what was typed and not entered counts too
    else close(); // drawing anew would pull a chip's button away from who is going to press it
  });
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // the focus stays in the box
    const option = event.target.closest("[role=option]");
    if (option) choose(option);
  });
  box.addEventListener("click", (event) => {
    if (event.target === box) entry.focus();
  });
  draw();
  return box;
}

function enhance(kept) {
  const source = document.getElementById(kept.dataset.chips);
  const known = [...source.options].map((option) => ({ value: option.value, label: option.value }));
  const entry = { id: kept.id };
  for (const name of ["aria-describedby", "aria-invalid"]) entry[name] = kept.getAttribute(name);
  const find = (text) => known.find((one) => same(one.value, text))?.value ?? text;
  const label = kept.parentElement.querySelector("label")?.textContent ?? "";
  const changed = (values) => (kept.value = values.join(", "));
  const chosen = split(kept.value).map(find);
  kept.before(chipBox({ known, entry, label, words: source.dataset, chosen, changed }));
  changed(chosen);
  kept.removeAttribute("id");
  kept.type = "hidden";
}

export function startChips() {
  document.querySelectorAll("input[data-chips]").forEach(enhance);
}

// What stands in a rule's value, by the operator's shape and the kind of the field: an element that tells every change.
// `changed` hears the value as JSON has it, undefined while it is not filled in.
import { chipBox } from "../chips.js";
import { element, fill } from "../dom.js";

export const ANY = "value"; // of JSON that other systems sent: text, a number or a flag
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const number = (text) => (text.trim() === "" || !Number.isFinite(Number(text)) ? undefined : Number(text));
const whole = (text) => (Number.isInteger(number(text)) ? number(text) : undefined);

// vocabulary: what the page describes; name: what the widget is of, for those who don't see it
export function widget(vocabulary, field, operator, value, name, changed) {
  const make = SHAPES[operator?.shape];
  return make ? make({ vocabulary, field, operator, name, words: vocabulary.words }, value, changed) : null;
}

const SHAPES = {
  nothing: () => null,
  "one value": one,
  "a list of values": many,
  "two values, the lower one first": pair,
  "a whole number from 1": (about, value, changed) =>
    input({ type: "number", min: 1, step: 1, value: value ?? "", "aria-label": about.name }, (text) => changed(whole(text))),
  "a pattern": (about, value, changed) =>
    input({ type: "text", class: "mono", maxlength: 100, spellcheck: "false", value: value ?? "", "aria-label": about.name },
      (text) => changed(text || undefined)),
  "a length of time": (about, value, changed) => length(about, value, changed),
  "two numbers and a unit of time": between,
  "a period of the calendar": (about, value, changed) =>
    select(about.operator.name === "anniversaryDuring" ? about.vocabulary.yearly : about.vocabulary.periods, value, about.name, changed),
  "days around today": around,
};

function input(attributes, tell) {
  const made = element("input", attributes);
  made.addEventListener("input", () => tell(made.value));
  return made;
}

export function select(choices, value, name, changed, attributes = {}) {
  const known = choices.some(([one]) => one === value);
  const lost = !known && value !== undefined && value !== "" ? [[value, String(value)]] : [];
  const empty = value === undefined || value === "" ? [["", "…"]] : [];
  const made = element("select", { "aria-label": name, ...attributes },
    ...[...empty, ...lost, ...choices].map(([one, words]) => element("option", { value: one, selected: one === (value ?? "") }, words)));
  made.addEventListener("change", () => changed(made.value || undefined));
  return made;
}

// --- one value of each kind
function one(about, value, changed) {
  const { field, vocabulary, words, name } = about;
  switch (field.kind) {
    case "yes or no":
      return select([["true", words.yes], ["false", words.no]], value === undefined ? undefined : String(value), name,
        (chosen) => changed(chosen === undefined ? undefined : chosen === "true"));
    case "number":
      return field.unit === "cents" ? money(about, value, changed)
        : input({ type: "number", step: "any", value: value ?? "", "aria-label": name }, (text) => changed(number(text)));
    case "age":
      return input({ type: "number", min: 0, max: 150, step: 1, value: value ?? "", "aria-label": name }, (text) => changed(whole(text)));
    case "sample":
      return element("span", { class: "affixed" },
        input({ type: "number", min: 0.01, max: 99.99, step: "any", value: value ?? "", "aria-label": name }, (text) => changed(number(text))),
        element("span", { "aria-hidden": "true" }, words.percent));
    case "date":
    case "moment":
      return day(about, value, changed);
    case ANY:
      return input({ type: "text", maxlength: 500, value: anyShown(value), title: words.whatever, "aria-label": name },
        (text) => changed(anyRead(text)));
    default: {
      const offered = field.choices ?? vocabulary.offered[field.offer];
      if (field.choices) return select(offered, value, name, changed);
      if (field.kind !== "text" && offered?.length) return select(offered, value, name, changed);
      return offered?.length ? suggested(about, offered, value, changed)
        : input({ type: "text", maxlength: 500, value: value ?? "", "aria-label": name }, (text) => changed(text.trim() ? text : undefined));
    }
  }
}

// What of JSON is meant: 12 is a number, true a flag, "12" a text as the quotes say, and so is everything else.
function anyRead(text) {
  const bare = text.trim();
  if (!bare) return undefined;
  if (/^(true|false|-?\d+(\.\d+)?)$/.test(bare)) return JSON.parse(bare);
  return /^".+"$/.test(bare) ? bare.slice(1, -1) : text;
}
const anyShown = (value) => (value === undefined ? "" : typeof value === "string" && anyRead(value) !== value ? `"${value}"` : String(value));

function suggested({ name }, offered, value, changed) {
  const list = element("datalist", { id: `offered-${crypto.getRandomValues(new Uint32Array(1))[0]}` },
    ...offered.map(([one]) => element("option", { value: one })));
  const made = input({ type: "text", maxlength: 500, list: list.id, autocomplete: "off", value: value ?? "", "aria-label": name },
    (text) => changed(text.trim() ? text : undefined));
  return element("span", { class: "affixed" }, made, list);
}

function money({ vocabulary, name }, value, changed) {
  const shown = value === undefined ? "" : value / 100;
  return element("span", { class: "affixed" },
    element("span", { "aria-hidden": "true" }, vocabulary.currency),
    input({ type: "number", step: "0.01", value: shown, "aria-label": `${name}, ${vocabulary.currency}` }, (text) => {
      const amount = number(text);
      changed(amount === undefined ? undefined : Math.round(amount * 100));
    }));
}

// A day; a moment with a time of day, which other programs may have written, is kept as text.
function day({ name }, value, changed) {
  const type = value === undefined || DAY.test(value) ? "date" : "text";
  return input({ type, value: value ?? "", "aria-label": name }, (text) => changed(text || undefined));
}

// --- several
function many(about, value, changed) {
  const { field, vocabulary, words, name } = about;
  const offered = field.choices ?? (field.kind === "segments" ? vocabulary.segments : vocabulary.offered[field.offer]) ?? [];
  const numbers = field.kind === "number" || field.kind === "age", any = field.kind === ANY;
  const scale = field.unit === "cents" ? 100 : 1;
  const read = (texts) => texts.map((text) => (numbers ? Math.round(Number(text) * scale * 1e6) / 1e6 : any ? anyRead(text) : text)).filter((one) => !Number.isNaN(one));
  return chipBox({
    known: offered.map(([one, label]) => ({ value: one, label })),
    open: !field.choices && field.kind !== "segments",
    entry: { "aria-label": name, ...(numbers && { inputmode: "decimal" }) },
    label: name, words: words.chips,
    chosen: (value ?? []).map((one) => numbers ? String(one / scale) : any ? anyShown(one) : one),
    changed: (chosen) => changed(read(chosen).length ? read(chosen) : undefined),
  });
}

function pair(about, value, changed) {
  const ends = [value?.[0], value?.[1]];
  const tell = () => changed(ends.every((end) => end !== undefined) ? [...ends] : undefined);
  const end = (at, words) => one({ ...about, name: fill(words, { name: about.name }) }, ends[at], (next) => {
    ends[at] = next;
    tell();
  });
  return element("span", { class: "together" }, end(0, about.words.from), element("span", {}, about.words.and), end(1, about.words.to));
}

// --- lengths of time
// The units that there are: of days none that slide, between two moments (`even`) none of which some are longer.
function unitsOf({ vocabulary, field, even }) {
  const left = field?.kind === "date" ? vocabulary.sliding : even ? vocabulary.uneven : [];
  return vocabulary.units.filter(([unit]) => !left.includes(unit));
}

export function length(about, value, changed) {
  const state = { amount: value?.amount, unit: value?.unit ?? "days" };
  const tell = () => changed(state.amount === undefined ? undefined : { ...state });
  return element("span", { class: "together" },
    input({ type: "number", min: 0, step: 1, value: state.amount ?? "", "aria-label": fill(about.words.amount, { name: about.name }) }, (text) => {
      state.amount = whole(text);
      tell();
    }),
    select(unitsOf(about), state.unit, fill(about.words.unit, { name: about.name }), (unit) => {
      state.unit = unit;
      tell();
    }));
}

function between(about, value, changed) {
  const state = { from: value?.from, to: value?.to, unit: value?.unit ?? "days" };
  const tell = () => changed(state.from === undefined || state.to === undefined ? undefined : { ...state });
  const end = (at, words) => input({ type: "number", min: 0, step: 1, value: state[at] ?? "", "aria-label": fill(words, { name: about.name }) }, (text) => {
    state[at] = whole(text);
    tell();
  });
  return element("span", { class: "together" },
    end("from", about.words.from), element("span", {}, about.words.and), end("to", about.words.to),
    select(unitsOf(about), state.unit, fill(about.words.unit, { name: about.name }), (unit) => {
      state.unit = unit;
      tell();
    }));
}

// From so many days ago to so many days ahead.
function around(about, value, changed) {
  const state = { from: value?.from, to: value?.to };
  const tell = () => changed(state.from === undefined || state.to === undefined ? undefined : { ...state });
  const end = (shown, set) => input({ type: "number", min: 0, max: 183, step: 1, value: shown ?? "", "aria-label": about.name }, (text) => {
    set(whole(text));
    tell();
  });
  return element("span", { class: "together" },
    end(state.from === undefined ? undefined : -state.from, (days) => (state.from = days === undefined ? undefined : -days)),
    element("span", {}, about.words.daysAgoTo),
    end(state.to, (days) => (state.to = days)),
    element("span", {}, about.words.daysAhead));
}

// One rule: what it is about, what is asked, and the value. Of a field, of rows of a relation, or of rows in order.
import { chipBox } from "../chips.js";
import { element, fill } from "../dom.js";
import { find, newRows, newSequence, newStep, newTest } from "./tree.js";
import { ANY, length, select, widget } from "./values.js";

const FIRST = { number: "gte", age: "gte", date: "inLast", moment: "inLast", list: "containsAny" };
const MEASURES = ["sum", "avg", "min", "max", "first", "last"];

// rules[1].rules[0] -> 2.1, as people count
export const numberOf = (path) => [...path.matchAll(/\[(\d+)\]/g)].map(([, at]) => Number(at) + 1).join(".");

export function drawLeaf(builder, here) {
  switch (here.node.type) {
    case "rows": return drawRows(builder, here);
    case "sequence": return drawSequence(builder, here);
    default: return drawTest(builder, here);
  }
}

// --- fields
function wordsOf(builder, here) {
  const relation = builder.relationOf(here.scope);
  return relation ?? builder.vocabulary;
}

export function fieldOf(words, name) {
  const known = words.fields[name];
  if (known || !name) return known;
  const maker = words.makers.find(([prefix]) => name.startsWith(prefix));
  return maker ? { label: `${maker[1]} ${name.slice(maker[0].length)}`, kind: maker[2], makes: maker[0] } : undefined;
}

// What JSON of other systems is asked is what texts and numbers are.
const kindsOf = (field) => (field.kind === ANY ? ["text", "number"] : [field.kind]);
const operatorsOf = ({ operators }, field) =>
  Object.values(operators).filter((one) => one.kinds.some((kind) => kindsOf(field).includes(kind)));
const labelOf = (operator, field) => operator.labels?.[field.kind] ?? operator.label;
const firstOperator = (vocabulary, field) => {
  const usable = operatorsOf(vocabulary, field);
  return (usable.find((one) => one.name === FIRST[field.kind]) ?? usable[0]).name;
};
const startOf = (field) => (field.kind === "yes or no" ? true : undefined);

function setField(builder, one, words, name) {
  const before = fieldOf(words, one.field), field = fieldOf(words, name);
  const keeps = before && before.kind === field.kind && before.offer === field.offer && before.unit === field.unit && !before.choices && !field.choices;
  if (!keeps) Object.assign(one, { operator: firstOperator(builder.vocabulary, field), value: startOf(field) });
  Object.assign(one, { field: name, held: field.history ? one.held : null });
}

function drawTest(builder, here) {
  const { node: one } = here, { vocabulary } = builder, texts = vocabulary.words;
  const words = wordsOf(builder, here), field = fieldOf(words, one.field), number = numberOf(here.path);
  const parts = [subject(builder, here, words)];
  if (field?.makes) parts.push(suffix(builder, one, field, number));
  if (!field) return parts;
  const operator = vocabulary.operators[one.operator];
  const choices = operatorsOf(vocabulary, field).map((each) => [each.name, labelOf(each, field)]);
  parts.push(select(choices, one.operator, fill(texts.operatorName, { number }), (chosen) => {
    const same = vocabulary.operators[chosen]?.shape === operator?.shape;
    Object.assign(one, { operator: chosen, value: same ? one.value : startOf(field) });
    if (vocabulary.operators[chosen].shape === "nothing") one.value = undefined;
    builder.redraw(`${one.id}:operator`);
  }, { "data-part": "operator", "data-key": `${one.id}:operator` }));
  parts.push(valuePart(builder, one, field, operator, number));
  if (one.held) parts.push(held(builder, one, number));
  if (field.help) parts.push(element("p", { class: "rule-help" }, field.help));
  return parts.filter(Boolean);
}

function valuePart(builder, one, field, operator, number) {
  const name = fill(builder.vocabulary.words.valueName, { number, field: field.label });
  const made = widget(builder.vocabulary, field, operator, one.value, name, (value) => {
    one.value = value;
    builder.edited();
  });
  if (!made) return null;
  [made, ...made.querySelectorAll("input, select")].filter((each) => each.matches("input, select"))
    .forEach((each, at) => (each.dataset.key ??= `${one.id}:value${at}`));
  return element("span", { class: "rule-value", "data-part": "value" }, made);
}

// What a rule is about: a field, rows, or rows in order. Inside a relation only its fields.
function subject(builder, here, words) {
  const { node: one } = here, { vocabulary } = builder, texts = vocabulary.words;
  const isInside = words !== vocabulary;
  const current = one.type === "rows" ? `rows:${one.relation}` : one.type === "sequence" ? "sequence"
    : !one.field ? "" : fieldOf(words, one.field)?.makes ? `make:${fieldOf(words, one.field).makes}` : `field:${one.field}`;
  const option = (value, label) => element("option", { value, selected: value === current }, label);
  const groups = words.groups.map(([label, names]) =>
    element("optgroup", { label }, ...names.map((name) => option(`field:${name}`, words.fields[name].label))));
  if (words.makers.length) {
    groups.push(element("optgroup", { label: texts.named }, ...words.makers.map(([prefix, label]) => option(`make:${prefix}`, `${label}…`))));
  }
  if (!isInside && Object.keys(vocabulary.relations).length) {
    groups.unshift(element("optgroup", { label: texts.didWhat },
      ...Object.entries(vocabulary.relations).map(([name, { theirs }]) => option(`rows:${name}`, theirs)),
      option("sequence", texts.inOrder)));
  }
  const known = current === "" || current.startsWith("make:") || current === "sequence"
    || (current.startsWith("rows:") ? vocabulary.relations[one.relation] : fieldOf(words, one.field));
  const made = element("select", {
    class: "rule-subject", "data-part": "field", "data-key": `${one.id}:subject`,
    "aria-label": fill(texts.subjectName, { number: numberOf(here.path) }),
  }, current === "" ? element("option", { value: "" }, isInside ? texts.chooseProperty : texts.choose) : null,
  known ? null : option(current, fill(texts.lost, { name: one.field ?? one.relation })), ...groups);
  made.addEventListener("change", () => setSubject(builder, one, words, made.value));
  return made;
}

function setSubject(builder, one, words, chosen) {
  const [kind, name = ""] = chosen.split(/:(.*)/s);
  const focus = `${one.id}:subject`;
  if (kind === "rows") return builder.become(one, withHow(newRows(name)), focus);
  if (kind === "sequence") return builder.become(one, newSequence(momentary(builder.vocabulary)[0][0]), focus);
  const test = one.type === "test" ? one : newTest();
  setField(builder, test, words, name);
  if (test !== one) return builder.become(one, test, focus);
  builder.redraw(kind === "make" ? `${one.id}:suffix` : focus);
}

// The rest of a name such as externalIds.golfRsaId
function suffix(builder, one, field, number) {
  const made = element("input", {
    type: "text", maxlength: 64, spellcheck: "false", value: one.field.slice(field.makes.length), "data-key": `${one.id}:suffix`,
    "aria-label": fill(builder.vocabulary.words.suffixName, { number }), placeholder: builder.vocabulary.words.suffix,
  });
  made.addEventListener("input", () => {
    one.field = field.makes + made.value.trim();
    builder.edited();
  });
  return made;
}

// "… and has been so for 30 days"; the menu of the rule turns it on and off.
function held(builder, one, number) {
  const texts = builder.vocabulary.words;
  const about = { vocabulary: builder.vocabulary, words: texts, name: fill(texts.heldName, { number }) };
  return element("span", { class: "together", "data-part": "for" }, element("span", {}, texts.held), length(about, one.held, (value) => {
    one.held = value ?? { amount: null, unit: "days" };
    builder.edited();
  }));
}

// Is it known since when the field of a rule is what it is?
export function canLast(builder, here) {
  return here.node.type === "test" && Boolean(fieldOf(wordsOf(builder, here), here.node.field)?.history);
}

// --- rows
// What people choose first: some, never, count, or a measure of a property. Not part of the JSON.
function withHow(one) {
  one.how ??= one.measure && one.measure.function !== "count" ? one.measure.function
    : one.operator === "gte" && one.value === 1 ? "some" : one.operator === "eq" && one.value === 0 ? "never" : "count";
  return one;
}

function setHow(builder, one, how) {
  const relation = builder.vocabulary.relations[one.relation];
  one.how = how;
  if (how === "some" || how === "never") Object.assign(one, { measure: null, operator: how === "some" ? "gte" : "eq", value: how === "some" ? 1 : 0 });
  else if (how === "count") Object.assign(one, { measure: null, operator: "gte", value: 2 });
  else {
    const [name, field] = measurable(relation, how)[0];
    Object.assign(one, { measure: { function: how, of: name }, operator: firstOperator(builder.vocabulary, field), value: startOf(field) });
  }
  builder.redraw();
}

const measurable = (relation, how) => Object.entries(relation.fields).filter(([, field]) =>
  how === "first" || how === "last" || field.kind === "number" || ((how === "min" || how === "max") && ["date", "moment"].includes(field.kind)));

function drawRows(builder, here) {
  const one = withHow(here.node), { vocabulary } = builder, texts = vocabulary.words;
  const relation = vocabulary.relations[one.relation], number = numberOf(here.path);
  const parts = [subject(builder, here, vocabulary)];
  if (!relation) return parts;
  const hows = ["some", "never", "count", ...MEASURES.filter((how) => measurable(relation, how).length)];
  parts.push(select(hows.map((how) => [how, texts.hows[how]]), one.how, fill(texts.howName, { number }), (how) => setHow(builder, one, how),
    { "data-part": "measure", "data-key": `${one.id}:how` }));
  const field = measuredField(relation, one);
  if (one.measure) {
    parts.push(select(measurable(relation, one.how).map(([name, { label }]) => [name, label]), one.measure.of, fill(texts.measureName, { number }), (name) => {
      const next = relation.fields[name];
      if (next.kind !== field?.kind || next.unit !== field?.unit) Object.assign(one, { operator: firstOperator(vocabulary, next), value: startOf(next) });
      one.measure = { ...one.measure, of: name };
      builder.redraw();
    }, { "data-key": `${one.id}:of` }));
  }
  if (field && one.how !== "some" && one.how !== "never") {
    parts.push(select(operatorsOf(vocabulary, field).map((each) => [each.name, labelOf(each, field)]), one.operator, fill(texts.operatorName, { number }), (chosen) => {
      const same = vocabulary.operators[chosen].shape === vocabulary.operators[one.operator]?.shape;
      Object.assign(one, { operator: chosen, value: same ? one.value : startOf(field) });
      builder.redraw();
    }, { "data-part": "operator", "data-key": `${one.id}:operator` }));
    parts.push(valuePart(builder, one, field, vocabulary.operators[one.operator], number));
    if (one.how === "count") parts.push(element("span", {}, texts.times));
  }
  parts.push(within(builder, one, number), where(builder, one));
  return parts.filter(Boolean);
}

// Counts are numbers from which nobody is missing.
const measuredField = (relation, one) =>
  one.measure ? relation.fields[one.measure.of] : { label: relation.label, kind: "number" };

function within(builder, one, number) {
  const { vocabulary } = builder, texts = vocabulary.words;
  const relation = vocabulary.relations[one.relation];
  const current = one.within === null ? "any" : typeof one.within === "string" ? one.within : "last";
  const choices = [["any", texts.anyTime], ["last", texts.inTheLast], ...vocabulary.periods];
  const about = { vocabulary, words: texts, field: relation.fields[relation.time], name: fill(texts.withinName, { number }) };
  return element("span", { class: "together", "data-part": "within" },
    select(choices, current, about.name, (chosen) => {
      one.within = chosen === "any" ? null : chosen === "last" ? { amount: 30, unit: "days" } : chosen;
      builder.redraw();
    }, { "data-key": `${one.id}:within` }),
    current === "last" ? length(about, one.within, (value) => {
      one.within = value ?? { amount: null, unit: "days" };
      builder.edited();
    }) : null);
}

// The conditions that all bind to the same row.
function where(builder, one) {
  const { vocabulary } = builder, texts = vocabulary.words;
  const relation = vocabulary.relations[one.relation];
  if (!Object.keys(relation.fields).length) return null;
  if (one.where.rules.length) {
    const tail = fill(texts.holdForSame, { one: relation.one });
    return builder.drawGroup(find(builder.root, one.where.id), { head: texts.where, tail, isWhere: true });
  }
  const button = element("button", { type: "button", class: "button tiny rule-narrow", "data-key": `${one.where.id}:rule` },
    builder.icon("plus"), fill(texts.narrow, { one: relation.one }));
  button.addEventListener("click", () => {
    const fresh = newTest();
    one.where.rules.push(fresh);
    builder.redraw(`${fresh.id}:subject`);
  });
  return button;
}

// --- rows in order: of relations that know when, not only on which day
const momentary = (vocabulary) =>
  Object.entries(vocabulary.relations).filter(([, { fields, time }]) => fields[time]?.kind === "moment");

function drawSequence(builder, here) {
  const { node: one } = here, { vocabulary } = builder, texts = vocabulary.words;
  const names = momentary(vocabulary).map(([name, { label }]) => [name, label]);
  const number = numberOf(here.path);
  const steps = one.steps.map((step, at) => element("li", { class: "rule-step", "data-id": step.id },
    element("div", { class: "rule-body" },
      element("b", {}, at ? texts.then : texts.first),
      at ? select([["did", texts.theyDid], ["not", texts.theyDidNot]], step.not ? "not" : "did",
        fill(texts.howName, { number }), (chosen) => {
          step.not = chosen === "not";
          builder.edited();
        }, { "data-key": `${step.id}:not` }) : null,
      select(names, step.relation, fill(texts.subjectName, { number: `${number}, ${at + 1}` }), (chosen) => {
        Object.assign(step, { relation: chosen });
        step.where.rules = [];
        builder.redraw();
      }, { "data-key": `${step.id}:subject` }),
      at ? element("span", { class: "together", "data-part": "within" }, element("span", {}, texts.withinAfter),
        length({ vocabulary, words: texts, even: true, name: fill(texts.withinName, { number }) }, step.within, (value) => {
          step.within = value ?? { amount: null, unit: "days" };
          builder.edited();
        })) : within(builder, step, number),
      at > 1 ? removeStep(builder, one, step, at) : null,
      where(builder, step))));
  return [
    subject(builder, here, vocabulary),
    element("ol", { class: "rule-steps" }, ...steps),
    element("div", { class: "rule-foot" }, addStep(builder, one)),
    sameness(builder, one),
  ];
}

function addStep(builder, one) {
  const { words, limits } = builder.vocabulary;
  const disabled = one.steps.length >= limits.steps;
  const button = element("button", { type: "button", class: "button tiny", disabled, "data-key": `${one.id}:step` }, builder.icon("plus"), words.addStep);
  button.addEventListener("click", () => {
    const fresh = newStep(one.steps.at(-1).relation, false);
    one.steps.push(fresh);
    builder.redraw(`${fresh.id}:subject`);
  });
  return button;
}

function removeStep(builder, one, step, at) {
  const { words } = builder.vocabulary;
  const button = element("button", { type: "button", class: "icon-button", "aria-label": fill(words.removeStep, { number: at + 1 }) }, builder.icon("x"));
  button.addEventListener("click", () => {
    one.steps.splice(at, 1);
    builder.redraw(`${one.id}:step`);
  });
  return button;
}

// The properties in which all steps must be alike, such as the booking.
function sameness(builder, one) {
  const { vocabulary } = builder, texts = vocabulary.words;
  const shared = one.steps.map((step) => vocabulary.relations[step.relation]?.fields ?? {});
  const names = Object.entries(shared[0]).filter(([name]) => shared.every((fields) => fields[name]));
  return element("div", { class: "rule-same", "data-part": "same" }, element("span", {}, texts.same), chipBox({
    known: names.map(([value, { label }]) => ({ value, label })), open: true, label: texts.same, words: texts.chips, chosen: one.same,
    entry: { "aria-label": texts.same, "data-key": `${one.id}:same` },
    changed: (chosen) => {
      one.same = chosen;
      builder.edited();
    },
  }));
}

// --- is everything filled in?
export function isComplete(one, builder) {
  const { vocabulary } = builder;
  const hasLength = (span) => !span || typeof span === "string" || Number.isInteger(span.amount);
  switch (one.type) {
    case "group": {
      const here = find(builder.root, one.id);
      return one.rules.length > 0 || here.scope !== builder.root.id; // conditions of rows may be none
    }
    case "rows": return one.value !== undefined && hasLength(one.within);
    case "step": return hasLength(one.within);
    case "sequence": return true;
    default: {
      const operator = vocabulary.operators[one.operator];
      return Boolean(operator) && !one.field.endsWith(".") && (operator.shape === "nothing" || one.value !== undefined) && hasLength(one.held);
    }
  }
}

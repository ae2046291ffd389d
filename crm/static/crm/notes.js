// Writing notes: drafts that save themselves to the server, and a picker of colleagues after an @.
// form[data-draft="<address>"] is saved a moment after each change; [data-saved] in it says how that went.
// textarea[data-mentions] opens the listbox that stands beside it.

const PAUSE = 800;
const AGAIN = 4000;
const states = new WeakMap(); // form -> { timer, busy, savedAt, stale, posted }

function stateOf(form) {
  if (!states.has(form)) states.set(form, { savedAt: Date.parse(form.dataset.savedAt ?? "") || 0 });
  return states.get(form);
}

function say(form, words) {
  const place = form.querySelector("[data-saved]");
  if (place && place.textContent !== words) place.textContent = words;
}

function tell(form) {
  const state = stateOf(form);
  if (!state.told) return;
  const place = form.querySelector("[data-saved]");
  const seconds = Math.round((Date.now() - state.savedAt) / 1000);
  if (seconds < 2) say(form, place.dataset.just);
  else if (seconds < 90) say(form, place.dataset.ago.replace("{n}", seconds));
  else say(form, place.dataset.minutes.replace("{n}", Math.round(seconds / 60)));
}

async function save(form, { leaving = false } = {}) {
  const state = stateOf(form);
  clearTimeout(state.timer);
  if (state.posted || !state.stale) return;
  if (state.busy && !leaving) {
    state.timer = setTimeout(() => save(form), PAUSE);
    return;
  }
  state.stale = false;
  state.busy = true;
  const place = form.querySelector("[data-saved]");
  try {
    state.abort = new AbortController();
    const answer = await fetch(form.dataset.draft, {
      method: "POST", body: new FormData(form), credentials: "same-origin", redirect: "manual", keepalive: leaving,
      signal: state.abort.signal,
    });
    if (answer.type === "opaqueredirect" || answer.status === 403) throw new Error("out");
    if (!answer.ok) throw new Error(answer.status);
    state.savedAt = Date.now();
    state.told = Boolean((await answer.json()).savedAt);
    if (state.told) tell(form);
    else say(form, "");
  } catch (problem) {
    if (state.posted) return;
    state.stale = true;
    state.told = false;
    say(form, problem.message === "out" ? place.dataset.out : place.dataset.failed);
    if (!leaving) state.timer = setTimeout(() => save(form), AGAIN);
  } finally {
    state.busy = false;
  }
}

function touch(form) {
  const state = stateOf(form);
  state.stale = true;
  form.toggleAttribute("data-keep", form.querySelector("textarea").value.trim() !== "");
  clearTimeout(state.timer);
  state.timer = setTimeout(() => save(form), PAUSE);
}

// --- the picker
const people = new Map(); // address -> promise of colleagues

function colleagues(picker, form) {
  const url = new URL(picker.dataset.source, window.location.href);
  url.searchParams.set("visibility", form.elements.visibility.value);
  if (!people.has(url.href)) {
    const asked = fetch(url, { credentials: "same-origin" }).then((answer) => (answer.ok ? answer.json() : { colleagues: [] }));
    people.set(url.href, asked.then((found) => found.colleagues).catch(() => people.delete(url.href) && []));
  }
  return people.get(url.href);
}

const pickerOf = (field) => field.parentElement.querySelector("[role=listbox]");

function wanted(field) {
  if (field.selectionStart !== field.selectionEnd) return null;
  const before = field.value.slice(0, field.selectionStart);
  return before.match(/(?:^|[\s(])@([^@\[\]\n]{0,40})$/);
}

function close(field) {
  const picker = pickerOf(field);
  picker.hidden = true;
  picker.replaceChildren();
  field.removeAttribute("aria-activedescendant");
}

function mark(field, option) {
  const picker = pickerOf(field);
  for (const one of picker.children) one.setAttribute("aria-selected", String(one === option));
  if (option) {
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }
}

async function offer(field) {
  const picker = pickerOf(field);
  const typed = wanted(field);
  if (!typed) return close(field);
  const found = await colleagues(picker, field.form);
  if (wanted(field)?.[1] !== typed[1]) return undefined; // typed on meanwhile
  const start = typed[1].toLowerCase();
  const fitting = found.filter((one) => `${one.name} ${one.email}`.toLowerCase().split(/\s+/).some((word) => word.startsWith(start)) || one.name.toLowerCase().startsWith(start));
  picker.replaceChildren(...fitting.slice(0, 8).map((one, number) => {
    const option = document.createElement("li");
    option.id = `${picker.id}-${number}`;
    option.setAttribute("role", "option");
    option.dataset.label = one.label;
    option.setAttribute("aria-disabled", String(!one.maySee));
    const name = document.createElement("span");
    name.textContent = one.name;
    const more = document.createElement("small");
    more.textContent = one.maySee ? `${one.role} · ${one.email}` : `${one.role} · ${picker.dataset.barred}`;
    option.append(name, more);
    return option;
  }));
  picker.hidden = !picker.children.length;
  if (picker.hidden) return close(field);
  return mark(field, picker.querySelector("[aria-disabled=false]"));
}

function take(field, option) {
  if (!option || option.getAttribute("aria-disabled") === "true") return;
  const typed = wanted(field);
  if (typed) {
    const start = field.selectionStart - typed[1].length - 1;
    field.setRangeText(`@[${option.dataset.label}] `, start, field.selectionStart, "end");
    touch(field.form);
  }
  close(field);
  field.focus();
}

function press(event, field) {
  const picker = pickerOf(field);
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
    event.preventDefault();
    field.form.requestSubmit();
    return;
  }
  if (picker.hidden) return;
  const open = [...picker.querySelectorAll("[aria-disabled=false]")];
  const at = open.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    if (open.length) mark(field, open[(at + step + open.length) % open.length]);
  } else if ((event.key === "Enter" || event.key === "Tab") && at >= 0) {
    event.preventDefault();
    take(field, open[at]);
  } else if (event.key === "Escape") {
    event.preventDefault();
    close(field);
  }
}

export function startNotes() {
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-draft]");
    if (form) touch(form);
    if (event.target.matches("[data-mentions]")) offer(event.target);
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("[data-mentions]")) press(event, event.target);
  });
  document.addEventListener("pointerdown", (event) => {
    const option = event.target.closest(".picker [role=option]");
    if (!option) return;
    event.preventDefault(); // the field keeps the focus
    take(option.closest(".field").querySelector("[data-mentions]"), option);
  });
  document.addEventListener("focusout", (event) => {
    if (event.target.matches("[data-mentions]")) close(event.target);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-draft]");
    if (!form || event.defaultPrevented) return;
    const state = stateOf(form);
    state.posted = true; // a draft that arrived after its note would rise again
    clearTimeout(state.timer);
    state.abort?.abort();
  });
  const flush = () => document.querySelectorAll("form[data-draft]").forEach((form) => save(form, { leaving: true }));
  window.addEventListener("pagehide", flush);
  document.addEventListener("visibilitychange", () => document.hidden && flush());
  window.addEventListener("pageshow", (event) => {
    // back on a page whose note was posted: what stands in the form is no draft any more
    if (event.persisted && document.querySelector("form[data-draft]")) window.location.reload();
  });
  setInterval(() => document.querySelectorAll("form[data-draft]").forEach(tell), 1000);
  document.getElementById(window.location.hash.slice(1))?.focus?.();
}

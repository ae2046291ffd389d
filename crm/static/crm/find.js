// The search box of every page answers while somebody is typing: a combobox over the people whom the words mean.
// Without this script it is a form that leads to the list of customers; Enter with nobody chosen still is.
import { fetchPage } from "./swap.js";

const PAUSE = 150; // milliseconds without a key after which the server is asked
const SLOW = 400; // milliseconds after which an answer that is on its way is announced

export function startFind() {
  const form = document.querySelector("form[data-find]");
  if (!form) return;
  const input = form.querySelector("input[type=search]");
  const panel = form.querySelector(".find-panel");
  const list = panel.querySelector("[role=listbox]");
  const words = panel.querySelector("[role=status]");
  let timer, asking, answered = "";

  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");

  const options = () => [...list.querySelectorAll("[role=option]")];
  const chosen = () => list.querySelector("[aria-selected=true]");

  function choose(option) {
    chosen()?.setAttribute("aria-selected", "false");
    input.removeAttribute("aria-activedescendant");
    if (!option) return;
    option.setAttribute("aria-selected", "true");
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  function open() {
    panel.hidden = false;
    input.setAttribute("aria-expanded", String(options().length > 0));
  }

  function close() {
    clearTimeout(timer);
    asking?.abort();
    panel.hidden = true;
    input.setAttribute("aria-expanded", "false");
    choose(null);
  }

  function show(people, said) {
    list.replaceChildren(...people.map((option) => document.adoptNode(option)));
    list.hidden = !people.length;
    words.textContent = said;
    choose(null);
    open();
  }

  async function ask() {
    const text = input.value.trim();
    asking?.abort();
    if (!text) return close();
    if (text === answered) return open();
    const mine = (asking = new AbortController());
    const slow = setTimeout(() => { words.textContent = form.dataset.waiting; open(); }, SLOW);
    form.setAttribute("aria-busy", "true");
    try {
      const page = await fetchPage(`${form.dataset.find}?${new URLSearchParams({ q: text })}`, {}, mine.signal);
      if (!page || mine.signal.aborted) return;
      answered = text;
      show([...page.querySelectorAll("[role=option]")], page.querySelector("[data-words]").textContent);
    } catch {
      if (mine.signal.aborted) return; // a later question is under way, or nobody waits any more
      answered = "";
      show([], form.dataset.failed);
    } finally {
      clearTimeout(slow);
      if (mine === asking) form.removeAttribute("aria-busy");
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
  input.addEventListener("focus", () => {
    if (answered && answered === input.value.trim()) open();
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const people = options();
    const at = people.indexOf(chosen());
    if (event.key === "Escape" && !panel.hidden) {
      event.preventDefault(); // the words stay; the next Escape clears them
      close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (panel.hidden) return void ask();
      const next = event.key === "ArrowDown" ? at + 1 : (at < 0 ? people.length : at) - 1;
      choose(people[next] ?? null); // beyond either end nobody is chosen: Enter leads to the list
    } else if (event.key === "Enter" && chosen()) {
      event.preventDefault();
      chosen().click();
    } else if (event.key === "Tab") {
      close();
    }
  });
  panel.addEventListener("mousedown", (event) => {
    if (event.button === 0) event.preventDefault(); // the focus stays in the box
  });
  form.addEventListener("focusout", (event) => {
    if (!form.contains(event.relatedTarget)) close();
  });
  window.addEventListener("pageshow", close);
}

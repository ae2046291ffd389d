// The page of a template: numbers of lines, what can be put in, and what somebody gets, a moment after each change.
// Without this script the words can be written and saved.
import { element, fill } from "../dom.js";

const PAUSE = 450; // milliseconds without a change after which the server is asked

function number(area) {
  const lines = area.closest(".code-box").querySelector(".code-lines");
  const count = area.value.split("\n").length;
  if (lines.childElementCount !== count) {
    lines.replaceChildren(...Array.from({ length: count }, (_, i) => element("span", {}, String(i + 1))));
  }
  lines.scrollTop = area.scrollTop;
}

function mark(area, problems) {
  const wrong = new Set(problems.filter((one) => one.part === "body").map((one) => one.line));
  area.closest(".code-box").querySelectorAll(".code-lines span").forEach((span, i) => span.classList.toggle("wrong", wrong.has(i + 1)));
  area.setAttribute("aria-invalid", String(wrong.size > 0));
}

function goTo(area, line, column) {
  const before = area.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  area.focus();
  area.setSelectionRange(before + column - 1, before + column - 1);
  area.scrollTop = (line - 5) * parseFloat(getComputedStyle(area).lineHeight);
}

function tools(panel, form) {
  const frame = panel.querySelector("iframe"), box = panel.querySelector(".frame-box");
  panel.addEventListener("click", (event) => {
    const button = event.target.closest("button[aria-pressed]");
    if (!button) return;
    for (const other of button.parentElement.children) other.setAttribute("aria-pressed", String(other === button));
    if (button.dataset.width) box.classList.toggle("phone", button.dataset.width === "phone");
    if (button.dataset.scheme) {
      frame.classList.toggle("dark", button.dataset.scheme === "dark");
      frameIn(form);
    }
  });
}

// The frame is filled by sending the form to it: what it shows has rules of its own, and nothing runs in it.
function frameIn(form) {
  if (!document.querySelector("iframe[name=template-frame]")) return;
  const copy = element("form", { method: "post", action: form.dataset.frame, target: "template-frame", hidden: true });
  for (const [name, value] of new FormData(form)) copy.append(element("input", { type: "hidden", name, value }));
  document.body.append(copy);
  copy.submit();
  copy.remove();
}

function start() {
  const form = document.querySelector("form[data-template]"), panel = document.querySelector("[data-panel]");
  if (!form || !panel) return;
  const body = form.querySelector("textarea[name=body]"), person = form.querySelector("input[name=person]");
  const state = panel.querySelector("[data-state]"), list = form.querySelector("[data-problems]");
  const search = panel.querySelector("[data-person]"), candidates = panel.querySelector("[data-candidates]");
  let timer, asking, last = body;

  function show(reply) {
    list.replaceChildren(...reply.problems.map((one) => {
      const words = `${one.part}: ${one.sentence}`;
      if (one.part !== "body" || !one.line) return element("li", {}, words);
      const button = element("button", { type: "button" }, words);
      button.addEventListener("click", () => goTo(body, one.line, one.column));
      return element("li", {}, button);
    }));
    list.hidden = !reply.problems.length;
    mark(body, reply.problems);
    const known = reply.candidates.length === 1 ? reply.candidates[0] : null;
    candidates.replaceChildren(...(known ? [] : reply.candidates).map((one) => {
      const button = element("button", { type: "button", class: "button" }, one.name);
      button.addEventListener("click", () => {
        person.value = one.id;
        search.value = one.name;
        ask();
      });
      return element("li", {}, button);
    }));
    if (reply.problems.length) return void (state.textContent = state.dataset.wrong);
    const said = known ? fill(state.dataset.as, { name: known.name }) : state.dataset.example;
    const missing = reply.missing.length ? ` ${fill(state.dataset.missing, { names: reply.missing.join(", ") })}` : "";
    state.textContent = said + missing;
    const subject = panel.querySelector("[data-subject]"), text = panel.querySelector("[data-text]");
    if (subject) subject.textContent = reply.subject;
    if (text) text.textContent = reply.text;
    const sms = form.querySelector("[data-sms]");
    if (sms) {
      sms.textContent = fill(sms.dataset.words, reply.sms) + (reply.sms.odd ? ` ${fill(sms.dataset.odd, reply.sms)}` : "");
      sms.classList.toggle("long", reply.sms.parts > 1);
    }
    frameIn(form);
  }

  async function ask() {
    asking?.abort();
    const mine = (asking = new AbortController());
    state.textContent = state.dataset.waiting;
    try {
      const reply = await fetch(form.dataset.preview, {
        method: "POST", body: new FormData(form), credentials: "same-origin", signal: mine.signal, headers: { "X-Requested-With": "fetch" },
      });
      if (reply.redirected) return void window.location.reload(); // logged out meanwhile: the log-in page says so
      if (!reply.ok) throw new Error(reply.status);
      const found = await reply.json();
      if (!mine.signal.aborted) show(found);
    } catch {
      if (!mine.signal.aborted) state.textContent = state.dataset.failed;
    }
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  }

  form.addEventListener("input", (event) => {
    if (event.target === body) number(body);
    soon();
  });
  form.addEventListener("focusin", (event) => {
    if (event.target.matches("textarea, input[name=subject], input[name=preheader]")) last = event.target;
  });
  form.querySelector(".variable-picker").addEventListener("click", (event) => {
    const name = event.target.closest("[data-insert]")?.dataset.insert;
    if (!name) return;
    last.focus();
    last.setRangeText(`{{ ${name} }}`, last.selectionStart, last.selectionEnd, "end");
    last.dispatchEvent(new Event("input", { bubbles: true }));
  });
  search.addEventListener("input", () => {
    person.value = search.value;
    soon();
  });
  body.addEventListener("scroll", () => number(body));
  tools(panel, form);
  number(body);
  panel.hidden = false;
  if (body.value.trim()) ask();
}

start();

// Several values as chips: an input with data-chips="<id of a datalist>" becomes a box in which what is typed, or
// chosen from the list, turns into a chip. The values go with the form as before, separated by commas.

const SHOWN = 8;
let made = 0;

const element = (tag, attributes, ...children) => {
  const one = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, value);
  one.append(...children);
  return one;
};
const same = (one, other) => one.localeCompare(other, undefined, { sensitivity: "accent" }) === 0;
const split = (text) => text.split(",").map((one) => one.trim().replace(/\s+/g, " ")).filter(Boolean);

function enhance(kept) {
  const source = document.getElementById(kept.dataset.chips);
  const known = [...source.options].map((option) => option.value);
  const list = element("ul", { class: "picker", id: `chips-${++made}`, role: "listbox", hidden: "" });
  const entry = element("input", {
    type: "text", id: kept.id, role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false",
    "aria-controls": list.id, autocomplete: "off", maxlength: "100",
  });
  for (const name of ["aria-describedby", "aria-invalid"]) {
    if (kept.hasAttribute(name)) entry.setAttribute(name, kept.getAttribute(name));
  }
  const said = element("span", { class: "visually-hidden", role: "status" });
  const box = element("div", { class: "chips" }, entry, list, said);
  let chosen = [];
  kept.before(box);
  kept.removeAttribute("id");
  kept.type = "hidden";
  list.setAttribute("aria-label", box.parentElement.querySelector("label")?.textContent ?? "");

  const words = (name, tag) => source.dataset[name].replace("{tag}", tag);
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
    const left = known.filter((one) => !chosen.some((tag) => same(tag, one)));
    const fitting = left.filter((one) => one.toLowerCase().includes(typed));
    fitting.sort((a, b) => b.toLowerCase().startsWith(typed) - a.toLowerCase().startsWith(typed));
    list.replaceChildren(...fitting.slice(0, SHOWN).map((one, number) =>
      element("li", { role: "option", id: `${list.id}-${number}`, "aria-selected": "false" }, one)));
    list.hidden = !list.children.length;
    entry.setAttribute("aria-expanded", String(!list.hidden));
    mark(null);
  }

  function draw() {
    for (const old of box.querySelectorAll(".badge")) old.remove();
    for (const tag of chosen) {
      const off = element("button", { type: "button", class: "untag", "aria-label": words("take", tag) }, "×");
      off.addEventListener("click", () => {
        remove(tag);
        entry.focus();
      });
      entry.before(element("span", { class: "badge grey" }, tag, off));
    }
    kept.value = chosen.join(", ");
  }

  function remove(tag) {
    chosen = chosen.filter((one) => one !== tag);
    said.textContent = words("removed", tag);
    draw();
  }

  function take(text) {
    for (const name of split(text)) {
      const tag = known.find((one) => same(one, name)) ?? name;
      if (chosen.some((one) => same(one, tag))) continue;
      chosen.push(tag);
      said.textContent = words("added", tag);
    }
    entry.value = "";
    draw();
    close();
  }

  entry.addEventListener("input", () => (entry.value.includes(",") ? take(entry.value) : offer()));
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
      take(active()?.textContent ?? entry.value);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    } else if (event.key === "Backspace" && !entry.value && chosen.length) {
      remove(chosen.at(-1));
    }
  });
  entry.addEventListener("blur", () => {
    if (entry.value.trim()) take(entry.value); // what was typed and not entered counts too
    else close(); // drawing anew would pull a chip's button away from who is going to press it
  });
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // the focus stays in the box
    const option = event.target.closest("[role=option]");
    if (option) take(option.textContent);
  });
  box.addEventListener("click", (event) => {
    if (event.target === box) entry.focus();
  });
  take(kept.value);
  said.textContent = "";
}

export function startChips() {
  document.querySelectorAll("input[data-chips]").forEach(enhance);
}

// Single keys for those who live in these pages. An element with data-key="e" or data-key="g c" is opened by it;
// ? shows all of them, and the switch there turns them off (WCAG 2.1.4) for this browser.

const OFF = "fairway.keys.off";
const PAUSE = 1200; // milliseconds within which the second key of two must follow
let first = "", since = 0;

export const areOn = () => localStorage.getItem(OFF) === null;

const isSeen = (element) => element.checkVisibility() || element.closest("[popover]") !== null;

function rows() {
  const links = [...document.querySelectorAll("#result_list tbody tr")];
  return links.map((row) => row.querySelector("th a, td > a, td a.person")).filter(Boolean);
}

function step(by) {
  const links = rows();
  const here = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
  const next = links[here < 0 ? 0 : Math.min(Math.max(here + by, 0), links.length - 1)];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
  return Boolean(next);
}

function choose() {
  const box = document.activeElement.closest("tr")?.querySelector("input.action-select");
  box?.click();
  return Boolean(box);
}

const IN_LISTS = { j: () => step(1), k: () => step(-1), x: choose };

function press(key) {
  const known = [...document.querySelectorAll("[data-key]")].filter(isSeen);
  const pair = performance.now() - since < PAUSE ? `${first} ${key}` : "";
  const target = known.find((one) => one.dataset.key === pair) ?? known.find((one) => one.dataset.key === key);
  first = key;
  since = performance.now();
  if (!target) return pair.startsWith("g ") ? false : (IN_LISTS[key]?.() ?? false);
  if (target.matches("input, textarea, select")) target.focus();
  else target.click();
  return true;
}

function words(element) {
  const said = element.getAttribute("aria-label") ?? element.cloneNode(true);
  if (typeof said === "string") return said;
  for (const hidden of said.querySelectorAll(".count, .visually-hidden, kbd")) hidden.remove();
  return said.textContent.trim();
}

function line(element) {
  const item = document.createElement("li");
  item.append(words(element));
  const keys = document.createElement("span");
  for (const key of element.dataset.key.split(" ")) {
    const cap = document.createElement("kbd");
    cap.textContent = key;
    keys.append(cap, " ");
  }
  item.append(keys);
  return item;
}

export function overview(dialog) {
  for (const list of dialog.querySelectorAll("[data-keys-of]")) {
    const found = [...document.querySelectorAll(`${list.dataset.keysOf} [data-key]`)].filter((one) => one.dataset.key !== "?");
    list.replaceChildren(...found.filter(isSeen).map(line));
    list.closest("section").hidden = !list.children.length;
  }
}

export function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (!areOn() || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog")) return;
    if (event.key.length === 1 && press(event.key)) event.preventDefault();
  });
  const onOff = document.getElementById("keys-on");
  if (!onOff) return;
  onOff.checked = areOn();
  onOff.addEventListener("change", () => {
    if (onOff.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });
}

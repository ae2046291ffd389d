// What every staff page does beyond HTML: menus that close, a search shortcut, copying, toasts, a sign of waiting.
import { startAsking } from "./ask.js";
import { startCharts } from "./chart.js";
import { startChips } from "./chips.js";
import { startFields } from "./fields.js";
import { startFind } from "./find.js";
import { startInPlace } from "./inplace.js";
import { overview, startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startNotes } from "./notes.js";
import { startRemembering, startStay } from "./stay.js";
import { startLazy, startSwaps } from "./swap.js";
import { startUnsaved } from "./unsaved.js";

const TOAST = 8000; // milliseconds that good news stays, unless somebody points at it
const SLOW = 250; // milliseconds after which a page that is on its way shows it

document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details.drop[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    const dialog = document.getElementById(opener.dataset.opens);
    if (dialog.id === "keys") overview(dialog);
    document.getElementById("menu")?.hidePopover?.();
    dialog.showModal();
  }
  const closer = event.target.closest("[data-close]");
  closer?.closest(closer.dataset.close).remove();
});

document.addEventListener("keydown", (event) => {
  const field = document.querySelector("[data-shortcut]");
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (field && event.key === field.dataset.shortcut && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    field.focus();
    field.select();
  }
  if (event.key === "Escape") {
    const open = event.target.closest("details.drop[open]");
    if (open) {
      open.open = false;
      open.querySelector("summary").focus();
    }
  }
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-text]");
  if (!button) return;
  const text = button.dataset.copyText ?? document.querySelector(button.dataset.copy).textContent;
  try {
    await navigator.clipboard.writeText(text.trim());
  } catch {
    return; // not allowed here (plain http): the text is on the page to be selected
  }
  button.classList.add("copied");
  setTimeout(() => button.classList.remove("copied"), 1500);
});

document.addEventListener("click", (event) => {
  const toggle = event.target.closest("[data-toggle-sources]");
  if (!toggle) return;
  const on = toggle.closest(".card").classList.toggle("sourced");
  toggle.setAttribute("aria-pressed", String(on));
});

// Good news floats and goes by itself; what needs a reaction stays where it is.
for (const box of document.querySelectorAll(".shell .messages")) {
  if (box.querySelector(".notice.bad, .notice.warn")) continue;
  box.classList.add("floating");
  const leave = () => (box.matches(":hover, :focus-within") ? setTimeout(leave, TOAST) : box.remove());
  setTimeout(leave, TOAST);
}

// The navigation of small screens keeps the focus until it is closed.
const menu = document.getElementById("menu");
menu?.addEventListener("toggle", (event) => {
  const isOpen = event.newState === "open";
  document.getElementById("beside-menu").inert = isOpen;
  if (isOpen) menu.querySelector("a[aria-current], .menu a").focus();
  else document.querySelector("[popovertarget=menu]")?.focus();
});

let waiting;
function wait(event) {
  const link = event.type === "submit" ? event.target : event.target.closest("a[href]");
  if (!link || event.defaultPrevented || event.metaKey || event.ctrlKey || link.target || link.hasAttribute("download")) return;
  if (/^(mailto|tel):|^#/.test(link.getAttribute("href") ?? "")) return;
  waiting = setTimeout(() => document.documentElement.classList.add("loading"), SLOW);
}
window.addEventListener("pageshow", () => {
  clearTimeout(waiting);
  document.documentElement.classList.remove("loading");
});

startAsking();
startFind();
startInPlace();
startKeys();
startSwaps();
startNotes();
startLazy();
startCharts();
startChips();
startFields();
startLive();
startRemembering();
startStay();
startUnsaved();
document.addEventListener("click", wait);
document.addEventListener("submit", wait);

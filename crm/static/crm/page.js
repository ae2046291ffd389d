// What every staff page does beyond HTML: menus that close, a search shortcut, copying, asking before harm.
import { startLive } from "./live.js";
import { startNotes } from "./notes.js";
import { startSwaps } from "./swap.js";

document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details.drop[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
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

document.addEventListener("submit", (event) => {
  const words = event.target.dataset.confirm;
  if (words && !window.confirm(words)) event.preventDefault();
});

startSwaps();
startNotes();
startLive();

// The form of a campaign: whom it reaches beside it, further variants when they are asked for, segments found by typing.
import { startPreview } from "./rules/preview.js";

const FEW = 8; // segments that need no search field

function start(form) {
  const panel = document.querySelector("[data-preview]");
  const ask = startPreview(panel, form, () => {});
  panel.hidden = false;
  ask(0);
  form.addEventListener("change", (event) => {
    if (/segment_ids|channels|type/.test(event.target.name ?? "")) ask(0);
  });
  startVariants(form);
  for (const name of ["segment_ids", "excluded_segment_ids"]) startFinding(form, name);
}

function startVariants(form) {
  const all = [...form.querySelectorAll("[data-variant]")], more = form.querySelector("[data-add-variant]");
  const show = () => {
    const used = all.filter((one) => "used" in one.dataset);
    for (const one of all) one.hidden = !("used" in one.dataset);
    form.classList.toggle("is-test", used.length > 1);
    if (more) more.hidden = used.length === all.length;
  };
  show();
  more?.addEventListener("click", () => {
    const next = all.find((one) => !("used" in one.dataset));
    next.dataset.used = "";
    show();
    next.querySelector("select, input").focus();
  });
}

function startFinding(form, name) {
  const boxes = [...form.querySelectorAll(`input[name="${name}"]`)];
  if (boxes.length <= FEW) return;
  const list = boxes[0].closest("fieldset").querySelector("div");
  const field = document.createElement("input");
  field.type = "search";
  field.className = "find-in-list";
  field.placeholder = form.dataset.find;
  field.setAttribute("aria-label", form.dataset.find);
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    for (const box of boxes) {
      const row = box.closest("label").parentElement;
      row.hidden = !box.checked && !row.textContent.toLowerCase().includes(wanted);
    }
  });
  list.before(field);
}

const form = document.querySelector("form[data-campaign]");
if (form) start(form);

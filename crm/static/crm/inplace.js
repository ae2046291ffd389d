// A single field changed where it stands: a link with data-edit="<address>" asks for the field's form and puts it in the
// place of the value; saved, the page takes over what is new. Without this script the link leads to the whole form.
import { refresh } from "./live.js";
import { fetchPage } from "./swap.js";

const placeOf = (element) => element.closest("[data-in-place]");

function show(place, page) {
  const form = document.adoptNode(page.querySelector("form.in-place"));
  leave(place);
  place.classList.add("editing");
  place.append(form);
  const input = form.querySelector("[aria-invalid=true]") ?? form.querySelector("input:not([type=hidden]), select, textarea");
  input?.focus();
  input?.select?.();
}

function leave(place) {
  place.querySelector("form.in-place")?.remove();
  place.classList.remove("editing");
}

async function open(link) {
  try {
    const page = await fetchPage(link.dataset.edit);
    if (page) show(placeOf(link), page);
  } catch {
    window.location.assign(link.href);
  }
}

async function save(form) {
  const place = placeOf(form), edited = place.dataset.inPlace;
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, {
      method: "POST", body: new FormData(form), credentials: "same-origin", headers: { "X-Requested-With": "fetch" },
    });
    if (answer.redirected) return void window.location.reload(); // logged out meanwhile: the log-in page says so
    if (answer.status !== 204) {
      if (!answer.ok) throw new Error(answer.status);
      return show(place, new DOMParser().parseFromString(await answer.text(), "text/html"));
    }
    leave(place);
    await refresh(place.closest("[data-live]"));
    document.querySelector(`[data-in-place="${edited}"] [data-edit]`)?.focus();
  } catch {
    form.querySelector("[data-failed]").hidden = false; // what was typed stays
  } finally {
    form.removeAttribute("aria-busy");
  }
}

function cancel(place) {
  leave(place);
  place.querySelector("[data-edit]")?.focus();
}

export function startInPlace() {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-leave]")) return cancel(placeOf(event.target));
    const link = event.target.closest("a[data-edit]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    open(link);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form.in-place")) return;
    event.preventDefault();
    save(event.target);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.closest("form.in-place")) cancel(placeOf(event.target));
  });
}

// A form with data-stay leads back to this page: it comes back to where the reader was, not to its top.

const KEPT = "fairway.stay";

function comeBack() {
  const [path, top] = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
  sessionStorage.removeItem(KEPT);
  if (path !== window.location.pathname) return;
  const go = () => window.scrollTo({ top, behavior: "instant" });
  go();
  window.addEventListener("load", go, { once: true }); // after the browser went to the address's anchor
}

export function startStay() {
  comeBack();
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || !event.target.closest("form[data-stay]")) return;
    sessionStorage.setItem(KEPT, JSON.stringify([window.location.pathname, window.scrollY]));
  });
}

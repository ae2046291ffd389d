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

// A details element with data-remember="<name>" is open or closed as it was left in this browser.
export function startRemembering() {
  const key = (name) => `fairway.open.${name}`;
  const recall = (root) => {
    for (const one of root.querySelectorAll("details[data-remember]")) {
      const kept = localStorage.getItem(key(one.dataset.remember));
      if (kept !== null) one.open = kept === "1";
    }
  };
  recall(document);
  document.addEventListener("toggle", (event) => {
    const one = event.target.closest?.("details[data-remember]");
    if (one === event.target && one) localStorage.setItem(key(one.dataset.remember), one.open ? "1" : "0");
  }, { capture: true });
}

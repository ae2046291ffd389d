// Replaces parts of a page with the same parts of another answer of the server, without a full load.
// A link or form with data-swap="#id" fetches its page and takes over that element; data-append="#id" puts
// the fetched fragment at the end of the element and replaces the link by the fragment's own next link.
// An element with data-lazy="<address>" is replaced by what that address gives, when the page stands.

let shown = window.location.pathname + window.location.search;

export async function fetchPage(url, headers = {}, signal = null) {
  const asked = { headers: { "X-Requested-With": "fetch", ...headers }, credentials: "same-origin", signal };
  const answer = await fetch(url, asked);
  if (answer.redirected && new URL(answer.url).pathname.endsWith("/login/")) {
    window.location.reload(); // the session has ended: the log-in page says so
    return null;
  }
  if (answer.status === 204) return null;
  if (!answer.ok) throw new Error(`${answer.status} ${url}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

export function swapIn(page, selector) {
  const fresh = page.querySelector(selector);
  const old = document.querySelector(selector);
  if (fresh && old) old.replaceWith(document.adoptNode(fresh));
}

async function swap(url, selector) {
  try {
    const page = await fetchPage(url);
    if (!page) return;
    swapIn(page, selector);
    history.pushState(null, "", url);
    shown = window.location.pathname + window.location.search;
  } catch {
    window.location.assign(url);
  }
}

async function append(link) {
  link.setAttribute("aria-busy", "true");
  try {
    const page = await fetchPage(link.href);
    const list = document.querySelector(link.dataset.append);
    const first = list.children.length;
    const days = new Set([...list.querySelectorAll("[data-day]")].map((day) => day.dataset.day));
    for (const day of page.querySelectorAll(`${link.dataset.append} [data-day]`)) {
      if (days.has(day.dataset.day)) day.remove(); // that day's heading stands above already
    }
    list.append(...page.querySelector(link.dataset.append).children);
    const next = page.querySelector("a[data-append]");
    if (next) link.replaceWith(document.adoptNode(next));
    else link.remove();
    list.children[first]?.querySelector("a, summary, [tabindex]")?.focus({ preventScroll: true });
  } catch {
    window.location.assign(link.href);
  }
}

export async function startLazy() {
  for (const place of document.querySelectorAll("[data-lazy]")) {
    try {
      const page = await fetchPage(place.dataset.lazy);
      if (page) place.replaceWith(document.adoptNode(page.body.firstElementChild));
    } catch {
      place.remove(); // a part that can wait can also be missing
    }
  }
}

export function startSwaps() {
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = event.target.closest("a[data-swap], a[data-append]");
    if (!link) return;
    event.preventDefault();
    if (link.dataset.append) append(link);
    else swap(link.href, link.dataset.swap);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-swap]");
    if (!form || event.defaultPrevented) return;
    event.preventDefault();
    const filled = [...new FormData(form)].filter(([, value]) => value !== "");
    swap(`${form.action.split("?")[0]}?${new URLSearchParams(filled)}`, form.dataset.swap);
  });
  document.addEventListener("change", (event) => {
    event.target.closest("form[data-swap]")?.requestSubmit();
  });
  // Back and forth between swapped parts; a jump within the page changes neither path nor query.
  window.addEventListener("popstate", () => {
    if (window.location.pathname + window.location.search !== shown) window.location.reload();
  });
}

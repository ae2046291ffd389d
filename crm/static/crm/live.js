// Keeps what is marked data-live="<address>" fresh: asks every few seconds while the page is looked at.
// The address answers 204 when nothing is new, else HTML whose [data-part] elements replace ours of that name.
import { fetchPage } from "./swap.js";

const EVERY = 5000;

function takeOver(region, page) {
  const known = new Set([...region.querySelectorAll("[data-entry]")].map((entry) => entry.dataset.entry));
  for (const fresh of page.querySelectorAll("[data-part]")) {
    const old = region.querySelector(`[data-part="${fresh.dataset.part}"]`);
    if (!old || old.outerHTML === fresh.outerHTML) continue;
    if (old.contains(document.activeElement) || old.querySelector("details[open], [data-keep]")) {
      if (fresh.dataset.part === "timeline") offer(old, fresh, known);
      continue; // somebody is reading or typing here: do not pull it away
    }
    for (const entry of fresh.querySelectorAll("[data-entry]")) {
      entry.classList.toggle("fresh", known.size > 0 && !known.has(entry.dataset.entry));
    }
    old.replaceWith(document.adoptNode(fresh));
  }
  const digest = page.querySelector("[data-digest]");
  if (digest) region.dataset.digest = digest.dataset.digest;
}

function offer(old, fresh, known) {
  const news = [...fresh.querySelectorAll("[data-entry]")].filter((entry) => !known.has(entry.dataset.entry)).length;
  const bar = old.querySelector("[data-news]");
  if (!news || !bar) return;
  bar.hidden = false;
  const button = bar.querySelector("button");
  button.textContent = button.dataset.words.replace("{n}", news);
  button.onclick = () => old.replaceWith(document.adoptNode(fresh));
}

// Takes over whatever is new now, for somebody who has just changed it.
export async function refresh(region) {
  delete region.dataset.digest;
  await ask(region);
}

async function ask(region) {
  if (document.hidden) return;
  const pulse = document.querySelector(".pulse");
  try {
    const url = new URL(region.dataset.live, window.location.href);
    for (const [name, value] of new URLSearchParams(window.location.search)) url.searchParams.set(name, value);
    if (region.dataset.digest) url.searchParams.set("digest", region.dataset.digest);
    const page = await fetchPage(url);
    if (page) takeOver(region, page);
    pulse?.classList.remove("paused");
  } catch {
    pulse?.classList.add("paused"); // the server is away for a moment: the next turn tries again
  }
}

export function startLive() {
  for (const region of document.querySelectorAll("[data-live]")) {
    let busy = false;
    const turn = async () => {
      if (busy) return;
      busy = true;
      await ask(region);
      busy = false;
    };
    setInterval(turn, EVERY);
    document.addEventListener("visibilitychange", turn);
  }
}

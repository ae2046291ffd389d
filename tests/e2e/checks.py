"""What every page must keep, asked of the browser itself: width, contrast, names, unique ids; and axe-core's rules."""

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

# How much wider than the window the page is, and what sticks out furthest.
OVERFLOW = """() => {
  const root = document.documentElement, wider = root.scrollWidth - root.clientWidth;
  if (wider <= 0) return null;
  const right = (e) => e.getBoundingClientRect().right;
  const scrolls = (e) => e.closest(".scroll, .results") || getComputedStyle(e).position === "fixed";
  const [widest] = [...document.body.querySelectorAll("*")].filter((e) => !scrolls(e) && e.checkVisibility())
    .sort((a, b) => right(b) - right(a) || a.contains(b) - b.contains(a));
  return `${wider} px wider than the window: ${widest.outerHTML.slice(0, 100)}`;
}"""

# WCAG 2.1: 4.5 for text, 3 for large text, between the text's colour and the ground it really lies on.
CONTRAST = """() => {
  const canvas = document.createElement("canvas"); canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    pen.clearRect(0, 0, 1, 1); pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const ground = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(rgba(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below));
  };
  const light = (c) => {
    const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = new Map();
  for (const element of document.body.querySelectorAll("*")) {
    const says = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!says || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (element.closest("svg, option, .visually-hidden, .gate-art, [disabled]")) continue;
    const style = getComputedStyle(element), below = ground(element);
    const [a, b] = [light(over(rgba(style.color), below)), light(below)].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5)) {
      const words = element.textContent.trim().slice(0, 40);
      found.set(`${element.tagName}.${element.className}`, `${ratio.toFixed(2)} “${words}”`);
    }
  }
  return [...found].map(([where, what]) => `${where}: ${what}`);
}"""

NAMES = """() => {
  const found = [];
  const attribute = (e) => e.getAttribute("aria-label") || e.getAttribute("aria-labelledby");
  const named = (e) => attribute(e) || e.textContent.trim() || e.title;
  const starts = (e) => e.outerHTML.slice(0, 120);
  for (const e of document.querySelectorAll("button, a[href], summary")) {
    if (e.checkVisibility() && !named(e)) found.push(`no name: ${starts(e)}`);
  }
  for (const e of document.querySelectorAll("input:not([type=hidden]):not([type=submit]), select, textarea")) {
    if (e.checkVisibility() && !e.labels?.length && !attribute(e)) found.push(`no label: ${starts(e)}`);
  }
  for (const e of document.querySelectorAll("img:not([alt])")) found.push(`no alt: ${e.src}`);
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) found.push(`id twice: ${id}`);
  if (document.querySelectorAll("h1").length !== 1) found.push(`${document.querySelectorAll("h1").length} h1`);
  if (!document.documentElement.lang) found.push("no language");
  const inline = '[style], style, script:not([src], [type="application/json"])';
  for (const e of document.querySelectorAll(inline)) found.push(`inline: ${starts(e)}`);
  return found;
}"""


def flaws(page: Page) -> list[str]:
    """Everything that is wrong with the open page, in words; empty when nothing is."""
    wider = page.evaluate(OVERFLOW)
    return [*([wider] if wider else ()), *page.evaluate(CONTRAST), *page.evaluate(NAMES)]


# WCAG 2.0 and 2.1, levels A and AA. The script comes in as the debugger's text, which no policy of a page forbids.
AXE = """() => axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], resultTypes: ["violations"] })
  .then(({ violations }) => violations.flatMap(({ id, impact, nodes }) => nodes.map(
    (node) => [impact, `${id}: ${node.target.join(" ")} ${node.html.slice(0, 160)}`])))"""
GRAVE = {"serious", "critical"}


def axe(page: Page) -> list[str]:
    """What axe-core finds serious or critical."""
    page.evaluate(AXE_SCRIPT)
    return [words for impact, words in page.evaluate(AXE) if impact in GRAVE]

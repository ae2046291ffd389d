// The page of a segment's rules: the builder in the place of the JSON, which it writes; the count beside it; the gallery.
// Without this script the JSON stands there as text and can be saved.
import { makeBuilder } from "./builder.js";
import { startPreview } from "./preview.js";

const json = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "null");

function start() {
  const form = document.querySelector("form[data-rules]");
  if (!form) return;
  const text = form.querySelector("textarea[name=criteria]");
  let criteria;
  try {
    criteria = JSON.parse(text.value || "{}");
  } catch {
    return; // not JSON: whoever wrote it puts it right as text
  }
  const place = form.querySelector("[data-builder]"), panel = document.querySelector("[data-preview]");
  let ask = () => {};
  const builder = makeBuilder(place, json("rule-words"), criteria, () => {
    text.value = JSON.stringify(builder.json());
    ask(builder.unfinished());
  });
  ask = startPreview(panel, form, (problems) => builder.show(problems));
  form.querySelector("[data-without-script]").hidden = true;
  place.hidden = panel.hidden = false;
  const wrong = json("rule-problems") ?? [];
  if (wrong.length) {
    builder.show(wrong);
    builder.focusFirstProblem();
  } else if (!builder.isEmpty()) ask(builder.unfinished());
  form.querySelector("[name=club]")?.addEventListener("change", () => ask(builder.unfinished()));
}

start();

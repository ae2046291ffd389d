// What forms do beyond HTML. Writing into a field that somebody else changed too says that one's own words stand.
//
// A key that is proposed from a label: data-proposed-from="#id_label" fills an input in camelCase while the label is
// typed, until somebody writes another key.

function proposed(label) {
  const plain = label.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").replace(/['’]/g, "");
  const words = plain.match(/[A-Za-z0-9]+/g) ?? [];
  const camel = words.map((word, at) => (at ? word[0].toUpperCase() : word[0].toLowerCase()) + word.slice(1).toLowerCase());
  return camel.join("").replace(/^[0-9]+/, "").slice(0, 64);
}

export function startFields() {
  document.addEventListener("input", (event) => {
    if (event.target.type === "radio") return;
    const mine = event.target.closest("[data-clash]")?.querySelector("input[value=mine]");
    if (mine) mine.checked = true;
  });
  for (const input of document.querySelectorAll("input[data-proposed-from]")) {
    const label = document.querySelector(input.dataset.proposedFrom);
    if (!label || (input.value && input.value !== proposed(label.value))) continue;
    let last = input.value;
    label.addEventListener("input", () => {
      if (input.value !== last) return; // somebody has written their own
      last = input.value = proposed(label.value);
    });
  }
}

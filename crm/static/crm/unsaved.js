// A form with data-unsaved asks before somebody leaves the page with what they wrote in it.

const written = (form) => JSON.stringify([...new FormData(form)].map(([name, value]) => [name, value.name ?? value]));

export function startUnsaved() {
  for (const form of document.querySelectorAll("form[data-unsaved]")) {
    let leaving = false;
    let before;
    // Once whatever fills the form in has done so; a form that came back with errors is not saved either.
    window.addEventListener("load", () => { before = form.querySelector(".errorlist") ? "" : written(form); });
    form.addEventListener("submit", (event) => { leaving = !event.defaultPrevented; });
    window.addEventListener("beforeunload", (event) => {
      if (!leaving && before !== undefined && written(form) !== before) event.preventDefault();
    });
    window.addEventListener("pageshow", () => { leaving = false; }); // back again after the answer
  }
}

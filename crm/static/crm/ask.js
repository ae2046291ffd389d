// Asks before harm: a form or its button with data-confirm="words" is sent when somebody says yes.

export function startAsking() {
  const dialog = document.getElementById("ask");
  if (!dialog) return;
  const yes = document.getElementById("ask-yes");
  document.addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    const words = button?.dataset.confirm ?? form.dataset.confirm;
    if (!words || form.dataset.confirmed) return;
    event.preventDefault();
    document.getElementById("ask-words").textContent = words;
    yes.textContent = button?.textContent.trim() || yes.dataset.words;
    yes.classList.toggle("danger", button?.classList.contains("danger") || form.hasAttribute("data-danger"));
    dialog.returnValue = "";
    dialog.addEventListener("close", () => {
      if (dialog.returnValue !== "yes") return;
      form.dataset.confirmed = "yes";
      form.requestSubmit(button);
      delete form.dataset.confirmed;
    }, { once: true });
    dialog.showModal();
  });
}

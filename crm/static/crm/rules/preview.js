// Who would be in, asked while somebody edits: a moment after the last change, the old question given up for the new one.

const PAUSE = 450; // milliseconds without a change after which the server is asked
const SLOW = 2000; // milliseconds after which an answer that is on its way is excused

// panel: where the answer goes; form: what is asked about; show: hears what is wrong with the rules
export function startPreview(panel, form, show) {
  const answer = panel.querySelector("[data-answer]"), state = panel.querySelector("[data-state]");
  const { waiting, slow: slowly, failed, unfinished } = panel.dataset;
  let timer, asking;

  function say(words) {
    state.textContent = words;
    state.hidden = !words;
  }

  async function ask() {
    const mine = (asking = new AbortController());
    const excuse = setTimeout(() => say(slowly), SLOW);
    answer.setAttribute("aria-busy", "true");
    say(waiting);
    try {
      const reply = await fetch(panel.dataset.preview, {
        method: "POST", body: new FormData(form), credentials: "same-origin", signal: mine.signal, headers: { "X-Requested-With": "fetch" },
      });
      if (reply.redirected) return void window.location.reload(); // logged out meanwhile: the log-in page says so
      if (!reply.ok) throw new Error(reply.status);
      const { html, problems } = await reply.json();
      if (mine.signal.aborted) return;
      show(problems);
      const page = new DOMParser().parseFromString(html, "text/html");
      answer.replaceChildren(...[...page.body.childNodes].map((node) => document.adoptNode(node)));
      say("");
    } catch {
      if (!mine.signal.aborted) say(failed);
    } finally {
      clearTimeout(excuse);
      if (mine === asking) answer.removeAttribute("aria-busy");
    }
  }

  // count: how many rules have something left to fill in; they are not asked about
  return function changed(count) {
    clearTimeout(timer);
    asking?.abort();
    answer.removeAttribute("aria-busy");
    if (count) return say(unfinished);
    timer = setTimeout(ask, PAUSE);
  };
}

// Says the values of the day that somebody points at; the table under the chart has them for everybody else.

export function startCharts() {
  for (const chart of document.querySelectorAll("[data-chart]")) {
    const out = chart.closest(".chart-box").querySelector("[data-chart-read] span");
    const days = [...chart.querySelectorAll("g[data-words]")];
    const tell = (event) => {
      const box = chart.getBoundingClientRect();
      const place = Math.floor(((event.clientX - box.left) / box.width) * days.length);
      const here = days[Math.min(Math.max(place, 0), days.length - 1)];
      for (const day of days) day.classList.toggle("here", day === here);
      out.textContent = here.dataset.words;
    };
    chart.addEventListener("pointermove", tell);
    chart.addEventListener("pointerdown", tell);
    chart.addEventListener("pointerleave", () => {
      for (const day of days) day.classList.remove("here");
      out.textContent = "\u00a0";
    });
  }
}

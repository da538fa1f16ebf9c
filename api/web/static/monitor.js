// The monitor: draws its charts and keeps the page fresh while somebody looks at it.

import { drawCharts } from "./charts.js";
import { Problem, loadFragment, problemText, text } from "./page.js";

const EVERY_MS = 30_000;
const monitor = document.getElementById("monitor");
const freshness = document.getElementById("freshness");
let lastAt = Date.now();
let isLoading = false;

async function refresh() {
  if (document.hidden || isLoading) return;
  isLoading = true;
  try {
    show(await loadFragment(`/monitor/parts${location.search}`));
    freshness.textContent = "";
  } catch (problem) {
    freshness.textContent = text("monitor_script.not_fresh", { why: problemText(problem) });
    if (problem instanceof Problem && problem.status === 401) clearInterval(timer); // whoever closed the question
  } finally {
    lastAt = Date.now();
    isLoading = false;
  }
}

/** Replace only what differs, so that nobody loses their place or the focus; open tables are no part of it. */
function show(fresh) {
  for (const figure of monitor.querySelectorAll("figure")) {
    const other = fresh.getElementById(figure.id);
    if (isDrawn(figure) !== isDrawn(other)) figure.replaceWith(other); // its first figures, or none
  }
  for (const part of fresh.querySelectorAll("[data-part]")) {
    replace(monitor.querySelector(`[data-part="${part.dataset.part}"]`), part);
  }
  drawCharts(monitor);
}

function isDrawn(figure) {
  return "chart" in figure.dataset;
}

function replace(part, fresh) {
  if (part.innerHTML === fresh.innerHTML) return;
  const focused = part.contains(document.activeElement) ? pathTo(document.activeElement, part) : null;
  part.replaceChildren(...fresh.childNodes);
  if (focused) (focused.reduce((node, at) => node?.children[at], part) ?? part).focus({ preventScroll: true });
}

/** Which child of which child has the focus. */
function pathTo(element, ancestor) {
  const path = [];
  for (let node = element; node !== ancestor; node = node.parentElement) {
    path.unshift([...node.parentElement.children].indexOf(node));
  }
  return path;
}

drawCharts(monitor);
const timer = setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && Date.now() - lastAt >= EVERY_MS) refresh();
});

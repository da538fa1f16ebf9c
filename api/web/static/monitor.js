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

/** Replace only what differs, so that nobody loses their place, an open table or the focus. */
function show(fresh) {
  if (charts(fresh) !== charts(monitor)) {
    monitor.replaceChildren(fresh); // a chart has its first figures, or none any more
  } else {
    const parts = new Map([...fresh.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
    for (const part of monitor.querySelectorAll("[data-part]")) replace(part, parts.get(part.dataset.part));
  }
  drawCharts(monitor);
}

function charts(root) {
  return [...root.querySelectorAll("figure")].map((one) => `${one.id} ${"chart" in one.dataset}`).join();
}

function replace(part, fresh) {
  if (asServed(part) === fresh.innerHTML) return;
  const open = [...part.querySelectorAll("details[open]")].map((one) => one.id);
  const focused = part.contains(document.activeElement) ? pathTo(document.activeElement, part) : null;
  const scrolled = part.querySelector("details .scroll")?.scrollTop;
  part.replaceChildren(...fresh.childNodes);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (scrolled) part.querySelector("details .scroll").scrollTop = scrolled;
  if (focused) (focused.reduce((node, at) => node?.children[at], part) ?? part).focus({ preventScroll: true });
}

/** Without what the reader and the scripts have done to it. */
function asServed(part) {
  const copy = part.cloneNode(true);
  for (const one of copy.querySelectorAll("details[open]")) one.removeAttribute("open");
  for (const one of copy.querySelectorAll("details table")) one.replaceChildren();
  return copy.innerHTML;
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

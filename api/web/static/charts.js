// Draws every `figure[data-chart]` from the data beside it, in the page's colours, and fills its table when that is
// opened. What the chart shows stands above it in the server's words.
//
// The data is `api/web/monitor/charts.py`'s `Chart.spec()`: the places of the axis (names, or seconds since 1970), and
// series of bars or lines with the ends of their intervals.

import { number, percent } from "./page.js";

const LANGUAGE = document.documentElement.lang || "en";
const DAY_S = 86400;
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]];
const HEIGHT_PX = 240;
const drawn = new Map(); // figure → { chart, data, observer }

/** Draw what is new or has changed under `root`, and forget figures that have left the page. */
export function drawCharts(root = document) {
  for (const figure of drawn.keys()) if (!figure.isConnected) remove(figure);
  for (const figure of root.querySelectorAll("figure[data-chart]")) {
    const data = document.getElementById(`${figure.id}-data`).textContent;
    if (drawn.get(figure)?.data !== data) draw(figure, data);
  }
}

function redrawAll() {
  for (const [figure, { data }] of [...drawn]) draw(figure, data);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
document.addEventListener("theme:changed", redrawAll);

function remove(figure) {
  const known = drawn.get(figure);
  known?.observer.disconnect();
  known?.chart.destroy();
  drawn.delete(figure);
}

function draw(figure, data) {
  remove(figure);
  const plot = figure.querySelector(".plot");
  plot.replaceChildren();
  const spec = JSON.parse(data);
  spec.places = spec.names ?? spec.times.map(dayName(spec));
  const figures = arrange(spec);
  const chart = new uPlot(options(spec, figures, plot), figures.columns, plot);
  const observer = new ResizeObserver(() => {
    if (plot.clientWidth && plot.clientWidth !== chart.width) chart.setSize({ width: plot.clientWidth, height: HEIGHT_PX });
  });
  observer.observe(plot);
  drawn.set(figure, { chart, data, observer });
  tabulate(figure, spec);
}

function dayName({ times }) {
  const hours = times.some((at) => at % DAY_S) ? { timeStyle: "short" } : {};
  const format = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium", timeZone: "UTC", ...hours });
  return (at) => format.format(new Date(at * 1000));
}

// --- the numbers ----------------------------------------------------------------------------------------------------

/** Fill the table of a figure, now if it is open and else when it is opened. */
function tabulate(figure, spec) {
  const details = figure.querySelector("details");
  const fill = () => details.open && fillTable(details.querySelector("table"), spec);
  details.ontoggle = fill;
  fill();
}

function fillTable(table, spec) {
  table.replaceChildren();
  addRow(table.createTHead(), [spec.axis, ...spec.series.map((one) => one.label)], "col");
  const body = table.createTBody();
  spec.places.forEach((place, at) => addRow(body, [place, ...spec.series.map((one) => cell(spec.unit, one, at))], "row"));
}

function addRow(section, words, scope) {
  const row = section.insertRow();
  words.forEach((said, at) => {
    const isHeading = at === 0 || scope === "col";
    const made = row.appendChild(document.createElement(isHeading ? "th" : "td"));
    if (isHeading) made.scope = scope;
    made.textContent = said;
  });
}

function cell(unit, one, at) {
  const value = one.values[at];
  if (value === null) return "–";
  if (!one.low || one.low[at] === null) return written(unit, value);
  return `${written(unit, value)} (${written(unit, one.low[at])}–${written(unit, one.high[at])})`;
}

// --- from places and series to columns ------------------------------------------------------------------------------

/** Columns as the library takes them, how each is drawn, and which place each x belongs to. */
function arrange(spec) {
  const bars = spec.series.filter((one) => one.shape === "bar").length;
  const grouped = !spec.times && bars > 1 && !spec.stacked;
  return grouped ? sideBySide(spec) : oneAbove(spec);
}

/** Bars of several series beside each other: each gets an x of its own within its place. */
function sideBySide(spec) {
  const width = spec.series.length + 1; // a gap after each group
  const x = spec.places.flatMap((_, place) => spec.series.map((_, at) => place * width + at));
  const columns = spec.series.map((one, at) => x.map((_, i) => (i % spec.series.length === at ? one.values[Math.floor(i / spec.series.length)] : null)));
  const middle = (width - 2) / 2;
  return { columns: [x, ...columns], drawn: spec.series, bands: [], placeOf: (value) => Math.round((value - middle) / width), xOf: (place) => place * width + middle, lone: 0.9 };
}

function oneAbove(spec) {
  const x = spec.times ?? spec.places.map((_, place) => place);
  const figures = { columns: [x], drawn: [], bands: [], placeOf: (value) => nearest(x, value), xOf: (place) => x[place], lone: 0.7 };
  const series = spec.stacked ? stacked(spec.series) : spec.series;
  for (const one of series) {
    figures.columns.push(one.heights ?? one.values);
    figures.drawn.push(one);
    if (one.low) {
      figures.columns.push(one.high, one.low);
      figures.drawn.push({ ...one, shape: "end" }, { ...one, shape: "end" });
      const at = figures.columns.length;
      figures.bands.push({ series: [at - 2, at - 1], tone: one.tone });
    }
  }
  for (const line of spec.thresholds) {
    figures.columns.push(x.map(() => line.value));
    figures.drawn.push({ ...line, shape: "threshold", tone: "text" });
  }
  return figures;
}

/** The highest first, so that the lower ones are drawn over it. */
function stacked(series) {
  const sums = series[0].values.map(() => 0);
  const heights = series.map((one) => {
    one.values.forEach((value, i) => (sums[i] += value ?? 0));
    return { ...one, heights: [...sums] };
  });
  return heights.reverse();
}

function nearest(x, value) {
  let best = 0;
  for (let i = 1; i < x.length; i += 1) if (Math.abs(x[i] - value) < Math.abs(x[best] - value)) best = i;
  return best;
}

// --- the library's options ------------------------------------------------------------------------------------------

function options(spec, figures, plot) {
  const colour = colours();
  return {
    width: plot.clientWidth || 320,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: { x: { time: false, range: (_, low, high) => widened(spec, low, high) }, y: { range: (_, low, high) => [Math.min(0, low ?? 0), top(spec, high)] } },
    axes: [xAxis(spec, figures, colour), yAxis(spec, colour)],
    series: [{}, ...figures.drawn.map((one, at) => seriesOptions(one, at, figures, colour))],
    bands: figures.bands.map((band) => ({ series: band.series, fill: faint(colour(band.tone)) })),
    hooks: { ready: [(chart) => plot.append(readoutOf(chart))], setCursor: [(chart) => tell(chart, spec, figures)] },
  };
}

function widened(spec, low, high) {
  const edge = spec.times ? stepOf(spec) / 2 : 0.8;
  return [low - edge, high + edge];
}

function stepOf(spec) {
  return spec.times.length > 1 ? spec.times[1] - spec.times[0] : DAY_S;
}

function top(spec, high) {
  const most = Math.max(high ?? 0, ...spec.thresholds.map((one) => one.value));
  if (spec.unit === "share") return Math.min(1, Math.max(0.05, most * 1.1));
  return most > 0 ? most * 1.1 : 1;
}

function seriesOptions(one, at, figures, colour) {
  const stroke = colour(one.tone);
  const plain = { points: { show: false }, spanGaps: true };
  if (one.shape === "bar") {
    const bars = uPlot.paths.bars({ size: [figures.lone, 48] });
    return { ...plain, spanGaps: false, stroke, fill: stroke, width: 0, paths: bars };
  }
  if (one.shape === "threshold") return { ...plain, stroke, width: 1.5, dash: [6, 5] };
  if (one.shape === "end") return { ...plain, stroke: faint(stroke), width: 1 };
  const lone = one.values.filter((value) => value !== null).length === 1;
  return { ...plain, stroke, width: 2, dash: DASHES[at % DASHES.length], points: { show: lone || one.values.length <= 31, size: 5, fill: stroke } };
}

function xAxis(spec, figures, colour) {
  const named = spec.times ? dates(spec) : names(spec, figures);
  return { ...plainAxis(colour), ...named, size: 30, grid: { show: false } };
}

function dates(spec) {
  const format = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "short", timeZone: "UTC" });
  return {
    incrs: [1, 2, 7, 14, 30].map((days) => days * DAY_S),
    values: (_, splits) => splits.map((at) => (at % DAY_S ? "" : format.format(new Date(at * 1000)))),
    space: 60,
  };
}

/** Names that are too many for their room are left out evenly; the table has them all, and so has the readout. */
function names(spec, figures) {
  const places = spec.places.map((_, place) => place);
  return {
    splits: (chart) => {
      const room = Math.max(1, Math.floor(chart.width / 64));
      const every = Math.ceil(places.length / room);
      return places.filter((place) => place % every === 0).map(figures.xOf);
    },
    values: (_, splits) => splits.map((at) => brief(spec.places[figures.placeOf(at)])),
  };
}

function brief(name) {
  return name.length > 9 ? name.split(" ")[0].slice(0, 9) : name;
}

function yAxis(spec, colour) {
  const digits = spec.unit === "share" ? 0 : undefined;
  return { ...plainAxis(colour), size: 56, grid: { stroke: colour("line"), width: 1 }, values: (_, splits) => splits.map((value) => written(spec.unit, value, digits)) };
}

function plainAxis(colour) {
  return { stroke: colour("muted"), font: "12px system-ui, sans-serif", ticks: { show: false }, border: { show: false } };
}

// --- words and colours ----------------------------------------------------------------------------------------------

function written(unit, value, digits = 1) {
  if (unit === "share") return percent(value, digits);
  if (unit === "count") return Number.isInteger(value) ? number(value) : "";
  return new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: unit === "seconds" ? 3 : 2 }).format(value);
}

function readoutOf() {
  const readout = document.createElement("p");
  readout.className = "readout";
  readout.hidden = true;
  return readout;
}

/** What lies under the pointer, in words. */
function tell(chart, spec, figures) {
  const readout = chart.root.parentElement?.querySelector(".readout");
  if (!readout) return;
  const { idx, left } = chart.cursor;
  readout.hidden = idx === null || idx === undefined || left < 0;
  if (readout.hidden) return;
  const place = figures.placeOf(chart.data[0][idx]);
  const said = spec.series.filter((one) => one.values[place] !== null && one.values[place] !== undefined);
  const figuresSaid = said.map((one) => `${one.label} ${written(spec.unit, one.values[place])}`);
  readout.textContent = [spec.places[place], ...figuresSaid].join(" · ");
}

function colours() {
  const style = getComputedStyle(document.documentElement);
  return (tone) => style.getPropertyValue(`--${tone}`).trim();
}

function faint(colour) {
  return `color-mix(in srgb, ${colour} 22%, transparent)`;
}

// Plots over time, drawn by uPlot into <div data-plot>. What is drawn is JSON of this shape, in the attribute
// data-plot-values or at the address data-plot-url:
//
//   {"at": [seconds since 1970, …], "series": [{"label": "Pings", "values": [1, null, …], "tone": "info"}, …],
//    "kind": "lines" | "stacked" | "bars", "unit": "USD" or ""}
//
// data-plot-zone names the time zone of the axis. Tones: good, plain, limit, bad, info, accent; without one they take
// turns. The same numbers stand in a table beside it, so the plot itself is one picture to a screen reader.
import uPlot from "uplot";

const HEIGHT = 240;
const TURNS = ["info", "good", "accent", "limit", "bad", "plain"];
const drawn = new Map();

const resizing = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const width = Math.floor(contentRect.width);
    if (width > 0) drawn.get(target)?.setSize({ width, height: HEIGHT });
  }
});

export function drawPlots(root, { again = false } = {}) {
  for (const [element, plot] of drawn) {
    if (again || !element.isConnected) {
      plot.destroy();
      resizing.unobserve(element);
      drawn.delete(element);
    }
  }
  for (const element of root.querySelectorAll("[data-plot]")) if (!drawn.has(element)) draw(element);
}

async function draw(element) {
  const told = await valuesOf(element);
  if (!told || drawn.has(element) || !element.isConnected) return;
  const shown = told.kind === "stacked" ? stacked(told.series) : told.series.map((one) => one.values);
  element.replaceChildren();
  const plot = new uPlot(optionsOf(element, told), [told.at, ...shown], element);
  drawn.set(element, plot);
  resizing.observe(element);
}

async function valuesOf(element) {
  const { plotValues, plotUrl } = element.dataset;
  if (plotValues) return JSON.parse(plotValues);
  const answer = await fetch(plotUrl, { headers: { accept: "application/json" } });
  return answer.ok ? answer.json() : null;
}

// Each series upon the ones before it.
function stacked(series) {
  const heights = [];
  return series.map(({ values }) => values.map((value, at) => (heights[at] = (heights[at] ?? 0) + (value ?? 0))));
}

function optionsOf(element, { series, kind = "lines", unit = "" }) {
  const style = getComputedStyle(element);
  const color = (name) => style.getPropertyValue(`--plot-${name}`).trim();
  const axis = { stroke: color("ink"), grid: { stroke: color("grid"), width: 1 }, ticks: { show: false } };
  const zone = element.dataset.plotZone;
  const write = (value) => (value == null ? "–" : `${value.toLocaleString("en-US")} ${unit}`.trim());
  const lines = series.map((one, index) => {
    const tone = color(one.tone ?? TURNS[index % TURNS.length]);
    return {
      label: one.label,
      stroke: tone,
      width: 2,
      fill: kind === "lines" ? undefined : tone + "55",
      points: { show: false },
      paths: kind === "bars" ? uPlot.paths.bars({ size: [0.7, 40] }) : undefined,
      value: (_plot, _shown, _series, at) => write(at == null ? null : one.values[at]),
    };
  });
  return {
    width: Math.max(200, Math.floor(element.clientWidth)),
    height: HEIGHT,
    tzDate: zone ? (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone) : undefined,
    scales: { y: { range: (_plot, low, high) => [Math.min(0, low), high > 0 ? high * 1.08 : 1] } },
    axes: [axis, { ...axis, size: 56 }],
    series: [{ value: zone ? "{YYYY}-{MM}-{DD} {HH}:{mm}" : undefined }, ...lines],
    bands: kind === "stacked" ? series.slice(1).map((_one, index) => ({ series: [index + 2, index + 1] })) : undefined,
    cursor: { y: false },
  };
}

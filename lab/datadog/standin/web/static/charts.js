// Charts: each .plot holds its model as JSON (see graphs.py) and is drawn by plotly, in the colours of the style sheet.
"use strict";
const DARK = matchMedia("(prefers-color-scheme: dark)");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const clear = (hex, part) => hex + Math.round(part * 255).toString(16).padStart(2, "0");
// plotly takes names for markup of its own: what is shown of them is text.
const text = (name) => name.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function traces(model) {
  const found = [];
  model.lines.forEach((line, index) => {
    const own = colour(`line-${index % 10}`);
    const name = text(line.name);
    const quiet = { hoverinfo: "skip", showlegend: false };
    if (line.band) {
      const edge = { x: line.band.x, mode: "lines", line: { width: 0 }, ...quiet };
      found.push({ ...edge, y: line.band.lower });
      found.push({ ...edge, y: line.band.upper, fill: "tonexty", fillcolor: clear(colour("quiet"), 0.3), name: "expected" });
    }
    const trace = { x: line.x, y: line.y, name, hovertemplate: "%{y:.4~s}<extra>%{fullData.name}</extra>" };
    if (line.style === "bars") {
      found.push({ ...trace, type: "bar", marker: { color: own }, width: line.interval * 0.9, offset: 0 });
    } else {
      const few = line.x.length < 2;
      const area = line.style === "area" ? { stackgroup: "areas", fillcolor: clear(own, 0.3) } : {};
      found.push({ ...trace, ...area, mode: few ? "markers" : "lines", line: { color: own, width: 1.6 }, marker: { color: own } });
    }
    if (line.odd && line.odd.x.length) {
      found.push({ ...line.odd, mode: "markers", marker: { color: colour("alert"), size: 5 }, ...quiet, name: "anomalous" });
    }
  });
  return found;
}

function layout(model, width) {
  const grid = colour("edge");
  const limits = { error: colour("alert"), warning: colour("warn"), ok: colour("ok") };
  const y = { gridcolor: grid, zeroline: false, automargin: true, fixedrange: true, tickformat: "~s", nticks: 6, ticksuffix: model.axis.unit || "" };
  if (model.axis.scale === "log") y.type = "log";
  const ends = [model.axis.min, model.axis.max].map((end) => (end === undefined || end === "auto" || y.type ? null : Number(end)));
  if (ends.some((end) => end !== null)) y.range = ends;
  return {
    height: 230,
    margin: { l: 8, r: 12, t: 8, b: 8 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", size: 11, color: colour("quiet") },
    hoverlabel: { bgcolor: colour("paper"), bordercolor: grid, font: { color: colour("ink") } },
    hovermode: model.lines.length > 12 ? "closest" : "x",
    barmode: "stack",
    bargap: 0,
    showlegend: model.lines.length > 1 && model.lines.length <= 12,
    legend: { orientation: "h", x: 0, y: -0.2, yanchor: "top", font: { size: 11 } },
    xaxis: { type: "date", range: [model.start, model.end], gridcolor: grid, automargin: true, nticks: width < 400 ? 4 : 8, tickangle: 0 },
    yaxis: y,
    shapes: model.limits.map(([value, kind]) => ({
      type: "line", xref: "paper", x0: 0, x1: 1, y0: value, y1: value,
      line: { color: limits[kind] || colour("quiet"), width: 1.2, dash: "dash" },
    })),
  };
}

function draw(plot) {
  const model = JSON.parse(plot.querySelector("script").textContent);
  let target = plot.querySelector("div");
  if (!target) target = plot.appendChild(document.createElement("div"));
  Plotly.react(target, traces(model), layout(model, plot.clientWidth), { displayModeBar: false, responsive: true, showTips: false });
}

// Those in sight first, so that a long dashboard is there at once.
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((one) => one.isIntersecting)) {
    seen.unobserve(entry.target);
    draw(entry.target);
  }
}, { rootMargin: "300px" });
document.querySelectorAll(".plot").forEach((plot) => seen.observe(plot));
DARK.addEventListener("change", () => document.querySelectorAll(".plot:has(.js-plotly-plot)").forEach(draw));

// Charts: each .plot holds its model as JSON (see graph/model.py) and is drawn by uPlot, in the colours of the style sheet.
"use strict";
const DARK = matchMedia("(prefers-color-scheme: dark)");
const DASHES = [[], [7, 3], [2, 3]];
const LIMITS = { error: "critical" };
const KINDS = { error: "alert", warning: "warn", success: "ok", ok: "ok" };
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MOST_ROWS = 12;
const HEIGHT = 230;
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const clear = (hex, part) => hex + Math.round(part * 255).toString(16).padStart(2, "0");
const own = (index) => colour(`line-${index % 10}`);
const moment = (milliseconds) => new Date(milliseconds).toISOString().slice(0, 19);

// ------------------------------------------------------------------------------------------------------------ numbers
// A unit is steps of [size, text], the largest first, and the name of what is counted: see graph/units.py.
const step = (steps, value) => steps.find(([size]) => (Math.abs(value) || 1) >= size) || steps[steps.length - 1];
// A formatter is made once: that takes longer than all of its numbers.
const decimal = Array.from({ length: 10 }, (_, most) => new Intl.NumberFormat("en", { maximumFractionDigits: most }));
const rounded = (value) => decimal[9].format(Number(value.toPrecision(Math.abs(value) < 1 ? 3 : 4)));
function written(value, { steps, name }) {
  if (value === null || value === undefined) return "-";
  const [size, text] = step(steps, value);
  const shown = rounded(value / size) + text;
  return shown + (shown === "1" ? name.replace(/^( \w+?)(ies|s)(?=\/|$)/, (all, start, end) => start + (end === "ies" ? "y" : "")) : name);
}
// The ticks of an axis, all in one unit and with as many decimals as they need.
function ticks(values, { steps }) {
  const [size, text] = step(steps, Math.max(...values.map(Math.abs)) / 2);
  const apart = values.length > 1 ? Math.abs(values[1] - values[0]) / size : 1;
  const decimals = Math.max(0, Math.min(9, -Math.floor(Math.log10(apart) + 1e-9)));
  const exact = [0, 1, 2].map((more) => decimals + more).find((some) => Math.abs(apart - apart.toFixed(some)) < 1e-9 * apart) ?? decimals;
  return values.map((value) => decimal[Math.min(9, exact)].format(value / size) + (value ? text : ""));
}
function clocks(values) {
  let day = "";
  return values.map((value) => {
    const text = moment(value);
    const before = day;
    day = text.slice(0, 10);
    const date = `${Number(day.slice(8))} ${MONTHS[Number(day.slice(5, 7)) - 1]}`;
    const apart = values.length > 1 ? values[1] - values[0] : 60000;
    if (apart >= 86400000) return date;
    return text.slice(11, apart < 60000 ? 19 : 16) + (before !== day ? `\n${date}` : "");
  });
}

// --------------------------------------------------------------------------------------------------------------- data
// Columns over one time for all lines; bars and areas stand on those before them.
function columns(model) {
  const tables = [];
  const series = [];
  model.lines.forEach((line, index) => {
    const { band, odd } = line;
    if (band) {
      tables.push([band.x, band.lower, band.upper]);
      series.push({ index, part: "lower" }, { index, part: "upper" });
    }
    tables.push([line.x, line.y]);
    series.push({ index, part: "line", style: line.style });
    if (odd && odd.x.length) {
      tables.push([odd.x, odd.y]);
      series.push({ index, part: "odd" });
    }
  });
  const [x, ...found] = tables.length ? uPlot.join(tables) : [[]];
  const raw = [];
  const heights = {};
  series.forEach((one, place) => {
    one.values = found[place];
    if (one.part !== "line") return;
    raw[one.index] = found[place];
    if (one.style !== "bars" && one.style !== "area") return;
    const below = heights[one.style] ||= new Array(x.length).fill(0);
    one.values = found[place].map((value, at) => (value === null || value === undefined ? value : (below[at] += value)));
  });
  // The highest bars first: those that they stand on are drawn over them.
  const bars = series.filter((one) => one.style === "bars").reverse();
  return { x, raw, series: [...bars, ...series.filter((one) => one.style !== "bars")] };
}

function near(chart, index, at) {
  const values = chart.raw[index];
  const most = Math.max(chart.model.lines[index].interval, 1);
  for (let place = at; place >= 0 && chart.x[at] - chart.x[place] < most; place--) {
    if (values[place] !== null && values[place] !== undefined) return values[place];
  }
  return null;
}

// ------------------------------------------------------------------------------------------------------------ drawing
function seriesOptions(chart, one) {
  const line = chart.model.lines[one.index];
  const shown = { show: !chart.away.has(line.name), points: { show: false }, spanGaps: false };
  const stroke = own(one.index);
  const dash = DASHES[Math.floor(one.index / 10) % DASHES.length];
  if (one.part === "odd") {
    const red = colour("alert");
    return { ...shown, paths: () => null, points: { show: true, size: 6, fill: red, stroke: red } };
  }
  if (one.part !== "line") return { ...shown, width: 0 };
  if (one.style === "bars") {
    const width = (u) => Math.max(1, u.valToPos(chart.x[0] + line.interval, "x") - u.valToPos(chart.x[0], "x"));
    const paths = (u, ...rest) => uPlot.paths.bars({ size: [1, Math.max(1, width(u) * 0.9), 1], align: 1 })(u, ...rest);
    return { ...shown, stroke, fill: stroke, width: 0, paths };
  }
  const area = one.style === "area" ? { fill: clear(stroke, 0.3) } : {};
  return { ...shown, ...area, stroke, dash, width: 1.6, points: { show: line.x.length < 2, size: 6, fill: stroke } };
}

function bands(chart) {
  const found = [];
  let area = 0;
  chart.series.forEach((one, place) => {
    if (one.part === "upper") found.push({ series: [place + 1, place], fill: clear(colour("quiet"), 0.3) });
    if (one.style !== "area") return;
    if (area) found.push({ series: [place + 1, area], fill: clear(own(one.index), 0.3) });
    area = place + 1;
  });
  return found;
}

function heightRange(chart, low, high) {
  const { axis, limits } = chart.model;
  const end = (text) => (text === undefined || text === "auto" || text === null ? null : Number(text));
  const [least, most] = [end(axis.min), end(axis.max)];
  if (low === null || low === undefined) return [least ?? 0, most ?? 1];
  if (axis.scale === "log") return uPlot.rangeLog(Math.max(low, 1e-9), Math.max(high, 1e-9), 10, true);
  const zero = axis.include_zero === false ? [] : [0];
  const far = 4 * Math.max(Math.abs(low), Math.abs(high));
  const wanted = [low, high, ...zero, ...limits.map(([value]) => value).filter((value) => Math.abs(value) <= far)];
  const [from, to] = [Math.min(...wanted), Math.max(...wanted)];
  const pad = (to - from || Math.abs(to) || 1) * 0.08;
  return [least ?? (from === 0 ? 0 : from - pad), most ?? (to === 0 && from < 0 ? 0 : to + pad)];
}

// Thresholds as dashed lines with their names, events as marks on the axis of time.
function overlay(chart, u) {
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  const size = devicePixelRatio;
  const { min, max } = u.scales.y;
  const label = (text, x, y) => {
    ctx.setLineDash([]);
    ctx.lineWidth = 3 * size;
    ctx.strokeStyle = colour("paper");
    ctx.strokeText(text, x, y);
    ctx.fillText(text, x, y);
  };
  const path = ([x, y], ...further) => {
    ctx.beginPath();
    ctx.moveTo(x, y);
    for (const point of further) ctx.lineTo(...point);
  };
  ctx.save();
  ctx.font = `${11 * size}px system-ui, sans-serif`;
  for (const [value, kind] of chart.model.limits) {
    const shade = colour(KINDS[kind] || "quiet");
    const text = `${LIMITS[kind] || kind} ${written(value, chart.model.unit)}`;
    const y = Math.round(Math.min(top + height, Math.max(top, u.valToPos(value, "y", true))));
    ctx.strokeStyle = ctx.fillStyle = shade;
    ctx.lineWidth = Math.max(1, Math.round(size));
    ctx.textAlign = "right";
    ctx.textBaseline = y < top + 14 * size ? "top" : "bottom";
    if (value >= min && value <= max) {
      ctx.setLineDash([5 * size, 4 * size]);
      path([left, y + 0.5], [left + width, y + 0.5]);
      ctx.stroke();
      label(text, left + width - 3 * size, y - (ctx.textBaseline === "top" ? -2 : 2) * size);
    } else {
      label(`${text} ${value > max ? "↑" : "↓"}`, left + width - 3 * size, y);
    }
  }
  // What is counted stands once, above the axis, rather than at each of its ticks.
  ctx.fillStyle = colour("quiet");
  ctx.textAlign = "left";
  ctx.textBaseline = "bottom";
  ctx.fillText(chart.model.unit.name.trim(), 4 * size, top - 2 * size);
  for (const event of chart.model.events || []) {
    const x = Math.round(u.valToPos(event.x, "x", true));
    if (x < left || x > left + width) continue;
    ctx.strokeStyle = ctx.fillStyle = colour(KINDS[event.kind] || "link");
    ctx.lineWidth = size;
    ctx.setLineDash([2 * size, 3 * size]);
    path([x, top], [x, top + height]);
    ctx.stroke();
    path([x - 5 * size, top + height], [x + 5 * size, top + height], [x, top + height - 8 * size]);
    ctx.fill();
  }
  ctx.restore();
}

// ---------------------------------------------------------------------------------------------------- table and legend
function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}
const row = (...cells) => element("tr", {}, ...cells);
const cell = (name, text, kind = "") => element(name, { className: kind }, text);
const swatch = (index) => cell("span", "", `swatch colour-${index % 10}`);

// What the lines are where the cursor is: the highest first, and events that are close to it.
function hover(chart, u) {
  const { left, top, idx } = u.cursor;
  const box = chart.hover;
  box.hidden = !chart.over || left < 0 || idx === null || idx === undefined;
  if (box.hidden) return;
  const values = chart.model.lines.map((line, index) => ({ line, index, value: near(chart, index, idx) }));
  const shown = values.filter(({ line, value }) => value !== null && !chart.away.has(line.name)).sort((a, b) => b.value - a.value);
  const at = chart.focused === null ? -1 : shown.findIndex(({ index }) => index === chart.focused);
  // The line under the cursor is among them, however low it is.
  if (at >= MOST_ROWS) shown.splice(MOST_ROWS - 1, 0, ...shown.splice(at, 1));
  const rows = shown.slice(0, MOST_ROWS).map(({ line, index, value }) => {
    const name = cell("td", line.name);
    name.prepend(swatch(index), " ");
    const made = row(name, cell("td", written(value, chart.model.unit), "n"));
    made.classList.toggle("here", index === chart.focused);
    return made;
  });
  const close = (chart.model.events || []).filter((event) => Math.abs(u.valToPos(event.x, "x") - left) < 7);
  const marked = close.map((event) => row(cell("td", `▲ ${event.title}`), cell("td", moment(event.x).slice(11, 19), "n")));
  const table = element("table", {}, ...rows, ...marked);
  const more = shown.length > MOST_ROWS ? [cell("p", `and ${shown.length - MOST_ROWS} more`, "quiet")] : [];
  box.replaceChildren(cell("p", `${moment(chart.x[idx]).replace("T", " ")} UTC`, "quiet"), table, ...more);
  const from = u.over.offsetLeft + left;
  const right = from + 16 + box.offsetWidth > chart.plot.clientWidth;
  box.style.left = `${Math.max(0, right ? from - box.offsetWidth - 16 : from + 16)}px`;
  box.style.top = `${Math.max(0, Math.min(u.over.offsetTop + top - 10, HEIGHT - 30))}px`;
}

function legend(chart) {
  const { lines } = chart.model;
  chart.values = [];
  const buttons = lines.map((line, index) => {
    const value = cell("b", "");
    chart.values.push(value);
    const title = "Show this line alone, or all again; with Shift, hide or show this one";
    const button = element("button", { type: "button", title }, swatch(index), cell("span", line.name), value);
    button.addEventListener("click", (event) => choose(chart, line.name, event.shiftKey));
    const focus = (on) => chart.u && chart.u.setSeries(on ? place(chart, index) : null, { focus: true });
    for (const [name, on] of [["mouseenter", true], ["focus", true], ["mouseleave", false], ["blur", false]]) {
      button.addEventListener(name, () => focus(on));
    }
    return element("li", {}, button);
  });
  chart.legend.replaceChildren(...(lines.length > MOST_ROWS ? [finder(chart)] : []), ...buttons);
  pressed(chart);
}
const place = (chart, index) => chart.series.findIndex((one) => one.index === index && one.part === "line") + 1;
function pressed(chart) {
  chart.legend.querySelectorAll("button").forEach((button, index) => {
    button.setAttribute("aria-pressed", String(!chart.away.has(chart.model.lines[index].name)));
  });
}
function choose(chart, name, several) {
  const names = chart.model.lines.map((line) => line.name);
  if (several) {
    if (!chart.away.delete(name)) chart.away.add(name);
  } else {
    const alone = !chart.away.has(name) && chart.away.size === names.length - 1;
    chart.away = new Set(alone ? [] : names.filter((other) => other !== name));
  }
  apply(chart);
}
function apply(chart) {
  const { lines } = chart.model;
  chart.u.batch(() => chart.series.forEach((one, at) => chart.u.setSeries(at + 1, { show: !chart.away.has(lines[one.index].name) })));
  pressed(chart);
}
// Of many lines those whose names hold a word are shown.
function finder(chart) {
  const placeholder = `Search ${chart.model.lines.length} lines`;
  const input = element("input", { type: "search", placeholder, ariaLabel: "Search lines" });
  input.addEventListener("input", () => {
    const names = chart.model.lines.map((line) => line.name);
    const missing = names.filter((name) => !name.toLowerCase().includes(input.value.toLowerCase()));
    chart.away = new Set(missing);
    chart.legend.querySelectorAll("li:has(button)").forEach((item, index) => { item.hidden = chart.away.has(names[index]); });
    apply(chart);
  });
  return element("li", {}, input);
}
// The last value of each line, or that where the cursor is.
function values(chart, idx) {
  chart.values.forEach((target, index) => {
    const known = chart.model.lines[index].y;
    const value = idx === null || idx === undefined ? known[known.length - 1] : near(chart, index, idx);
    target.textContent = written(value, chart.model.unit);
  });
}

// -------------------------------------------------------------------------------------------------------------- charts
function options(chart) {
  const { plot, model } = chart;
  const quiet = colour("quiet");
  const axis = { stroke: quiet, grid: { stroke: colour("edge"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  const binary = model.unit.steps.some(([, text]) => text.includes("MiB")) ? { incrs: Array.from({ length: 70 }, (_, power) => 2 ** (power - 20)) } : {};
  const room = (u, texts) => 10 + 6.4 * Math.max(3, ...(texts || []).map((text) => text.length));
  return {
    width: plot.clientWidth,
    height: HEIGHT,
    ms: 1,
    // A date that reads by the clock here as this one does in UTC.
    tzDate: (time) => new Date(time + new Date(time).getTimezoneOffset() * 60000),
    legend: { show: false },
    padding: [model.unit.name ? 18 : 10, 24, 0, 4],
    focus: { alpha: 0.25 },
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false },
      focus: { prox: 24 },
      points: { size: 6 },
      sync: { key: "page", scales: ["x", null], filters: { pub: (kind) => kind === "mousemove" || kind === "mouseleave" } },
      bind: { dblclick: () => () => Page.unzoom() },
    },
    scales: {
      x: { time: true, range: () => [chart.model.start, chart.model.end] },
      y: { distr: model.axis.scale === "log" ? 3 : 1, range: (u, low, high) => heightRange(chart, low, high) },
    },
    axes: [
      { ...axis, values: (u, splits) => clocks(splits), space: (u, at, from, to) => (to - from < 600000 ? 80 : 56), size: 38 },
      { ...axis, ...binary, values: (u, splits) => ticks(splits, chart.model.unit), size: room },
    ],
    series: [{}, ...chart.series.map((one) => seriesOptions(chart, one))],
    bands: bands(chart),
    hooks: {
      draw: [(u) => overlay(chart, u)],
      setCursor: [(u) => { hover(chart, u); values(chart, u.cursor.left < 0 ? null : u.cursor.idx); }],
      setSeries: [(u, at, how) => {
        if (how && "focus" in how) chart.focused = at ? chart.series[at - 1].index : null;
      }],
      setSelect: [(u) => {
        const { left, width } = u.select;
        if (width > 4) Page.zoom(u.posToVal(left, "x"), u.posToVal(left + width, "x"));
        u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
      }],
    },
  };
}

const shape = (model) => JSON.stringify(model.lines.map(({ name, style, band, odd }) => [name, style, Boolean(band), Boolean(odd?.x.length)]));

function draw(plot) {
  const model = JSON.parse(plot.querySelector("script").textContent);
  let chart = plot.chart;
  if (!chart) {
    chart = plot.chart = { plot, away: new Set(), focused: null, over: false, hover: cell("div", "", "hover"), legend: cell("ul", "", "lines") };
    chart.hover.hidden = true;
    chart.legend.dataset.keep = "";
    plot.after(chart.legend);
    new ResizeObserver(() => chart.u && chart.u.setSize({ width: plot.clientWidth, height: HEIGHT })).observe(plot);
  }
  const before = chart.model;
  Object.assign(chart, { model }, columns(model));
  const data = [chart.x, ...chart.series.map((one) => one.values)];
  if (chart.u && shape(before) === shape(model) && chart.dark === DARK.matches) {
    chart.u.setData(data);
  } else {
    if (chart.u) chart.u.destroy();
    chart.dark = DARK.matches;
    chart.u = new uPlot(options(chart), data, plot);
    plot.append(chart.hover);
    chart.u.over.addEventListener("mouseenter", () => { chart.over = true; });
    chart.u.over.addEventListener("mouseleave", () => { chart.over = false; chart.hover.hidden = true; });
    legend(chart);
  }
  values(chart, null);
}

// Those in sight first, so that a long dashboard is there at once.
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((one) => one.isIntersecting)) {
    seen.unobserve(entry.target);
    draw(entry.target);
  }
}, { rootMargin: "300px" });
// Called for a page that has just been loaded, and for one whose data are new.
function drawAll() {
  document.querySelectorAll(".plot").forEach((plot) => (plot.chart ? draw(plot) : seen.observe(plot)));
}
drawAll();
document.addEventListener("refreshed", drawAll);
// On paper all of them are in sight.
addEventListener("beforeprint", () => document.querySelectorAll(".plot").forEach(draw));
DARK.addEventListener("change", () => document.querySelectorAll(".plot").forEach((plot) => plot.chart && draw(plot)));

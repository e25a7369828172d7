/** Curves over the steps of the game, with the lines on which theory says they come to rest. */

import { paint, prepare, scale, trace } from "./canvas.js";

const RATIO = 0.5;
const LEFT = 40, RIGHT = 66, TOP = 10, FOOT = 22;
const KEEP = 800; // points of a curve; beyond, every second one goes

/** An empty history: lists of one length. */
export function makeHistory() {
  return { every: 1, seen: 0, step: [], d: [], g: [], dNorm: [], gNorm: [], best: [] };
}

/** Adds one step; `values` has a number, or null, for each list. */
export function remember(history, values) {
  history.seen += 1;
  if (history.seen % history.every) return;
  const lists = Object.keys(values);
  lists.forEach((name) => history[name].push(values[name]));
  if (history.step.length < KEEP) return;
  lists.forEach((name) => { history[name] = history[name].filter((_, k) => k % 2); });
  history.every *= 2;
}

/**
 * @param canvas where
 * @param history what `remember` has filled
 * @param colours what `readColours` returns
 * @param {{curves: {name, label, colour, dash?}[], lines: {value, label, colour}[], log: boolean}} plot
 */
export function drawChart(canvas, history, colours, plot) {
  const { context, width, height } = prepare(canvas, RATIO);
  const fit = plot.log ? (value) => Math.log10(Math.max(value, 1e-6)) : (value) => value;
  const [low, high] = range(history, plot, fit);
  const y = (value) => scale(low, high, height - FOOT, TOP)(Math.min(high, Math.max(low, fit(value))));
  const last = Math.max(history.step.at(-1) ?? 0, 50);
  const x = scale(0, last, LEFT, width - RIGHT);
  const names = [];
  drawTicks(context, { low, high, log: plot.log, y, colours, width });
  write(context, "0", LEFT, height - 6, colours.quiet);
  write(context, `${last} steps`, width - RIGHT, height - 6, colours.quiet, "right");
  for (const { value, label, colour } of plot.lines) {
    context.setLineDash([5, 4]);
    context.strokeStyle = paint(colour);
    context.lineWidth = 1.3;
    trace(context, [LEFT, width - RIGHT], [y(value), y(value)]);
    context.setLineDash([]);
    names.push({ label, colour, at: y(value) });
  }
  const xs = history.step.map(x);
  for (const { name, label, colour, dash = [] } of plot.curves) {
    context.strokeStyle = paint(colour);
    context.lineWidth = dash.length ? 2 : 1.6;
    context.setLineDash(dash);
    trace(context, xs, history[name].map((value) => (value === null ? null : y(value))));
    context.setLineDash([]);
    const end = history[name].at(-1);
    if (end !== null && end !== undefined) names.push({ label, colour, at: y(end) });
  }
  drawNames(context, names, width - RIGHT + 5, height);
}

/** Lowest and highest value to show: all lines, and the curves but for their wildest hundredths. */
function range(history, plot, fit) {
  const values = plot.curves.flatMap(({ name }) => {
    const sorted = history[name].filter((value) => value !== null).map(fit).sort((a, b) => a - b);
    const cut = Math.floor(sorted.length / 100);
    return sorted.length ? [sorted[cut], sorted[sorted.length - 1 - cut]] : [];
  }).concat(plot.lines.map(({ value }) => fit(value)));
  if (!values.length) return plot.log ? [-2, 1] : [0, 1];
  const low = Math.min(...values), high = Math.max(...values);
  if (plot.log) return [Math.floor(low), Math.max(Math.ceil(high), Math.floor(low) + 1)];
  const margin = Math.max(0.1, 0.12 * (high - low));
  return [low - margin, high + margin];
}

function drawTicks(context, { low, high, log, y, colours, width }) {
  const raw = (high - low) / 4, power = 10 ** Math.floor(Math.log10(raw));
  const step = log ? Math.max(1, Math.ceil(raw)) : power * [1, 2, 5, 10].find((factor) => factor * power >= raw);
  for (let value = Math.ceil(low / step) * step; value <= high + 1e-9; value += step) {
    const at = y(log ? 10 ** value : value);
    context.strokeStyle = paint(colours.line);
    context.lineWidth = 1;
    trace(context, [LEFT, width - RIGHT], [at, at]);
    const name = log && value < -3 ? `1e${value}` : String(Number((log ? 10 ** value : value).toFixed(3)));
    write(context, name.replace("-", "−"), LEFT - 5, at + 4, colours.quiet, "right");
  }
}

/** Names at the right end, moved apart where they would cover each other. */
function drawNames(context, names, x, height) {
  const gap = 13;
  names.sort((a, b) => a.at - b.at);
  names.forEach((name, k) => { if (k) name.at = Math.max(name.at, names[k - 1].at + gap); });
  const over = Math.max(0, (names.at(-1)?.at ?? 0) - (height - FOOT + 2));
  names.forEach(({ label, colour, at }) => write(context, label, x, at - over + 4, colour));
}

function write(context, text, x, y, colour, align = "left") {
  context.textAlign = align;
  context.fillStyle = paint(colour);
  context.fillText(text, x, y);
}

/** The game on the line: above, D and the best D there is; below, both densities, points and pushes. */

import { arrow, paint, prepare, scale, trace } from "./canvas.js";
import { HIGH, LOW, PLACES } from "./theory.js";

const RATIO = 0.72;
const TOP = 24, SPLIT = 0.34, GAP = 32, FOOT = 48; // heights of the two panels: pixels, and a share
const LEFT = 30, RIGHT = 8;
const PUSH_LENGTH = 0.6, PUSH_LIMIT = 1.2; // of an arrow, per unit of slope; at most

/** The left and right end of the line in a canvas `width` pixels wide: the page turns clicks into places. */
export function lineScale(width) {
  return scale(LOW, HIGH, LEFT, width - RIGHT);
}

/** Arguments as in `drawPlane`. */
export function drawLine(canvas, view, colours, show) {
  const { context, width, height } = prepare(canvas, RATIO);
  const x = lineScale(width), xs = Array.from(PLACES, x);
  const panel = { left: LEFT, right: width - RIGHT, x, xs, colours };
  drawOpinions(context, view, { ...panel, top: TOP, bottom: TOP + SPLIT * height });
  drawDensities(context, view, { ...panel, top: TOP + SPLIT * height + GAP, bottom: height - FOOT });
  drawAxis(context, panel, height);
  drawRug(context, view, panel, height, show);
  if (show.stamp) drawStamp(context, colours, x(show.stamp[0]), TOP, height - FOOT);
}

function drawOpinions(context, view, { left, right, top, bottom, xs, colours }) {
  const y = scale(0, 1, bottom, top);
  [[0, "0"], [0.5, "½"], [1, "1"]].forEach(([value, name]) => rule(context, { left, right, y: y(value), name, colours }));
  label(context, "D, the probability that x is real", left + 4, top - 6, colours.quiet);
  if (view.best) {
    context.setLineDash([5, 4]);
    context.strokeStyle = paint(colours.ink);
    context.lineWidth = 1.8;
    trace(context, xs, view.best.map((value) => (value === null ? null : y(value))));
    context.setLineDash([]);
  }
  context.strokeStyle = paint(colours.d);
  context.lineWidth = 2.5;
  trace(context, xs, Array.from(view.surface, y));
}

function drawDensities(context, view, { left, right, top, bottom, x, xs, colours }) {
  const tallest = Math.max(0.6, ...view.p.map((value) => 1.7 * value));
  const y = (value) => Math.max(top, scale(0, tallest, bottom, top)(value));
  label(context, "density", left + 4, top - 6, colours.quiet);
  rule(context, { left, right, y: bottom, name: "0", colours });
  for (const [values, colour, dash] of [[view.p, colours.real, []], [view.q, colours.fake, [6, 3]]]) {
    const ys = Array.from(values, y);
    context.fillStyle = paint(colour, 0.25);
    context.beginPath();
    context.moveTo(xs[0], bottom);
    ys.forEach((height, k) => context.lineTo(xs[k], height));
    context.lineTo(xs.at(-1), bottom);
    context.fill();
    context.setLineDash(dash);
    context.strokeStyle = paint(colour);
    context.lineWidth = 2;
    trace(context, xs, ys);
    context.setLineDash([]);
  }
  nameHeap(context, "p, real", view.p, { x, y, colour: colours.real });
  nameHeap(context, "q, generated", view.q, { x, y, colour: colours.fake });
}

/** A name above the tallest place of a density. */
function nameHeap(context, name, values, { x, y, colour }) {
  const best = values.reduce((top, value, k) => (value > values[top] ? k : top), 0);
  if (!(values[best] > 0)) return;
  context.textAlign = "center";
  const half = context.measureText(name).width / 2;
  const [low, high] = [x(LOW) + half, x(HIGH) - half];
  const across = Math.min(high, Math.max(low, x(PLACES[best])));
  label(context, name, across, y(values[best]) - 5, colour);
  context.textAlign = "left";
}

function drawAxis(context, { left, right, x, colours }, height) {
  rule(context, { left, right, y: height - 16, name: "", colours });
  context.textAlign = "center";
  for (let value = LOW + 1; value < HIGH; value += 1) label(context, String(value).replace("-", "−"), x(value), height - 3, colours.quiet);
  context.textAlign = "left";
}

/** Real points as ticks, generated ones as diamonds, with their arrows. */
function drawRug(context, view, { x, colours }, height, show) {
  const [upper, lower] = [height - 38, height - 24];
  if (show.real) {
    context.fillStyle = paint(colours.real, 0.8);
    view.real.slice(0, 120).forEach((value) => context.fillRect(x(value) - 0.5, upper - 5, 1.2, 9));
  }
  context.fillStyle = paint(colours.fake, 0.9);
  view.pushes.at.forEach((value) => {
    context.beginPath();
    [[0, -3.5], [3.5, 0], [0, 3.5], [-3.5, 0]].forEach(([dx, dy]) => context.lineTo(x(value) + dx, lower + dy));
    context.fill();
  });
  if (!show.pushes) return;
  context.strokeStyle = context.fillStyle = paint(colours.push);
  context.lineWidth = 1.6;
  view.pushes.at.forEach((value, k) => {
    const by = Math.max(-PUSH_LIMIT, Math.min(PUSH_LIMIT, PUSH_LENGTH * view.pushes.by[k]));
    arrow(context, x(value), lower, x(value + by) - x(value), 0);
  });
}

function drawStamp(context, colours, across, top, bottom) {
  context.strokeStyle = paint(colours.ink);
  context.lineWidth = 2;
  context.setLineDash([2, 3]);
  trace(context, [across, across], [top, bottom]);
  context.setLineDash([]);
}

/** A faint line across a panel, with its value on the left. */
function rule(context, { left, right, y, name, colours }) {
  context.strokeStyle = paint(colours.line);
  context.lineWidth = 1;
  trace(context, [left, right], [y, y]);
  context.textAlign = "right";
  label(context, name, left - 5, y + 4, colours.quiet);
  context.textAlign = "left";
}

function label(context, text, x, y, colour) {
  context.fillStyle = paint(colour);
  context.fillText(text, x, y);
}

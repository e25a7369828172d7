/** The game in words: for everybody below the picture, and for those who do not see it. */

import { restOf } from "./view.js";
import { isMinimax } from "./theory.js";

const REST_NAMES = { 1.386: "log 4 = 1.386", 0.693: "log 2 = 0.693", "-0.693": "−log 2 = −0.693" };

/** A number with `digits` behind the point and a proper minus. */
export function number(value, digits = 2) {
  if (!Number.isFinite(value)) return "–";
  return value.toFixed(digits).replace(/^-(?=0\.?0*$)/, "").replace("-", "−");
}

/** A size that may be tiny: 0.31, or 2.1e−5. */
export function size(value) {
  return value >= 0.01 || value === 0 ? number(value, value < 10 ? 2 : 0) : value.toExponential(1).replace("-", "−");
}

/**
 * One or two sentences on a view.
 * @param {number} step of the game
 * @param view what `look` returns
 * @param report the last {d, g, dNorm, gNorm}, or null before the first step
 * @param {string} lossName a key of LOSSES
 */
export function sentence(step, view, report, lossName) {
  if (!view.wanted[0]) return `Step ${step}. The target is empty: draw something first.`;
  const parts = [`Step ${step}: ${placeWords(view)}`, `D is right in ${Math.round(100 * view.accuracy)}% of cases`];
  if (view.outside) parts.push(`${view.outside} of the points drawn lie outside the picture`);
  if (view.modes !== null) parts.push(`heaps reached: ${view.modes} of ${view.heaps}`);
  if (view.jsd !== null) parts.push(`distance of p and q (JSD) ${number(view.jsd, 3)}, largest possible 0.693`);
  const rest = restOf(lossName);
  const losses = report
    ? ` D's loss ${number(report.d)}, at rest ${number(rest.d)}. Gradients: D ${size(report.dNorm)}, G ${size(report.gNorm)}.`
    : "";
  return `${parts.join("; ")}.${losses}`;
}

function placeWords({ made, wanted }) {
  const list = (items, key) => {
    const numbers = items.map((item) => number(item[key]));
    return numbers.length === 1 ? numbers[0] : `(${numbers.join(", ")})`;
  };
  return `generated mean ${list(made, "mean")}, target ${list(wanted, "mean")}; `
    + `spread ${list(made, "spread")}, target ${list(wanted, "spread")}`;
}

/** Rows of the table: [what, now, at the solution]. */
export function rows(view, report, lossName) {
  const rest = restOf(lossName), named = (value) => (value === null ? "any" : REST_NAMES[value.toFixed(3)] ?? number(value, 3));
  const now = (value, digits) => (report ? number(value, digits) : "–");
  const table = [];
  if (isMinimax(lossName)) table.push(["V = minus D's loss", now(-report?.d, 3), "−log 4 = −1.386"]);
  else table.push(["D's loss", now(report?.d, 3), named(rest.d)]);
  table.push(["G's loss", now(report?.g, 3), named(rest.g)]);
  if (view.jsd !== null && isMinimax(lossName)) {
    table.push(["V of the best D: −log 4 + 2 JSD(p, q)", number(-Math.log(4) + 2 * view.jsd, 3), "−log 4 = −1.386"]);
  }
  table.push(["D is right", `${Math.round(100 * view.accuracy)}%`, "50%"]);
  view.made.forEach(({ mean, spread }, axis) => {
    const wanted = view.wanted[axis];
    const name = view.made.length === 1 ? "mean, spread" : `mean, spread ${["across", "up"][axis]}`;
    table.push([`generated ${name}`, `${number(mean)}, ${number(spread)}`,
      wanted ? `${number(wanted.mean)}, ${number(wanted.spread)}` : "–"]);
  });
  if (view.modes !== null) table.push(["heaps reached", String(view.modes), String(view.heaps)]);
  table.push(["size of D's, of G's gradient", report ? `${size(report.dNorm)}, ${size(report.gNorm)}` : "–", "0, 0 but for the batch's chance"]);
  return table;
}

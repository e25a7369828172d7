/** The parts of the page around the stage: both charts, the table, and what is hidden when. */

import { drawChart } from "./chart.js";
import { number, rows, size } from "./describe.js";
import { isMinimax } from "./theory.js";
import { restOf } from "./view.js";

const NAMES = { 1.386: "log 4", 0.693: "log 2", "-0.693": "−log 2" };

/**
 * Both losses, where they rest, and on the line how low D's could be: log 4 - 2 JSD(p, q).
 * @param canvas where
 * @param {{history, report, rules, view}} play the game's state in page.js
 * @param colours what `readColours` returns
 */
export function drawLosses(canvas, { history, report, rules, view }, colours) {
  const rest = restOf(rules.loss);
  const lines = [rest.d, rest.g].filter((value) => value !== null)
    .map((value) => ({ value, label: NAMES[value.toFixed(3)] ?? String(value), colour: colours.quiet }));
  const curves = players(colours, "d", "g");
  if (view.jsd !== null && isMinimax(rules.loss)) {
    curves.push({ name: "best", label: "best D", colour: colours.ink, dash: [1, 4] });
  }
  drawChart(canvas, history, colours, { curves, lines, log: false });
  const end = `D ${number(rest.d)}${rest.g === null ? "" : `, G ${number(rest.g)}`}`;
  canvas.setAttribute("aria-label", report
    ? `Losses over time. Now D ${number(report.d)}, G ${number(report.g)}. At the solution ${end}.`
    : `Losses over time: no step yet. At the solution ${end}.`);
}

/** Lengths of both gradients, on a logarithmic scale; arguments as in `drawLosses`. */
export function drawGradients(canvas, { history, report }, colours) {
  drawChart(canvas, history, colours, { curves: players(colours, "dNorm", "gNorm"), lines: [], log: true });
  canvas.setAttribute("aria-label", report
    ? `Size of both gradients over time. Now D ${size(report.dNorm)}, G ${size(report.gNorm)}.`
    : "Size of both gradients over time: no step yet.");
}

function players(colours, d, g) {
  return [{ name: d, label: "D", colour: colours.d }, { name: g, label: "G", colour: colours.fake }];
}

/** Fills a table's body; the other arguments as in `rows`. */
export function fillTable(body, view, report, lossName) {
  body.replaceChildren(...rows(view, report, lossName).map(([name, now, solved]) => {
    const row = document.createElement("tr"), head = document.createElement("th");
    head.scope = "row";
    head.textContent = name;
    row.append(head, ...[now, solved].map((text) => Object.assign(document.createElement("td"), { textContent: text })));
    return row;
  }));
}

/** Shows what belongs to this target, and hides the rest. */
export function arrange(stage, target) {
  const drawn = Boolean(target.drawn);
  document.querySelectorAll("#mm [data-dim]").forEach((item) => { item.hidden = Number(item.dataset.dim) !== target.dim; });
  document.getElementById("mm-drawing").hidden = !drawn;
  stage.classList.toggle("mm-drawable", drawn);
  // A picture that one can draw in takes keys, so a screen reader must hand them over.
  stage.setAttribute("role", drawn ? "application" : "img");
  if (drawn) stage.tabIndex = 0;
  else stage.removeAttribute("tabindex");
  const help = drawn ? " Arrow keys move the stamp, Space stamps, Backspace takes back." : "";
  stage.setAttribute("aria-label", `The game on the ${target.dim === 1 ? "line" : "plane"}: ${target.label}.${help}`);
}

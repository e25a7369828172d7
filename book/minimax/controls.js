/** The form beside the picture: reads it, writes it, and knows the experiments. */

import { TARGETS } from "./targets.js";

const RATES = [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 3e-2, 5e-2];
/** Values of the sliders: a slider's position is a place in its list. */
const SCALES = {
  dRate: RATES,
  gRate: RATES,
  r1Gamma: [0, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
  gSteps: [1, 2, 3, 5, 10, 20],
};

/** The recipe that lesson 03 ends with. */
export const CALM = { target: "ring", loss: "non_saturating", dRate: 2e-3, gRate: 2e-3, r1Gamma: 0.1, gSteps: 1, seed: 0 };

/** Rules, and what to look for. What the words promise was measured with several seeds. */
export const EXPERIMENTS = {
  balance: {
    rules: CALM,
    hint: "One step each, equal rates, and R1 keeps D gentle: the map stays pale, the losses stay close to the dashed lines, and "
      + "within 2,000 steps the points gather in all heaps, or nearly all. There is no guarantee: try other seeds.",
  },
  collapse: {
    rules: { ...CALM, r1Gamma: 0, gRate: 5e-3, gSteps: 20 },
    hint: "G takes 20 hasty steps for each of D, and no R1 keeps D gentle. All points run to the place that D likes "
      + "best, then D learns, and they run on. The cure: one step each, both rates 0.002, R1 0.1.",
  },
  strong: {
    rules: { ...CALM, r1Gamma: 0, dRate: 1e-2 },
    hint: "D learns five times as fast as G and draws a steep border around every heap. Its loss stays below log 4, the "
      + "arrows are long and point in all directions, some heaps stay empty. Then raise R1 while it runs.",
  },
  silent: {
    rules: { ...CALM, target: "corner", loss: "minimax", r1Gamma: 0, dRate: 3e-2, gRate: 2e-4 },
    hint: "D is soon sure of every point, and this loss has no slope where D is sure: the arrows shrink to dots, G's gradient "
      + "falls to a thousandth. Choose the non-saturating loss while it runs: the arrows are back. If you wait instead, G may "
      + "stumble out of the silence after some hundred steps: Adam divides every gradient by its size, so a whisper moves G as "
      + "far as a shout.",
  },
};

const find = (name) => document.getElementById(`mm-${name}`);

/** Fills the menus and sliders, once. */
export function buildControls() {
  for (const [dim, title] of [[1, "On a line"], [2, "On a plane"]]) {
    const group = document.createElement("optgroup");
    group.label = title;
    Object.entries(TARGETS).filter(([, target]) => target.dim === dim)
      .forEach(([name, target]) => group.append(new Option(target.label, name)));
    find("target").append(group);
  }
  for (const [name, values] of Object.entries(SCALES)) {
    Object.assign(find(name), { min: 0, max: values.length - 1, step: 1 });
    find(name).addEventListener("input", () => showValue(name));
  }
}

/** Puts rules, as `CALM` has them, into the form. */
export function writeRules(rules) {
  for (const name of ["target", "loss", "seed"]) find(name).value = rules[name];
  for (const [name, values] of Object.entries(SCALES)) {
    find(name).value = values.indexOf(rules[name]);
    showValue(name);
  }
}

/** The rules as they stand in the form; a seed that is no whole number counts as 0. */
export function readRules() {
  const rules = { target: find("target").value, loss: find("loss").value };
  for (const [name, values] of Object.entries(SCALES)) rules[name] = values[Number(find(name).value)];
  return { ...rules, seed: Math.max(0, Math.trunc(Number(find("seed").value)) || 0) };
}

/** What to draw: {real, pushes, net}. */
export function readShow() {
  return Object.fromEntries(["real", "pushes", "net"].map((name) => [name, find(`show-${name}`).checked]));
}

function showValue(name) {
  const value = String(SCALES[name][Number(find(name).value)]);
  find(`${name}-value`).textContent = value;
  find(name).setAttribute("aria-valuetext", value);
}

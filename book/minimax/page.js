/** The minimax page: the loop that plays, and what the buttons do. */

import { loadNumbers, loadTensorFlow } from "./backend.js";
import { readColours } from "./canvas.js";
import { makeHistory, remember } from "./chart.js";
import { buildControls, CALM, EXPERIMENTS, readRules, readShow, writeRules } from "./controls.js";
import { sentence, size } from "./describe.js";
import { makeDrawable } from "./drawing.js";
import { dispose, fromPlain, makeToy, toyStep } from "./game.js";
import { drawLine } from "./line.js";
import { drawPlane } from "./plane.js";
import { makeNormal, makeUniform } from "./random.js";
import { replay, TOLERANCE } from "./replay.js";
import { arrange, drawGradients, drawLosses, fillTable } from "./screen.js";
import { drawPoints, TARGETS } from "./targets.js";
import { isMinimax } from "./theory.js";
import { look, makeProbes } from "./view.js";

const BATCH = 128; // points a step, as in vgcourse.gan.toy
const SIZES = { 1: { dim: 1, latentDim: 1, width: 32 }, 2: { dim: 2, latentDim: 2, width: 64 } }; // as in lesson 03
const FRAME = 30; // milliseconds of steps between two pictures
const CALM_FRAME = 1000; // between two pictures for who asked for less motion
const PRINTED = 150; // milliseconds between two drawings of the charts and numbers while it runs
const SPOKEN = 10000; // milliseconds between two announcements while it runs
const BACKENDS = {
  wasm: "TensorFlow.js computes in WebAssembly.",
  cpu: "TensorFlow.js computes in plain JavaScript, as this browser let no WebAssembly start: about three times slower.",
};

const find = (name) => document.getElementById(`mm-${name}`);
const lessMotion = window.matchMedia("(prefers-reduced-motion: reduce)");
const starts = {}; // Python's games by dim, as plain numbers
const play = {
  rules: null, target: null, probes: null, game: null, history: null, report: null, view: null, uniform: null, normal: null,
  running: false, broken: false, timer: null, pace: { since: 0, steps: 0, rate: 0 }, drawnAt: 0, printedAt: 0, spokenAt: 0, owed: 0, tickedAt: 0,
};
let colours, drawing;

// --- the game ----------------------------------------------------------------------------------------------

/** A new game by the rules in the form. */
function reset() {
  stop();
  const rules = readRules();
  const target = TARGETS[rules.target];
  if (play.game) dispose(play.game);
  const uniform = makeUniform(rules.seed), normal = makeNormal(uniform);
  Object.assign(play, { rules, target, uniform, normal, history: makeHistory(), report: null, broken: false });
  play.probes = makeProbes(target);
  play.game = beginning(target.dim, rules.seed);
  say("");
  find("replay-result").textContent = "";
  arrange(find("stage"), target);
  redraw();
  announce();
}

/** Seed 0 is the course's own game, if its file came; other seeds are drawn here. */
function beginning(dim, seed) {
  if (seed === 0 && starts[dim]) return fromPlain(starts[dim]);
  return makeToy(SIZES[dim], makeNormal(makeUniform(seed + 1)));
}

/** One step; false if there is none to take. */
function step() {
  const { target, rules, game } = play;
  if (play.broken) return refuse("The game is broken. Press Reset.");
  if (!target.centres.length) return refuse("The target is empty. Draw something in the picture first.");
  const { dim, latentDim } = SIZES[target.dim];
  const noise = Array.from({ length: 1 + rules.gSteps }, () =>
    tf.tensor2d(Float32Array.from({ length: BATCH * latentDim }, play.normal), [BATCH, latentDim]));
  const real = tf.tensor2d(drawPoints(target, BATCH, play.uniform, play.normal), [BATCH, dim]);
  const next = toyStep(game, real, noise, rules);
  const values = Array.from(next.report.dataSync());
  tf.dispose([real, noise, next.report]);
  if (!values.every(Number.isFinite)) {
    dispose(next.game);
    play.broken = true;
    return refuse(`The game has blown up at step ${game.step + 1}: a number grew beyond all bounds. The picture shows the last `
      + "step that went well. Lower the learning rates, or raise R1, and press Reset.");
  }
  dispose(game);
  play.game = next.game;
  const [d, g, dNorm, gNorm] = values;
  play.report = { d, g, dNorm, gNorm };
  // How low D's loss can be is known on the line: from the last picture, which is never far behind.
  const best = play.view?.jsd != null && isMinimax(rules.loss) ? Math.log(4) - 2 * play.view.jsd : null;
  remember(play.history, { step: play.game.step, ...play.report, best });
  return true;
}

function refuse(message) {
  stop();
  say(message);
  return false;
}

// --- time --------------------------------------------------------------------------------------------------

function run() {
  play.running = true;
  Object.assign(play, { tickedAt: performance.now(), owed: 1, pace: { since: performance.now(), steps: 0, rate: 0 } });
  find("run").textContent = "Pause";
  find("run").setAttribute("aria-pressed", "true");
  say("");
  schedule();
}

function stop() {
  const was = play.running;
  play.running = false;
  cancelAnimationFrame(play.timer);
  find("run").textContent = "Run";
  find("run").setAttribute("aria-pressed", "false");
  return was;
}

function schedule() {
  if (play.running) play.timer = requestAnimationFrame(guarded(tick));
}

/** As many steps as the speed asks for and one frame has time for; then a picture. */
function tick() {
  const begin = performance.now(), wanted = Number(find("speed").value);
  play.owed = wanted ? Math.min(play.owed + (wanted * (begin - play.tickedAt)) / 1000, wanted / 4 + 1) : Infinity;
  play.tickedAt = begin;
  let moved = false;
  while (play.running && play.owed >= 1 && performance.now() - begin < FRAME) {
    if (!step()) break;
    moved = true;
    play.owed -= 1;
    play.pace.steps += 1;
  }
  const now = performance.now();
  if (now - play.pace.since > 1000) {
    play.pace = { since: now, steps: 0, rate: (1000 * play.pace.steps) / (now - play.pace.since) };
  }
  if (!play.running || (moved && now - play.drawnAt > (lessMotion.matches ? CALM_FRAME : 0))) redraw();
  if (now - play.spokenAt > SPOKEN) announce();
  schedule();
}

/** The same function, but an error stops the game and is told to the reader. */
function guarded(action) {
  return (...values) => {
    try {
      return action(...values);
    } catch (error) {
      console.error(error);
      return refuse(`The page has met an error and stopped: ${error.message}. Load the page again.`);
    }
  };
}

// --- what is seen and said ----------------------------------------------------------------------------------

function redraw() {
  const { game, target, probes, rules } = play;
  const view = look(game, target, probes, rules.loss);
  play.view = view;
  play.drawnAt = performance.now();
  (target.dim === 1 ? drawLine : drawPlane)(find("stage"), view, colours, { ...readShow(), stamp: drawing.stamp() });
  const rate = play.running && play.pace.rate ? `, ${Math.round(play.pace.rate)} a second` : "";
  find("count").textContent = `step ${game.step}${rate}`;
  find("description").textContent = sentence(game.step, view, play.report, rules.loss);
  // Small print changes so fast that nobody reads it: while it runs, less often than the picture.
  if (play.running && play.drawnAt - play.printedAt < PRINTED) return;
  play.printedAt = play.drawnAt;
  fillTable(find("numbers"), view, play.report, rules.loss);
  drawLosses(find("losses"), play, colours);
  drawGradients(find("gradients"), play, colours);
}

/** For screen readers, and seldom: they read it out. */
function announce() {
  play.spokenAt = performance.now();
  find("live").textContent = find("description").textContent;
}

function say(message) {
  find("message").textContent = message;
}

// --- buttons -----------------------------------------------------------------------------------------------

function tryOut(name) {
  const { rules, hint } = EXPERIMENTS[name];
  writeRules(rules);
  mark(name);
  reset();
  if (!lessMotion.matches) run();
  find("hint").textContent = hint + (lessMotion.matches ? " Press Run." : "");
}

/** Which experiment the rules come from; null after a reset to other rules. */
function mark(name) {
  document.querySelectorAll("[data-experiment]").forEach((button) =>
    button.setAttribute("aria-pressed", String(button.dataset.experiment === name)));
  if (!name) find("hint").textContent = "";
}

/** Rules other than target and seed count from the next step on. */
function changeRules(event) {
  if (["mm-target", "mm-seed"].includes(event.target.id)) {
    mark(null);
    reset();
    return;
  }
  const rules = readRules();
  if (rules.loss !== play.rules.loss) Object.assign(play, { history: makeHistory(), report: null });
  play.rules = rules;
  redraw();
}

function targetChanged() {
  play.probes = makeProbes(play.target);
  if (play.target.centres.length && !play.broken) say("");
  redraw();
}

async function replayPython() {
  const result = find("replay-result"), dim = play.target.dim, name = dim === 1 ? "line" : "plane";
  stop();
  result.textContent = "Replaying …";
  try {
    const [plain, check] = await Promise.all([loadNumbers(`game_${name}.json`), loadNumbers(`check_${name}.json`)]);
    await new Promise((resolve) => { setTimeout(resolve, 20); }); // lets the word above appear
    const { steps, losses, points } = replay(plain, check);
    const same = Math.max(losses, points) < TOLERANCE;
    result.textContent = `${steps} steps on the ${name}: losses differ by ${size(losses)} at most, points by ${size(points)}. `
      + (same ? `Both under ${TOLERANCE}: the same game.` : `More than ${TOLERANCE}: not the same game. Please report your browser's name.`);
  } catch (error) {
    result.textContent = `It could not be replayed: ${error.message}.`;
  }
}

function listen() {
  find("run").addEventListener("click", guarded(() => {
    if (!stop()) run();
    redraw();
    announce();
  }));
  find("step").addEventListener("click", guarded(() => {
    stop();
    if (step()) say("");
    redraw();
    announce();
  }));
  find("reset").addEventListener("click", guarded(reset));
  find("clear").addEventListener("click", guarded(() => {
    play.target.centres.length = 0;
    targetChanged();
  }));
  find("replay").addEventListener("click", replayPython);
  find("controls").addEventListener("input", guarded(changeRules));
  find("controls").addEventListener("submit", (event) => event.preventDefault());
  document.querySelectorAll("[data-experiment]").forEach((button) =>
    button.addEventListener("click", guarded(() => tryOut(button.dataset.experiment))));
  // A hidden tab gets no frames: say why the steps stand still, and do not owe them later.
  document.addEventListener("visibilitychange", () => {
    play.tickedAt = performance.now();
    if (play.running && document.hidden) say("Paused while this tab is in the background.");
    else if (play.running) say("");
  });
  const repaint = guarded(() => {
    colours = readColours(find("body"));
    redraw();
  });
  new ResizeObserver(repaint).observe(find("stage").parentElement);
  new MutationObserver(repaint).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
}

async function start() {
  let backend;
  try {
    backend = await loadTensorFlow();
  } catch (error) {
    say(`The game cannot start: ${error.message}. Look at your connection and load the page again.`);
    return;
  }
  const missing = [];
  await Promise.all([[1, "line"], [2, "plane"]].map(async ([dim, name]) => {
    try {
      const plain = await loadNumbers(`game_${name}.json`);
      dispose(fromPlain(plain)); // throws if its arrays do not fit
      starts[dim] = plain;
    } catch (error) {
      missing.push(error.message);
    }
  }));
  find("body").hidden = false;
  colours = readColours(find("body"));
  drawing = makeDrawable(find("stage"), () => (play.target?.drawn ? play.target : null), guarded(targetChanged));
  buildControls();
  writeRules(CALM);
  find("backend").textContent = BACKENDS[backend];
  reset();
  listen();
  if (missing.length) say(`Seed 0 begins with other weights than in Python: ${missing.join("; ")}.`);
}

start().catch((error) => {
  console.error(error);
  say(`The page has met an error and cannot start: ${error.message}. Load the page again.`);
});

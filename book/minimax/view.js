/** Looks at a game without changing it: everything that the pictures and the words are made of. */

import { LOSSES, mlp, pushes } from "./game.js";
import { GRID, NET_NOISE, REACH } from "./plane.js";
import { countModes, drawPoints, moments } from "./targets.js";
import { bestDiscriminator, divergence, HIGH, knowsBest, lineDensity, NOISE, opinion, PLACES, targetDensity } from "./theory.js";
import { makeNormal, makeUniform } from "./random.js";

const NUM_POINTS = 500; // that D judges and that heaps are counted on
const NUM_SHOWN = 300, NUM_PUSHED = 40;

/**
 * What is looked at, the same in every frame, so that only the game makes the pictures move.
 * @returns {{noise: Float32Array, real: Float32Array}} (NUM_POINTS, latentDim) and (NUM_POINTS, dim)
 */
export function makeProbes(target) {
  const uniform = makeUniform(12345), normal = makeNormal(uniform);
  const noise = Float32Array.from({ length: NUM_POINTS * target.dim }, normal);
  return { noise, real: target.centres.length ? drawPoints(target, NUM_POINTS, uniform, normal) : new Float32Array(0) };
}

/**
 * @param game of game.js, whose latentDim equals the target's dim
 * @param target of targets.js
 * @param probes what `makeProbes` made for this target
 * @param {string} lossName a key of LOSSES
 * @returns what to draw and to say; `surface` holds D's opinions over GRID or PLACES
 */
export function look(game, target, probes, lossName) {
  const { dim } = target;
  const seen = ask(game, dim, probes, lossName);
  const middle = lossName === "wasserstein" ? (mean(seen.realScores) + mean(seen.fakeScores)) / 2 : 0;
  const judge = (score) => opinion(lossName, score, middle);
  const right = count(seen.realScores, (score) => judge(score) > 0.5) + count(seen.fakeScores, (score) => judge(score) < 0.5);
  const view = {
    real: probes.real.slice(0, NUM_SHOWN * dim), fake: seen.fake.slice(0, NUM_SHOWN * dim),
    surface: Array.from(seen.surface, judge), pushes: seen.pushes, net: seen.images,
    accuracy: right / (seen.realScores.length + seen.fakeScores.length),
    made: Array.from({ length: dim }, (_, axis) => spreadOf(seen.fake, dim, axis)),
    wanted: Array.from({ length: dim }, (_, axis) => (target.centres.length ? moments(target, axis) : null)),
    modes: target.modes ? countModes(target, seen.fake) : null, heaps: target.centres.length,
    outside: outside(seen.fake.slice(0, NUM_SHOWN * dim), dim),
    p: null, q: null, best: null, jsd: null,
  };
  if (dim === 1) Object.assign(view, lineTheory(target, seen.images, lossName));
  return view;
}

/** Both networks' answers, read from TensorFlow.js all at once. */
function ask(game, dim, probes, lossName) {
  const table = (numbers) => tf.tensor2d(numbers, [numbers.length / dim, dim]);
  const answers = tf.tidy(() => {
    const fake = mlp(game.generator, table(probes.noise));
    const pushed = pushes(game, table(probes.noise.slice(0, NUM_PUSHED * dim)), lossName);
    const places = table(dim === 1 ? PLACES : GRID);
    return {
      fake, at: pushed.points, by: pushed.pushes,
      images: mlp(game.generator, table(dim === 1 ? NOISE : NET_NOISE)),
      surface: mlp(game.discriminator, places),
      fakeScores: mlp(game.discriminator, fake),
      realScores: probes.real.length ? mlp(game.discriminator, table(probes.real)) : tf.tensor1d([]),
    };
  });
  const read = Object.fromEntries(Object.entries(answers).map(([name, tensor]) => [name, tensor.dataSync()]));
  tf.dispose(answers);
  return { ...read, pushes: { at: read.at, by: read.by } };
}

/** How many of the points that are drawn lie outside the picture. */
function outside(points, dim) {
  const reach = dim === 1 ? HIGH : REACH;
  const gone = new Set();
  points.forEach((value, place) => Math.abs(value) <= reach || gone.add(Math.floor(place / dim))); // NaN, too
  return gone.size;
}

function lineTheory(target, images, lossName) {
  const q = lineDensity(images);
  const p = target.centres.length ? targetDensity(target) : PLACES.map(() => 0);
  const known = target.centres.length > 0;
  return {
    p, q,
    best: known && knowsBest(lossName) ? bestDiscriminator(p, q) : null,
    jsd: known ? divergence(p, q) : null,
  };
}

function mean(values) {
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : 0;
}

function count(values, test) {
  return values.reduce((sum, value) => sum + test(value), 0);
}

/** Mean and spread of points along an axis. */
function spreadOf(points, dim, axis) {
  const values = points.filter((_, place) => place % dim === axis);
  const middle = mean(values);
  return { mean: middle, spread: Math.sqrt(mean(values.map((value) => (value - middle) ** 2))) };
}

/** Where the game rests, as the reader's loss says: {d, g}. */
export function restOf(lossName) {
  return LOSSES[lossName].rest;
}

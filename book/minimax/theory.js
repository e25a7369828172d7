/**
 * What lesson 03 derives about the game, as numbers to compare with what the networks do.
 *
 * On the line everything is known: p by its formula, and q, the generator's density, from the generator itself.
 * Densities are arrays over `BINS` equal bins from LOW to HIGH.
 */

import { density } from "./targets.js";

export const LOW = -5, HIGH = 5, BINS = 250;
const BIN = (HIGH - LOW) / BINS;
const EDGES = 1601; // noise values at which the generator is asked, from -4.5 to 4.5

/** Places on the line: the middle of each bin. */
export const PLACES = Float32Array.from({ length: BINS }, (_, k) => LOW + (k + 0.5) * BIN);

/** The noise values, in order; `lineDensity` takes what the generator makes of them. */
export const NOISE = Float32Array.from({ length: EDGES }, (_, k) => -4.5 + (9 * k) / (EDGES - 1));

const MASSES = slices();

/** Share of the noise that lies between one value of NOISE and the next. */
function slices() {
  const middle = (k) => (NOISE[k] + NOISE[k + 1]) / 2;
  const raw = Array.from({ length: EDGES - 1 }, (_, k) => Math.exp(-0.5 * middle(k) ** 2));
  const total = raw.reduce((sum, mass) => sum + mass);
  return raw.map((mass) => mass / total);
}

/** p over the bins. */
export function targetDensity(target) {
  return Array.from(PLACES, (x) => density(target, x));
}

/**
 * q over the bins, with no sampling: the noise between two neighbours is spread evenly between their images.
 * @param {Float32Array} images G(z) at every z of NOISE
 */
export function lineDensity(images) {
  const q = new Float64Array(BINS);
  MASSES.forEach((mass, k) => {
    const from = (Math.min(images[k], images[k + 1]) - LOW) / BIN;
    const to = Math.max((Math.max(images[k], images[k + 1]) - LOW) / BIN, from + 1e-6);
    const first = Math.max(0, Math.floor(from)), last = Math.min(BINS - 1, Math.floor(to));
    for (let bin = first; bin <= last; bin += 1) {
      const share = (Math.min(to, bin + 1) - Math.max(from, bin)) / (to - from);
      q[bin] += (mass * Math.max(0, share)) / BIN;
    }
  });
  return q;
}

/** The best discriminator p / (p + q); null where there is neither real nor generated data. */
export function bestDiscriminator(p, q) {
  return Array.from(p, (_, k) => (p[k] + q[k] > 1e-6 ? p[k] / (p[k] + q[k]) : null));
}

/** Jensen-Shannon divergence: 0 for p = q, log 2 where they do not overlap. */
export function divergence(p, q) {
  const term = (a, b) => (a > 0 ? a * Math.log((2 * a) / (a + b)) : 0);
  let sum = 0;
  for (let k = 0; k < BINS; k += 1) sum += (term(p[k], q[k]) + term(q[k], p[k])) / 2;
  return Math.max(0, sum * BIN); // rounding may leave -1e-9
}

/**
 * D's score as an opinion from 0 (generated) to 1 (real).
 * @param {string} lossName with cross-entropy it is the probability; with least squares the score itself
 * @param {number} score what the network says
 * @param {number} middle the score between real and generated; only the Wasserstein score needs it
 */
export function opinion(lossName, score, middle) {
  if (lossName === "hinge") return clip((score + 1) / 2);
  if (lossName === "least_squares") return clip(score);
  return 1 / (1 + Math.exp(lossName === "wasserstein" ? middle - score : -score));
}

function clip(value) {
  return Math.min(1, Math.max(0, value));
}

/** Has this loss a best discriminator p / (p + q)? */
export function knowsBest(lossName) {
  return ["non_saturating", "minimax", "least_squares"].includes(lossName);
}

/** Is minus D's loss the value V of the minimax game? */
export function isMinimax(lossName) {
  return ["non_saturating", "minimax"].includes(lossName);
}

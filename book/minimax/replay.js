/** Takes the steps that Python has taken, with the same numbers, and says how far apart both end. */

import { dispose, fromPlain, mlp, toyStep } from "./game.js";

/** What counts as the same: two float32 computations that add up in different orders, 50 steps in a row. */
export const TOLERANCE = 1e-4;

/**
 * @param plain a game as Python's `to_plain` writes it
 * @param check what `check_numbers` in book/export_game.py wrote: recipe, numbers in, numbers out
 * @returns {{steps: number, losses: number, points: number}} how many steps, and the largest differences
 */
export function replay(plain, check) {
  const recipe = {
    gRate: check.recipe.g_rate, dRate: check.recipe.d_rate, r1Gamma: check.recipe.r1_gamma,
    gSteps: check.recipe.g_steps, loss: check.recipe.loss,
  };
  let game = fromPlain(plain);
  let losses = 0;
  check.real.forEach((points, step) => {
    const real = tf.tensor2d(points), noise = check.noise[step].map((turn) => tf.tensor2d(turn));
    const next = toyStep(game, real, noise, recipe);
    const [dLoss, gLoss] = next.report.dataSync();
    losses = worst(losses, dLoss - check.d_loss[step], gLoss - check.g_loss[step]);
    dispose(game);
    tf.dispose([real, noise, next.report]);
    ({ game } = next);
  });
  const made = tf.tidy(() => mlp(game.generator, tf.tensor2d(check.probe)).dataSync());
  dispose(game);
  const points = check.points.flat().reduce((most, value, place) => worst(most, value - made[place]), 0);
  return { steps: check.real.length, losses, points };
}

/** The largest size; NaN counts as infinitely far. */
function worst(...differences) {
  return differences.reduce((most, d) => (Number.isNaN(d) ? Infinity : Math.max(most, Math.abs(d))), 0);
}

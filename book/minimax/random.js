/** Random numbers with a seed: the same seed gives the same game on every machine. */

/**
 * @param {number} seed any integer
 * @returns {() => number} draws uniformly from [0, 1): Tommy Ettinger's mulberry32
 */
export function makeUniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Draws from the standard bell curve, by Box and Muller's method; `uniform` as `makeUniform` gives it. */
export function makeNormal(uniform) {
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/**
 * NumPy's random numbers, so that person 7 of this page is person 7 of the lessons: the same draws as
 * `numpy.random.default_rng([seed, stream]).standard_normal(count, numpy.float32)`.
 *
 * Three known parts: a hash that spreads the seed (O'Neill's seed_seq), the generator PCG64 (O'Neill 2014,
 * https://www.pcg-random.org), and the ziggurat (Marsaglia and Tsang 2000, https://doi.org/10.18637/jss.v005.i08).
 */

const BITS_64 = (1n << 64n) - 1n;
const BITS_128 = (1n << 128n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

const TAIL = 3.6541528853610088; // where the lowest layer of the ziggurat ends
const LAYER_AREA = 0.00492867323399;
const STEPS = 2 ** 23; // within a layer: as many as a float32 can tell apart
const { widths, limits, heights } = makeLayers();

/**
 * @param {number} seed integer, 0 to 2^32 - 1
 * @param {number} stream integer: 0 draws people, 1 draws ways of moving
 * @param {number} count
 * @returns {Float32Array} (count,) draws from N(0, 1)
 */
export function standardNormal(seed, stream, count) {
  const next = makeUint32(spread([seed, stream], 8));
  return Float32Array.from({ length: count }, () => drawNormal(next));
}

/** Hash a few integers into `count` words of 32 bits that look random. */
function spread(integers, count) {
  const mix = (constant, multiplier) => (value) => {
    value ^= constant;
    constant = Math.imul(constant, multiplier);
    value = Math.imul(value, constant);
    return value ^ (value >>> 16);
  };
  const enter = mix(0x43b0d7e5, 0x931e8875);
  const pool = [0, 1, 2, 3].map((k) => enter(integers[k] ?? 0));
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) {
      if (from === to) continue;
      const both = Math.imul(0xca01f9dd, pool[to]) - Math.imul(0x4973f715, enter(pool[from]));
      pool[to] = both ^ ((both | 0) >>> 16);
    }
  }
  const leave = mix(0x8b51f9dd, 0x58f38ded);
  return Array.from({ length: count }, (_, k) => leave(pool[k % 4]) >>> 0);
}

/** PCG64 (XSL-RR), begun with 8 words; each of its 64-bit numbers is handed out as two, low half first. */
function makeUint32(words) {
  const [stateHigh, stateLow, streamHigh, streamLow] = [0, 2, 4, 6].map(
    (k) => BigInt(words[k]) | (BigInt(words[k + 1]) << 32n),
  );
  const increment = ((((streamHigh << 64n) | streamLow) << 1n) | 1n) & BITS_128;
  const step = (state) => (state * MULTIPLIER + increment) & BITS_128;
  let state = step(increment + ((stateHigh << 64n) | stateLow));
  let kept = null;
  return () => {
    if (kept !== null) {
      const high = kept;
      kept = null;
      return high;
    }
    state = step(state);
    const folded = (state >> 64n) ^ (state & BITS_64);
    const turn = state >> 122n;
    const drawn = ((folded >> turn) | (folded << (64n - turn))) & BITS_64;
    kept = Number(drawn >> 32n);
    return Number(drawn & 0xffffffffn);
  };
}

/** Layers of equal area under the bell curve, from the base (0) to just below r (255). */
function makeLayers() {
  const bell = (x) => Math.exp((-x * x) / 2);
  const edges = new Float64Array(256);
  edges[255] = TAIL;
  for (let k = 254; k > 0; k--) {
    edges[k] = Math.sqrt(-2 * Math.log(LAYER_AREA / edges[k + 1] + bell(edges[k + 1])));
  }
  const base = LAYER_AREA / bell(TAIL); // the base is as wide as if its tail were laid flat
  const wide = edges.map((edge, k) => (k ? edge : base));
  const inner = edges.map((_, k) => (k ? edges[k - 1] : TAIL));
  return {
    widths: Float32Array.from(wide, (width) => width / STEPS),
    limits: wide.map((width, k) => Math.floor((inner[k] / width) * STEPS)),
    heights: Float32Array.from(edges, bell),
  };
}

function drawNormal(next) {
  const uniform = () => (next() >>> 8) / 2 ** 24;
  for (;;) {
    const bits = next();
    const layer = bits & 0xff;
    const steps = (bits >>> 9) & (STEPS - 1);
    const x = Math.fround(steps * widths[layer]) * ((bits >>> 8) & 1 ? -1 : 1);
    if (steps < limits[layer]) return x;
    if (layer === 0) {
      const tail = drawTail(uniform);
      return (steps >>> 8) & 1 ? -tail : tail;
    }
    const height = (heights[layer - 1] - heights[layer]) * uniform() + heights[layer];
    if (height < Math.exp(-0.5 * x * x)) return x;
  }
}

/** A draw beyond the lowest layer. */
function drawTail(uniform) {
  for (;;) {
    const beyond = -Math.log1p(-uniform()) / TAIL;
    const level = -Math.log1p(-uniform());
    if (2 * level > beyond * beyond) return TAIL + beyond;
  }
}

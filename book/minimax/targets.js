/**
 * What the generator shall learn to make. Every target, drawn ones too, is a number of equally heavy heaps
 * (bell curves of one spread), so its density is known exactly:
 *   {dim: 1 or 2, label, centres: number[heaps][dim], spread, modes: true where it makes sense to count heaps}
 */

const ring = [0, 1, 2, 3, 4, 5, 6, 7].map((k) => turn(2, (k / 8) * 2 * Math.PI));
const grid = [-2, 0, 2].flatMap((x) => [-2, 0, 2].map((y) => [x, y]));

export const TARGETS = {
  bell: { dim: 1, label: "one bell curve (lesson 03)", centres: [[1]], spread: 0.5 },
  bells: { dim: 1, label: "two bell curves", centres: [[-1.5], [1.5]], spread: 0.4, modes: true },
  far: { dim: 1, label: "a narrow bell, far off", centres: [[3.5]], spread: 0.3 },
  drawn_line: { dim: 1, label: "draw your own", centres: [], spread: 0.2, drawn: true },
  heap: { dim: 2, label: "one heap", centres: [[1, 0.5]], spread: 0.5 },
  corner: { dim: 2, label: "a small heap, far off", centres: [[2.2, 2.2]], spread: 0.2 },
  heaps: { dim: 2, label: "two heaps", centres: [[-1.5, -0.8], [1.5, 0.8]], spread: 0.35, modes: true },
  ring: { dim: 2, label: "ring of eight (lesson 03)", centres: ring, spread: 0.1, modes: true },
  grid: { dim: 2, label: "nine heaps in a square", centres: grid, spread: 0.15, modes: true },
  moons: { dim: 2, label: "two moons", centres: moons(), spread: 0.12 },
  spiral: { dim: 2, label: "spiral", centres: spiral(), spread: 0.1 },
  drawn_plane: { dim: 2, label: "draw your own", centres: [], spread: 0.14, drawn: true },
};

function turn(radius, angle) {
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

function moons() {
  const angles = Array.from({ length: 24 }, (_, k) => (k / 23) * Math.PI);
  const upper = angles.map((angle) => turn(1.6, angle)).map(([x, y]) => [x - 0.8, y - 0.4]);
  return [...upper, ...upper.map(([x, y]) => [-x, -y])];
}

function spiral() {
  return Array.from({ length: 48 }, (_, k) => turn(0.3 + (2.2 * k) / 47, 0.8 + (k / 47) ** 0.7 * 3.2 * Math.PI));
}

/**
 * Points of the data.
 * @returns {Float32Array} count * dim numbers, point after point
 */
export function drawPoints({ dim, centres, spread }, count, uniform, normal) {
  const points = new Float32Array(count * dim);
  for (let place = 0; place < points.length; place += dim) {
    const centre = centres[Math.floor(uniform() * centres.length)];
    for (let axis = 0; axis < dim; axis += 1) points[place + axis] = centre[axis] + spread * normal();
  }
  return points;
}

/** p(x) of a target on the line. */
export function density({ centres, spread }, x) {
  const bell = (c) => Math.exp(-0.5 * ((x - c) / spread) ** 2) / (spread * Math.sqrt(2 * Math.PI));
  return centres.reduce((sum, [centre]) => sum + bell(centre), 0) / centres.length;
}

/** Mean and spread of the data along one axis. */
export function moments({ centres, spread }, axis) {
  const mean = centres.reduce((sum, centre) => sum + centre[axis], 0) / centres.length;
  const between = centres.reduce((sum, centre) => sum + (centre[axis] - mean) ** 2, 0) / centres.length;
  return { mean, spread: Math.sqrt(between + spread ** 2) };
}

/** How many heaps hold at least 2 in 100 of the points within three spreads: `count_modes` in Python. */
export function countModes({ dim, centres, spread }, points) {
  const count = points.length / dim;
  const near = (centre, place) => {
    let square = 0;
    for (let axis = 0; axis < dim; axis += 1) square += (points[place * dim + axis] - centre[axis]) ** 2;
    return square < (3 * spread) ** 2;
  };
  const reached = (centre) => {
    let hits = 0;
    for (let place = 0; place < count; place += 1) hits += near(centre, place);
    return hits >= 0.02 * count;
  };
  return centres.filter(reached).length;
}

/** Latents: who a person is (content codes) and how they move (motion noise); see vgcourse/generate.py. */

import { standardNormal } from "./random.js";

const CONTENT_STREAM = 0;
const MOTION_STREAM = 1;

/** Content code of a person: seed -> (contentDim,). */
export const contentCode = (facts, seed) => standardNormal(seed, CONTENT_STREAM, facts.content_dim);

/** Motion noise of a way of moving: seed -> (numFrames * motionDim,), frame after frame. */
export const motionNoise = (facts, seed) =>
  standardNormal(seed, MOTION_STREAM, facts.num_frames * facts.motion_dim);

/**
 * A point on the arc between two codes, its length changing evenly (spherical interpolation, Shoemake 1985).
 * @param {Float32Array} start (dim,)
 * @param {Float32Array} end (dim,)
 * @param {number} share 0 is `start`, 1 is `end`
 * @returns {Float32Array} (dim,)
 */
export function slerp(start, end, share) {
  if (share === 0 || share === 1) return Float32Array.from(share ? end : start);
  const lengths = [norm(start), norm(end)];
  const cosine = start.reduce((sum, value, k) => sum + value * end[k], 0) / (lengths[0] * lengths[1]);
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  // Codes that coincide: the sine would divide by zero, and the line is the arc.
  const [a, b] = angle < 1e-4 ? [1 - share, share] : [Math.sin((1 - share) * angle), Math.sin(share * angle)];
  const arc = Float64Array.from(start, (value, k) => (a * value) / lengths[0] + (b * end[k]) / lengths[1]);
  const scale = ((1 - share) * lengths[0] + share * lengths[1]) / norm(arc);
  return Float32Array.from(arc, (value) => value * scale);
}

/**
 * A content code moved along the directions that change the picture most.
 * @param {Float32Array} code (contentDim,)
 * @param {number[]} shifts one a direction
 * @param {number[][]} directions (looks, contentDim), each of length 1
 * @returns {Float32Array} (contentDim,)
 */
export function shiftLooks(code, shifts, directions) {
  return code.map((value, k) => value + shifts.reduce((sum, by, look) => sum + by * directions[look][k], 0));
}

const norm = (vector) => Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));

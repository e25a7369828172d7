/** Where to cut a clip so that it repeats without a jump; the rule of vgcourse/loops.py, which gives the reasons. */

/**
 * @param {Uint8ClampedArray[]} frames RGBA, all of one size; 3 or more
 * @returns {[number, number]} play frames[start] to frames[stop - 1] again and again; at least half the clip
 */
export function bestLoop(frames) {
  const count = frames.length;
  const distance = frames.map((a) => frames.map((b) => meanSquare(a, b)));
  // Whether the motion also goes on in the same direction: the neighbours on either side look alike too.
  const direction = (start, stop) =>
    Math.min(
      stop + 1 < count ? distance[start + 1][stop + 1] : Infinity,
      start > 0 ? distance[start - 1][stop - 1] : Infinity,
    );
  let best = { seam: Infinity, loop: [0, count] };
  for (let length = count - 2; length >= Math.max(1, Math.floor(count / 2)); length--) {
    for (let start = 0; start + length < count; start++) {
      const stop = start + length;
      const within = distance.slice(start, stop).flatMap((row) => row.slice(start, stop));
      const variety = within.reduce((sum, value) => sum + value, 0) / within.length + 1e-9;
      const seam = (distance[start][stop] + direction(start, stop) / 4) / variety;
      if (seam < best.seam) best = { seam, loop: [start, stop] };
    }
  }
  return best.loop;
}

function meanSquare(a, b) {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k] - b[k]) ** 2;
  return (sum / a.length) * (4 / 3); // the fourth channel never differs
}

/** The swap matrix: people in rows, motions in columns, every cell a clip with its own loop. */

const GAP = 2; // pixels between cells

/**
 * @param {HTMLCanvasElement} canvas its size is set here
 * @param generator as `openGenerator` gives it
 */
export function makeMatrix(canvas, generator) {
  const { size, num_frames: numFrames } = generator.facts;
  const context = canvas.getContext("2d");
  let cells = []; // rows of {key, clip, frames, loop, job}
  let tick = 0;

  /** Make the matrix look like `rows`: [[{key, clip}]]. Cells whose key stays are kept as they are. */
  function set(rows) {
    const old = cells;
    cells = rows.map((row, r) =>
      row.map((wanted, c) => {
        const before = old[r]?.[c];
        if (before?.key === wanted.key) return before;
        before?.job?.cancel();
        // What was there stays in view until the new frames arrive.
        return { ...wanted, frames: before?.frames.slice() ?? [], loop: before?.loop ?? [0, numFrames], job: null };
      }),
    );
    old.forEach((row, r) => row.forEach((cell, c) => cells[r]?.[c] ?? cell.job?.cancel()));
    const [width, height] = [cells[0].length, cells.length].map((count) => count * (size + GAP) - GAP);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    draw();
    for (const cell of cells.flat()) if (!cell.job) ask(cell);
  }

  function ask(cell) {
    const order = Array.from({ length: numFrames }, (_, k) => k);
    cell.job = generator.request(cell.clip, { order }, (index, frames) => {
      index.forEach((frame, k) => (cell.frames[frame] = new ImageData(frames[k], size, size)));
      if (index.includes(0)) draw();
    });
    cell.job.done.then((loop) => (cell.loop = loop));
  }

  function draw() {
    cells.forEach((row, r) =>
      row.forEach(({ frames, loop: [start, stop] }, c) => {
        const frame = frames[start + (tick % (stop - start))] ?? frames[0];
        if (frame) context.putImageData(frame, c * (size + GAP), r * (size + GAP));
      }),
    );
  }

  return {
    set,
    step() {
      tick++;
      draw();
    },
  };
}

/** The page's side of the generator: asks worker.js for frames and hands them on. */

/**
 * Start the generator.
 * @param {(reason: string) => void} onFailure called at most once, with a key of MESSAGES
 * @returns {Promise<{facts, request, close}>} when the model is loaded; never, if it fails
 */
export function openGenerator(onFailure) {
  return new Promise((resolve) => {
    if (typeof WebAssembly !== "object") {
      onFailure("wasm");
      return;
    }
    const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    const open = new Map(); // id -> {onFrames, finish}
    let ready = false;
    let nextId = 1;

    const close = () => worker.terminate();
    const fail = (reason, detail) => {
      console.info(`The generator failed (${reason}): ${detail}`);
      close();
      onFailure(reason);
      fail.called = true;
    };
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      if (!fail.called) fail(ready ? "crashed" : "worker", event.message);
    });
    worker.addEventListener("message", ({ data }) => {
      if (data.type === "ready") {
        ready = true;
        resolve({ facts: data.facts, request, close });
      } else if (data.type === "failed" && !fail.called) fail(data.reason, data.detail);
      else if (data.type === "frames") open.get(data.id)?.onFrames(data.index, data.frames);
      else if (data.type === "done") {
        open.get(data.id)?.finish(data.loop);
        open.delete(data.id);
      }
    });

    /**
     * Ask for frames of one clip.
     * @param {{content: Float32Array, noise: Float32Array, action: number}} clip as latents.js makes them
     * @param {{order: number[], urgent?: boolean, floats?: boolean}} options which frames, in which order
     * @param {(index: number[], frames: (Uint8ClampedArray|Float32Array)[]) => void} onFrames called for every
     *   portion: RGBA bytes, or with `floats` RGB floats in [-1, 1]
     * @returns {{done: Promise<[number, number]|null>, cancel: () => void}} `done` brings the loop [start, stop)
     */
    function request(clip, { order, urgent = false, floats = false }, onFrames) {
      const id = nextId++;
      const done = new Promise((finish) => open.set(id, { onFrames, finish }));
      worker.postMessage({ type: "job", id, urgent, floats, order, ...clip });
      const cancel = () => {
        open.delete(id);
        worker.postMessage({ type: "cancel", id });
      };
      return { done, cancel };
    }
  });
}

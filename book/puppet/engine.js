/** The page's side of the models: a line of things to compute, and one or two workers that take from it. */

const ALL = ["painter.onnx", "motion_gan.onnx", "motion_flow.onnx"];
const RUNTIME_BYTES = 14.3e6; // of the runtime, unpacked: the larger part of what is loaded

/**
 * Start the models.
 * @param {(reason: string) => void} onFailure called at most once, with a key of MESSAGES
 * @param {(share: number) => void} onProgress called with the share of the bytes that have come
 * @returns {Promise<{facts, looks, paint, move}>} when all is loaded; never, if it fails
 */
export function openEngine(onFailure, onProgress) {
  return new Promise((resolve) => {
    if (typeof WebAssembly !== "object") {
      onFailure("wasm");
      return;
    }
    const waiting = []; // {message, finish, urgent}
    let [failed, nextId] = [false, 1];

    const fail = (reason, detail) => {
      console.info(`The models failed (${reason}): ${detail}`);
      if (!failed) onFailure(reason);
      failed = true;
    };

    function give(each) {
      if (each.task || !each.ready) return;
      const next = waiting.findIndex(({ message, urgent }) => urgent && each.can(message));
      const place = next < 0 ? waiting.findIndex(({ message }) => each.can(message)) : next;
      if (place < 0) return;
      [each.task] = waiting.splice(place, 1);
      each.worker.postMessage(each.task.message);
    }
    const workers = [];
    const giveAll = () => workers.forEach(give);

    function add(files, onReady) {
      const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
      const each = { worker, ready: false, task: null, can: ({ type }) => type === "paint" || files.length > 1 };
      workers.push(each);
      const loaded = {};
      worker.addEventListener("error", (event) => {
        event.preventDefault();
        worker.terminate();
        if (files === ALL || each.ready) fail(each.ready ? "crashed" : "worker", event.message);
      });
      worker.addEventListener("message", ({ data }) => {
        if (data.type === "progress") {
          loaded[data.name] = data.loaded;
          onProgress?.(Object.values(loaded).reduce((a, b) => a + b, 0));
        } else if (data.type === "failed") {
          worker.terminate();
          // A second worker that does not start is done without.
          if (files === ALL || each.ready) fail(data.reason, data.detail);
        } else {
          if (data.type === "ready") each.ready = true;
          else each.task.finish(data.value);
          each.task = null;
          if (data.type === "ready") onReady(data.facts);
          giveAll();
        }
      });
      worker.postMessage({ type: "start", files });
    }

    /** Have something computed; `cancel` takes it back if nobody has begun. */
    function ask(message, urgent = false) {
      const task = { message: { ...message, id: nextId++ }, urgent };
      const done = new Promise((finish) => (task.finish = finish));
      waiting.push(task);
      giveAll();
      return { done, cancel: () => waiting.includes(task) && waiting.splice(waiting.indexOf(task), 1) };
    }

    const paint = (joints, look, { urgent = false } = {}) => ask({ type: "paint", joints, look }, urgent);
    const move = (options) => ask({ type: "move", ...options }, true).done;
    const total = RUNTIME_BYTES + 2.1e6;
    const report = onProgress;
    onProgress = (bytes) => report(Math.min(1, bytes / total));
    add(ALL, async (facts) => {
      onProgress = null;
      const looks = await loadLooks(facts).catch((error) => fail("missing", error.message));
      if (!looks) return;
      resolve({ facts, looks, paint, move });
      // A second one makes clips twice as quick; the first picture does not wait for it.
      if (navigator.hardwareConcurrency > 1) setTimeout(() => add(["painter.onnx"], () => {}), 1500);
    });
  });
}

/** All that the painter keeps of each person: an array of Float32Array. */
async function loadLooks(facts) {
  const address = new URL(`people.f32?${facts.files["people.f32"].sha256.slice(0, 12)}`, import.meta.url);
  const reply = await fetch(address);
  if (!reply.ok) throw new Error(`${address}: ${reply.status}`);
  const all = new Float32Array(await reply.arrayBuffer());
  return Array.from({ length: facts.num_people }, (_, k) => all.slice(k * facts.look, (k + 1) * facts.look));
}

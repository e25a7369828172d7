/**
 * The generator, on a thread of its own: onnxruntime-web, WebAssembly, one thread.
 *
 * In:  {type: "job", id, urgent, content (contentDim,), noise (numFrames * motionDim,), action, order, floats}
 *      {type: "cancel", id}
 * Out: {type: "ready", facts}  {type: "frames", id, index, frames}  {type: "done", id, loop}
 *      {type: "failed", reason}: one of the keys of MESSAGES in messages.js
 *
 * `order` says which frames are painted and in which order. They leave in small portions, and an urgent job goes
 * first: the reader sees a frame of the new person while the rest is still being made.
 */

import { Failure, orElse } from "./failure.js";
import { bestLoop } from "./loops.js";

const PORTION = 5; // frames at a time, after a first one on its own
const RUNTIME = new URL("../vendor/onnxruntime-web/", import.meta.url);

let ort, session, facts;
let jobs = [];
let busy = false;

addEventListener("message", ({ data }) => {
  jobs = jobs.filter((job) => job.id !== data.id);
  if (data.type === "job") jobs.push({ ...data, left: [...data.order], made: new Map() });
  if (!busy) work();
});

async function start() {
  try {
    const [runtime, model] = await Promise.all([loadRuntime(), loadModel()]);
    ort = runtime;
    facts = model.facts;
    session = await openSession(model.bytes);
    await paint({ content: new Float32Array(facts.content_dim), noise: silence(), action: 0 }, [0]); // warms up
    postMessage({ type: "ready", facts });
  } catch (error) {
    fail(error);
  }
}

async function loadRuntime() {
  const runtime = await orElse("runtime", import(new URL("ort.wasm.bundle.min.mjs", RUNTIME).href));
  runtime.env.wasm.numThreads = 1; // more need headers that static hosts do not send
  runtime.env.wasm.wasmPaths = { wasm: new URL("ort-wasm-simd-threaded.wasm", RUNTIME).href };
  return runtime;
}

/** The runtime fetches its own WebAssembly here; its error says when that, and not the model, is what failed. */
async function openSession(bytes) {
  try {
    return await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  } catch (error) {
    throw new Failure(String(error.message).includes("backend") ? "runtime" : "damaged", error);
  }
}

async function loadModel() {
  const facts = await orElse("missing", fetchFile("model.json").then((answer) => answer.json()));
  // The checksum in the address keeps an old model out of the browser's cache.
  const file = `generator.onnx?${facts.sha256.slice(0, 12)}`;
  const bytes = await orElse("missing", fetchFile(file).then((answer) => answer.arrayBuffer()));
  if (crypto.subtle && (await sha256(bytes)) !== facts.sha256) throw new Failure("damaged", "wrong checksum");
  return { facts, bytes: new Uint8Array(bytes) };
}

async function fetchFile(name) {
  const answer = await fetch(new URL(name, import.meta.url), { cache: "no-cache" });
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  return answer;
}

async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Take jobs one portion at a time until none is left. */
async function work() {
  if (!session || busy) return;
  busy = true;
  try {
    while (jobs.length) {
      const job = jobs.find((each) => each.urgent) ?? jobs[0];
      await workOn(job);
      await messagesIn();
    }
  } catch (error) {
    fail(error);
  }
  busy = false;
}

async function workOn(job) {
  const index = job.left.splice(0, job.urgent && !job.made.size ? 1 : PORTION);
  const values = await paint(job, index);
  if (!jobs.includes(job)) return;
  const size = values.length / index.length;
  const frames = index.map((_, k) => values.slice(k * size, (k + 1) * size));
  const shown = job.floats ? frames : frames.map(toRgba);
  index.forEach((frame, k) => job.made.set(frame, shown[k]));
  postMessage({ type: "frames", id: job.id, index, frames: shown });
  if (job.left.length) return;
  jobs = jobs.filter((each) => each !== job);
  const whole = job.made.size === facts.num_frames && !job.floats;
  const inTime = [...job.made].sort(([a], [b]) => a - b).map(([, frame]) => frame);
  postMessage({ type: "done", id: job.id, loop: whole ? bestLoop(inTime) : null });
}

/** Frames of a clip as floats in [-1, 1], one after the other, each (size, size, 3). */
async function paint({ content, noise, action }, index) {
  const { Tensor } = ort;
  const feeds = {
    content_code: new Tensor("float32", content, [1, facts.content_dim]),
    motion_noise: new Tensor("float32", noise, [facts.num_frames, facts.motion_dim]),
    action: new Tensor("int32", Int32Array.of(action), [1]),
    frame_index: new Tensor("int32", Int32Array.from(index), [index.length]),
  };
  const { frames } = await session.run(feeds);
  return frames.data;
}

const silence = () => new Float32Array(facts.num_frames * facts.motion_dim);

/** Floats in [-1, 1], three a pixel -> bytes, four a pixel. */
function toRgba(values) {
  const rgba = new Uint8ClampedArray((values.length / 3) * 4).fill(255);
  for (let from = 0, to = 0; from < values.length; from += 3, to += 4) {
    for (let k = 0; k < 3; k++) rgba[to + k] = (values[from + k] + 1) * 127.5;
  }
  return rgba;
}

/** Lets messages that have arrived be handled; a timer would wait 4 ms. */
function messagesIn() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

function fail(error) {
  jobs = [];
  postMessage({ type: "failed", reason: error.reason ?? "crashed", detail: error.message });
}

start(); // last: the class above exists only now

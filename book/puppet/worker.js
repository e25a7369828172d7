/**
 * The models, on a thread of their own: onnxruntime-web, WebAssembly, one thread.
 *
 * In:  {type: "start", files}: which models it loads; then {type: "paint", id, joints (joint * 3,), look},
 *      {type: "move", id, kind: "gan" | "flow", noise, action, anyAction, steps, guidance}
 * Out: {type: "progress", name, loaded}  {type: "ready", facts}  {type: "done", id, value}: floats, three a pixel or a joint
 *      {type: "failed", reason}: one of the keys of MESSAGES in messages.js
 */

import { Failure, orElse } from "../play/failure.js";

const RUNTIME = new URL("../vendor/onnxruntime-web/", import.meta.url);
const WASM = new URL("ort-wasm-simd-threaded.wasm", RUNTIME);

let ort, facts;
const sessions = {};
let last = Promise.resolve(); // a session computes one thing at a time

addEventListener("message", ({ data }) => {
  last = last.then(() => answer(data)).catch(fail);
});

async function answer(data) {
  if (data.type === "start") return start(data.files);
  const value = data.type === "paint" ? await paint(data) : await move(data);
  postMessage({ type: "done", id: data.id, value }, [value.buffer]);
}

async function start(files) {
  facts = await orElse("missing", fetchFile(new URL("puppet.json", import.meta.url), { cache: "no-cache" }).then(parse));
  const [runtime, ...models] = await Promise.all([loadRuntime(), ...files.map(loadModel)]);
  ort = runtime;
  for (const [k, bytes] of models.entries()) sessions[files[k]] = await openSession(bytes);
  await paint({ joints: new Float32Array(3 * facts.joints.length).fill(facts.size / 2), look: new Float32Array(facts.look) });
  postMessage({ type: "ready", facts });
}

const parse = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

async function loadRuntime() {
  const [runtime, wasmBinary] = await orElse(
    "runtime",
    Promise.all([import(new URL("ort.wasm.bundle.min.mjs", RUNTIME).href), fetchFile(WASM)]),
  );
  Object.assign(runtime.env.wasm, { wasmBinary, numThreads: 1 }); // more need headers that static hosts do not send
  return runtime;
}

async function openSession(bytes) {
  try {
    return await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"], logSeverityLevel: 3 });
  } catch (error) {
    throw new Failure(String(error.message).includes("backend") ? "runtime" : "damaged", error);
  }
}

async function loadModel(name) {
  const { sha256 } = facts.files[name];
  // The checksum in the address keeps an old model out of the browser's cache.
  const bytes = await orElse("missing", fetchFile(new URL(`${name}?${sha256.slice(0, 12)}`, import.meta.url)));
  if (crypto.subtle && (await checksum(bytes)) !== sha256) throw new Failure("damaged", "wrong checksum");
  return bytes;
}

/** The bytes of a file; says how far it is. */
async function fetchFile(address, options) {
  const reply = await fetch(address, options);
  if (!reply.ok) throw new Error(`${address}: ${reply.status}`);
  const [name, parts, reader] = [address.pathname.split("/").pop(), [], reply.body.getReader()];
  let loaded = 0;
  for (let part; !(part = await reader.read()).done; ) {
    parts.push(part.value);
    loaded += part.value.length;
    postMessage({ type: "progress", name, loaded });
  }
  const bytes = new Uint8Array(loaded);
  parts.reduce((at, part) => (bytes.set(part, at), at + part.length), 0);
  return bytes;
}

async function checksum(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const floats = (values, shape) => new ort.Tensor("float32", values, shape);
const label = (action) => new ort.Tensor("int32", Int32Array.of(action), [1]);

/** A frame (size, size, 3), from -1 to about 1. */
async function paint({ joints, look }) {
  const feeds = { joints: floats(joints, [facts.joints.length, 3]), look: floats(look, [look.length]) };
  return (await sessions["painter.onnx"].run(feeds)).frame.data;
}

/** A motion (num_frames, joint, 3) in pixels. */
async function move({ kind, noise, action, steps, guidance }) {
  const session = sessions[`motion_${kind}.onnx`];
  const shape = [1, noise.length];
  if (kind === "gan") return (await session.run({ noise: floats(noise, shape), action: label(action) })).joints.data;
  const velocity = async (points, told, time) => {
    const feeds = { points: floats(points, shape), action: label(told), time: floats(Float32Array.of(time), [1, 1]) };
    return session.run(feeds);
  };
  let points = noise;
  for (let step = 0; step < steps; step++) {
    let { data } = (await velocity(points, action, step / steps)).velocity;
    if (guidance !== 1) {
      const free = (await velocity(points, facts.actions.length, step / steps)).velocity.data;
      data = data.map((value, k) => free[k] + guidance * (value - free[k]));
    }
    points = points.map((value, k) => value + data[k] / steps); // Euler's method
  }
  return (await velocity(points, action, 1)).joints.data;
}

function fail(error) {
  postMessage({ type: "failed", reason: error.reason ?? "crashed", detail: error.message });
}

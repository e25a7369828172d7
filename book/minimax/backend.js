/** Fetches TensorFlow.js and the games' beginnings, and picks the fastest way to compute that works here. */

const VENDOR = new URL("../vendor/tfjs/", import.meta.url);

/**
 * Measured in headless Chromium on two cores, steps of the game on the plane: WebAssembly 14 ms, plain JavaScript
 * 44 ms, WebGL drawn by a processor 900 ms. The networks are too small for a graphics card to be worth the way.
 * @returns {Promise<string>} "wasm" or "cpu"
 * @throws {Error} a script did not arrive
 */
export async function loadTensorFlow() {
  await loadScript("tf.min.js");
  try {
    if (typeof WebAssembly !== "object") throw new Error("no WebAssembly");
    await loadScript("tf-backend-wasm.min.js");
    tf.wasm.setWasmPaths(VENDOR.href);
    tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false); // threads gain nothing here, and their file is not served
    if (await tf.setBackend("wasm")) return "wasm";
  } catch (error) {
    console.info(`WebAssembly is not used: ${error.message}`);
  }
  await tf.setBackend("cpu");
  return "cpu";
}

function loadScript(name) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL(name, VENDOR).href;
    script.onload = resolve;
    script.onerror = () => reject(new Error(`the script ${name} did not arrive`));
    document.head.append(script);
  });
}

/**
 * Numbers that book/export_game.py wrote.
 * @param {string} name of the file, beside this script
 * @throws {Error} it is missing or no JSON
 */
export async function loadNumbers(name) {
  const answer = await fetch(new URL(name, import.meta.url));
  if (!answer.ok) throw new Error(`${name} did not arrive (${answer.status})`);
  try {
    return await answer.json();
  } catch {
    throw new Error(`${name} is damaged`);
  }
}

/** What the page says when something fails: what happened, and what to do. */
export const MESSAGES = {
  missing: "The models could not be loaded: a file is missing, or the connection broke off. Load the page again.",
  damaged: "A model file is damaged: it is not the one that puppet.json describes. Load the page again; if that does not help, build the book again.",
  runtime: "The program that runs the models (onnxruntime-web) could not be loaded. Load the page again, or try a newer browser.",
  crashed: "The painter stopped unexpectedly, perhaps for want of memory. Close other tabs and start it again.",
  worker: "The page's worker could not be started. Load the page again, or try a newer browser.",
  wasm: "This browser cannot run WebAssembly, which the painter needs. Any current browser can; some turn it off in a strict security mode.",
};

// The engine's worker: loads its wasm and hands every message to it. Messages are ArrayBuffers that are transferred, but for the number
// of cores below; only this script itself reports by plain objects, { what, done } while it loads and { why, next } when something goes
// wrong, so that the page can show it and offer a fresh engine (src/protocol/transfer.rs reads both).

const asked = new URLSearchParams(self.location.search);
// Without the role: every worker loads the same files.
const query = `?v=${encodeURIComponent(asked.get("v"))}`;

const fail = (why, next) => self.postMessage({ why, next });
const words = (error) => (error instanceof Error ? error.message : String(error));

// Engines of several seeds run side by side and share the machine's cores. Before a run the page says how many are this one's, `{ cores }`:
// the engine asks the browser for the number of cores, and gets that answer. True where the message was of this kind.
function isCores(data) {
  if (data instanceof ArrayBuffer || !(data?.cores > 0)) return false;
  Object.defineProperty(self.navigator, "hardwareConcurrency", { value: data.cores, configurable: true });
  return true;
}

// Commands that come before the wasm is there wait here.
const waiting = [];
self.onmessage = (message) => isCores(message.data) || waiting.push(message.data);

const broken = (error) =>
  fail(`The engine stopped: ${words(error)}.`, "What was drawn stays. Start again with a fresh engine.");
self.addEventListener("error", (event) => {
  event.preventDefault();
  broken(event.error ?? event.message);
});
self.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  broken(event.reason);
});

// The response, telling how much of it has come at most ten times a second.
async function download(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the server answered ${response.status} for ${url}`);
  // With a content encoding the length is that of the compressed bytes, of which nothing is seen here.
  const length = response.headers.get("content-encoding") ? 0 : Number(response.headers.get("content-length"));
  let done = 0;
  let reported = 0;
  const counter = new TransformStream({
    transform(chunk, controller) {
      done += chunk.byteLength;
      const now = performance.now();
      if (now - reported > 100) {
        reported = now;
        const share = length > 0 ? Math.min(done / length, 1) : null;
        self.postMessage({ what: `Loading the engine, ${(done / 1e6).toFixed(1)} MB`, done: share });
      }
      controller.enqueue(chunk);
    },
  });
  return new Response(response.body.pipeThrough(counter), { headers: { "content-type": "application/wasm" } });
}

// Most of the engine is burn's WebGPU. It is not downloaded where there is no adapter, nor for the coordinator of sweeps, which trains nothing.
async function pick() {
  if (asked.get("role") === "sweeps") return "engine-cpu";
  const adapter = await self.navigator.gpu?.requestAdapter().catch(() => null);
  return adapter ? "engine" : "engine-cpu";
}

try {
  const name = await pick();
  // As in boot.js: another address, where WebKit keeps that the module did not arrive.
  const script = import(`./${name}.js${query}`).catch(() => import(`./${name}.js${query}&again=${Date.now()}`));
  const [engine, wasm] = await Promise.all([script, download(`${name}_bg.wasm${query}`)]);
  await engine.default({ module_or_path: wasm });
  self.onmessage = (message) => isCores(message.data) || engine.handle(new Uint8Array(message.data));
  for (const buffer of waiting) engine.handle(new Uint8Array(buffer));
} catch (error) {
  fail(
    `The engine could not be loaded: ${words(error)}.`,
    "Check the connection and start a fresh engine, or reload the page.",
  );
}

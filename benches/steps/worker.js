// The engine's worker, with every WebGPU dispatch and submit counted. Only the benchmark loads it; it is not shipped.

let dispatches = 0;
let submits = 0;

function count(type, method, add) {
  if (!type) return;
  const real = type.prototype[method];
  type.prototype[method] = function (...rest) {
    add();
    return real.apply(this, rest);
  };
}

count(globalThis.GPUComputePassEncoder, "dispatchWorkgroups", () => (dispatches += 1));
count(globalThis.GPUComputePassEncoder, "dispatchWorkgroupsIndirect", () => (dispatches += 1));
count(globalThis.GPUQueue, "submit", () => (submits += 1));

const waiting = [];
self.onmessage = (message) => waiting.push(message.data);

const engine = await import("./engine.js");
await engine.default({ module_or_path: new URL("engine_bg.wasm", import.meta.url) });
const take = (data) => {
  if (data === "counts") self.postMessage({ dispatches, submits });
  else engine.handle(new Uint8Array(data));
};
self.onmessage = (message) => take(message.data);
waiting.forEach(take);

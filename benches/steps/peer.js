// Runs in benches/steps/page.html beside a peer's bundle: a fresh worker trains on what run.json holds; its times and losses.

const [peer, device] = arguments;
const run = await (await fetch("run.json")).json();
// Without isolation threads share no memory, and one it is.
run.threads = globalThis.crossOriginIsolated ? navigator.hardwareConcurrency : 1;
return await new Promise((resolve) => {
  const worker = new Worker(`${peer}.js`, { type: "module" });
  const finish = (outcome) => {
    worker.terminate();
    resolve({ threads: run.threads, ...outcome });
  };
  worker.onerror = (error) => finish({ why: error.message || "the worker could not be loaded" });
  worker.onmessage = ({ data }) => (data === "ready" ? worker.postMessage({ run, device }) : finish(data));
});

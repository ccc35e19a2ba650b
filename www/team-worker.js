// One more core for training on the CPU: loss and gradient of its part of each batch, or predictions, by the kernels alone, which are
// small and quick to load. With relaxed SIMD (a multiplication and an addition at once) where the browser knows it.
//
// First comes the net's shape as a Uint32Array, answered by its number of parameters; then ["step", parameters, cells], answered
// by [mean loss, gradient], or ["predict", parameters, cells], answered by the distribution of each cell. src/engine/team.rs is at the
// other end.

const query = `?v=${encodeURIComponent(new URLSearchParams(self.location.search).get("v"))}`;

// (func (result v128) f32x4.relaxed_madd of three zeros)
const zero = [65, 0, 253, 15];
const relaxed = WebAssembly.validate(
  new Uint8Array([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, ...zero, ...zero, ...zero, 253, 133, 2, 11,
  ]),
);

const file = `${relaxed ? "kernels-relaxed" : "kernels"}.wasm${query}`;
// A server that never answers must not hold up the run.
const loaded = fetch(file, { signal: AbortSignal.timeout?.(30_000) })
  .then((response) => {
    if (!response.ok) throw new Error(`the server answered ${response.status} for ${file}`);
    return response.arrayBuffer();
  })
  .then((bytes) => WebAssembly.instantiate(bytes, {}))
  .then(({ instance }) => instance.exports);

// One message after the other, also while the kernels load.
let done = loaded;
self.onmessage = ({ data }) => {
  done = done.then(async () => answer(await loaded, data));
  // A worker that fails ends with an error event; whoever asked takes over.
  done.catch((error) =>
    setTimeout(() => {
      throw error;
    }),
  );
};

function answer(kernels, data) {
  const memory = () => kernels.memory.buffer;
  if (data instanceof Uint32Array) {
    new Uint32Array(memory(), kernels.words(), data.length).set(data);
    self.postMessage(kernels.prepare());
    return;
  }
  const [what, parameters, cells] = data;
  const place = kernels.cells(cells.length);
  new cells.constructor(memory(), place, cells.length).set(cells);
  new Float32Array(memory(), kernels.parameters(), parameters.length).set(parameters);
  if (what === "predict") {
    const count = kernels.predict();
    const distribution = new Float32Array(memory(), kernels.distribution(), count).slice();
    self.postMessage(distribution, [distribution.buffer]);
    return;
  }
  const loss = kernels.step();
  const gradient = new Float32Array(memory(), kernels.gradient(), parameters.length).slice();
  self.postMessage([loss, gradient], [gradient.buffer]);
}

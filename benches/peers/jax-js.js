// The benchmark's transformer in jax-js: one jitted step, awaited. Operations take their arguments over; `.ref` keeps them.
//
// Parameters and moments are flat, as the engine's are: a step is 250 dispatches instead of 438.

import { blockUntilReady, defaultDevice, init, jit, nn, numpy as np, valueAndGrad } from "@jax-js/jax";
import { decayMask, matrices, serve } from "./measure.js";

serve(async (run, device) => {
  const there = await init(device);
  if (!there.includes(device)) throw new Error(`jax-js has no ${device} here`);
  defaultDevice(device);

  const { batch, length, width, heads, blocks, vocabulary } = run;
  const layout = matrices(run);

  const linear = (x, p, name) => np.matmul(x, p[`${name}.weight`]).add(p[`${name}.bias`]);
  const normalised = (x, p, name) => nn.standardize(x, -1).mul(p[`${name}.gain`]).add(p[`${name}.shift`]);
  const split = (x) => x.reshape([batch, length, heads, width / heads]);

  // Mean loss. Looking rows up is multiplication by one-hot rows: the gradient of a look-up is not jitted.
  function loss(p, read, targets) {
    let x = np.matmul(nn.oneHot(read, vocabulary + 1), p.embedding).reshape([batch, length, width]);
    x = x.add(p.positions);
    for (let block = 0; block < blocks; block += 1) {
      const at = (part) => `blocks.${block}.${part}`;
      const y = normalised(x.ref, p, at("attention.norm"));
      const [query, key, value] = ["query", "key", "value"].map((part, i) =>
        split(linear(i < 2 ? y.ref : y, p, at(`attention.${part}`))),
      );
      const mixed = nn.dotProductAttention(query, key, value, { isCausal: true }).reshape([batch, length, width]);
      x = x.add(linear(mixed, p, at("attention.out")));
      const hidden = nn.gelu(linear(normalised(x.ref, p, at("mlp.norm")), p, at("mlp.up")), { approximate: false });
      x = x.add(linear(hidden, p, at("mlp.down")));
    }
    const logits = linear(normalised(x, p, "norm"), p, "head").reshape([batch * length, vocabulary]);
    return np.mean(np.sum(nn.logSoftmax(logits, -1).mul(nn.oneHot(targets, vocabulary)), -1)).neg();
  }

  const cut = (flat) =>
    Object.fromEntries(
      layout.map(({ name, shape, offset, size }) => [name, flat.ref.slice([offset, offset + size]).reshape(shape)]),
    );
  const [beta1, beta2] = run.betas;
  const step = jit((flat, m, v, mask, read, targets, rate, first, second) => {
    const [value, gradient] = valueAndGrad(loss)(cut(flat), read, targets);
    let g = np.concatenate(layout.map(({ name }) => np.ravel(gradient[name])));
    // clip / max(norm, clip): 1 while the norm is within.
    const norm = np.sqrt(np.sum(np.square(g.ref)));
    g = g.mul(np.reciprocal(np.maximum(norm, run.clip)).mul(run.clip));
    const nextM = m.mul(beta1).add(g.ref.mul(1 - beta1));
    const nextV = v.mul(beta2).add(np.square(g).mul(1 - beta2));
    const root = np.sqrt(nextV.ref.mul(second)).add(run.epsilon);
    const update = nextM.ref.mul(first).div(root).mul(rate.ref);
    const kept = flat.mul(mask.mul(rate.mul(-run.weight_decay)).add(1));
    return [kept.sub(update), nextM, nextV, value];
  });

  const mask = np.array(decayMask(run));
  const zeros = () => np.array(new Float32Array(run.initial.length));
  let state = [np.array(Float32Array.from(run.initial)), zeros(), zeros()];
  const int32 = (values) => np.array(values, { dtype: np.int32 });
  return async ({ read, targets, rate, first, second }) => {
    const scalars = [rate, first, second].map((x) => np.array(x, { dtype: np.float32 }));
    const [flat, m, v, value] = step(...state, mask.ref, int32(read), int32(targets), ...scalars);
    state = [flat, m, v];
    await blockUntilReady(state);
    return (await value.data())[0];
  };
});

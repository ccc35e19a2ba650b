// The benchmark's transformer in TensorFlow.js: each step in one tidy, awaited. Parameters and moments are flat.

import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-backend-webgpu";
import { decayMask, matrices, serve } from "./measure.js";

serve(async (run, device) => {
  setWasmPaths(new URL("./", self.location.href).href);
  setThreadsCount(run.threads);
  if (!(await tf.setBackend(device))) throw new Error(`tfjs has no ${device} here`);
  await tf.ready();

  const { batch, length, width, heads, blocks, vocabulary } = run;
  const [beta1, beta2] = run.betas;
  const cells = batch * length;
  const head = width / heads;
  const layout = matrices(run);
  const decay = tf.tensor1d(decayMask(run));
  const zeros = () => tf.variable(tf.zeros([run.initial.length]), false);
  const [flat, m, v] = [tf.variable(tf.tensor1d(Float32Array.from(run.initial))), zeros(), zeros()];
  // [1, T, T]: 0 where attention may look.
  const mask = tf.tidy(() => {
    const at = tf.range(0, length);
    const later = tf.less(tf.reshape(at, [1, length, 1]), tf.reshape(at, [1, 1, length]));
    return tf.mul(tf.cast(later, "float32"), -1e9);
  });

  // Not `oneHot` in floats: on the wasm backend 4.22.0 it gives the bits of integers.
  const hot = (indices, kinds) => tf.cast(tf.oneHot(indices, kinds), "float32");
  const linear = (x, p, name) => tf.add(tf.matMul(x, p[`${name}.weight`]), p[`${name}.bias`]);
  function norm(x, p, name) {
    const { mean, variance } = tf.moments(x, -1, true);
    const standard = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
    return tf.add(tf.mul(standard, p[`${name}.gain`]), p[`${name}.shift`]);
  }
  const gelu = (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
  // [cells, width] to [batch · heads, T, head]
  const split = (x) =>
    tf.reshape(tf.transpose(tf.reshape(x, [batch, length, heads, head]), [0, 2, 1, 3]), [batch * heads, length, head]);
  const join = (x) =>
    tf.reshape(tf.transpose(tf.reshape(x, [batch, heads, length, head]), [0, 2, 1, 3]), [cells, width]);

  // Mean loss. Looking rows up is multiplication by one-hot rows: the wasm backend lacks the gradient of a look-up.
  function loss(p, read, targets) {
    let x = tf.matMul(hot(read, vocabulary + 1), p.embedding);
    x = tf.reshape(tf.add(tf.reshape(x, [batch, length, width]), p.positions), [cells, width]);
    for (let block = 0; block < blocks; block += 1) {
      const at = (part) => `blocks.${block}.${part}`;
      const y = norm(x, p, at("attention.norm"));
      const [query, key, value] = ["query", "key", "value"].map((part) => split(linear(y, p, at(`attention.${part}`))));
      const scores = tf.add(tf.mul(tf.matMul(query, key, false, true), 1 / Math.sqrt(head)), mask);
      x = tf.add(x, linear(join(tf.matMul(tf.softmax(scores), value)), p, at("attention.out")));
      x = tf.add(x, linear(gelu(linear(norm(x, p, at("mlp.norm")), p, at("mlp.up"))), p, at("mlp.down")));
    }
    const logits = linear(norm(x, p, "norm"), p, "head");
    return tf.losses.softmaxCrossEntropy(hot(targets, vocabulary), logits);
  }

  return async ({ read, targets, rate, first, second }) => {
    const value = tf.tidy(() => {
      const cut = layout.map(({ shape, offset, size }) => tf.reshape(tf.slice(flat, offset, size), shape));
      const named = (tensors) => Object.fromEntries(tensors.map((tensor, i) => [layout[i].name, tensor]));
      const [reads, wants] = [tf.tensor1d(read, "int32"), tf.tensor1d(targets, "int32")];
      const { value, grads } = tf.valueAndGrads((...tensors) => loss(named(tensors), reads, wants))(cut);
      let g = tf.concat(grads.map((gradient) => tf.reshape(gradient, [-1])));
      // clip / max(norm, clip): 1 while the norm is within.
      const norm = tf.sqrt(tf.sum(tf.square(g)));
      g = tf.mul(g, tf.div(run.clip, tf.maximum(norm, run.clip)));
      m.assign(tf.add(tf.mul(m, beta1), tf.mul(g, 1 - beta1)));
      v.assign(tf.add(tf.mul(v, beta2), tf.mul(tf.square(g), 1 - beta2)));
      const root = tf.add(tf.sqrt(tf.mul(v, second)), run.epsilon);
      const update = tf.div(tf.mul(m, first * rate), root);
      flat.assign(tf.sub(tf.mul(flat, tf.add(tf.mul(decay, -rate * run.weight_decay), 1)), update));
      return value;
    });
    const [number] = await value.data();
    value.dispose();
    return number;
  };
});

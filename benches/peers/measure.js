// What the peers share: a dedicated worker that trains on the batches it is given and times each step.

// What the net reads to predict `tokens` ([batch, T], flat): a start token (the number after the last token), and all but the last.
function inputs(tokens, { length, vocabulary }) {
  const read = new Int32Array(tokens.length);
  for (let i = 0; i < tokens.length; i += 1) read[i] = i % length === 0 ? vocabulary : tokens[i - 1];
  return read;
}

// `start(run, device)` resolves to `step({ read, targets, rate, first, second })`, which resolves to the batch's mean loss once
// the step is done, parameters included. `first` and `second` undo the bias of AdamW's moments.
export function serve(start) {
  self.onmessage = async ({ data: { run, device } }) => {
    try {
      const step = await start(run, device);
      const times = [];
      const losses = [];
      for (let i = 0; i < run.tokens.length; i += 1) {
        const targets = Int32Array.from(run.tokens[i]);
        const before = performance.now();
        const loss = await step({
          read: inputs(targets, run),
          targets,
          rate: run.learning_rates[i],
          first: 1 / (1 - run.betas[0] ** (i + 1)),
          second: 1 / (1 - run.betas[1] ** (i + 1)),
        });
        times.push(performance.now() - before);
        losses.push(loss);
      }
      self.postMessage({ times, losses });
    } catch (error) {
      self.postMessage({ why: String(error?.stack ?? error) });
    }
  };
  self.postMessage("ready");
}

// The layout's matrices in the flat vector: { name, shape, offset, size }, where a vector is no matrix of one row.
export function matrices({ entries }) {
  return entries.map(({ name, shape: [rows, columns], offset }) => ({
    name,
    shape: rows === 1 ? [columns] : [rows, columns],
    offset,
    size: rows * columns,
  }));
}

// 1 where weight decay applies, 0 elsewhere.
export function decayMask({ entries, initial }) {
  const mask = new Float32Array(initial.length);
  for (const { shape, offset, decays } of entries) {
    if (decays) mask.fill(1, offset, offset + shape[0] * shape[1]);
  }
  return mask;
}

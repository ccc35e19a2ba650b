// Runs in benches/page.html: a fresh worker runs each command in turn. Comes back: for each command the bytes of its report, with the
// dispatches and submits since the command before; or the bytes of the failure, or why there is no worker.
//
// Arguments: the bytes of each command, and how a message begins that is `ready`, `failed` and `bench`.

return new Promise((resolve) => {
  const worker = new Worker("bench-worker.js", { type: "module" });
  const left = [...arguments[0]];
  const begins = arguments[1];
  const reports = [];
  let before = { dispatches: 0, submits: 0 };
  const fail = (why, failed = null) => {
    worker.terminate();
    resolve({ reports, why, failed });
  };
  const next = () => {
    const command = left.shift();
    if (command) return worker.postMessage(new Uint8Array(command).buffer);
    worker.terminate();
    resolve({ reports, why: null, failed: null });
  };
  worker.onerror = (error) => fail(error.message || "the worker could not be loaded");
  worker.onmessage = ({ data }) => {
    if (!(data instanceof ArrayBuffer)) {
      const report = reports.at(-1);
      report.dispatches = data.dispatches - before.dispatches;
      report.submits = data.submits - before.submits;
      before = data;
      next();
      return;
    }
    const bytes = Array.from(new Uint8Array(data));
    const is = (what) => begins[what].every((byte, i) => bytes[i] === byte);
    if (is("ready")) next();
    else if (is("failed")) fail(null, bytes);
    else if (is("bench")) {
      reports.push({ bytes });
      worker.postMessage("counts");
    }
  };
});

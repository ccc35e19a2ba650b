// Runs in benches/page.html: a fresh worker runs each command in turn; what comes back is one report per command, with
// the dispatches and submits since the command before.

return new Promise((resolve) => {
  const worker = new Worker("bench-worker.js", { type: "module" });
  const left = [...arguments[0]];
  const reports = [];
  let before = { dispatches: 0, submits: 0 };
  const fail = (why) => {
    worker.terminate();
    resolve({ reports, why });
  };
  const next = () => {
    const command = left.shift();
    if (command) return worker.postMessage(JSON.stringify(command));
    worker.terminate();
    resolve({ reports, why: null });
  };
  worker.onerror = (error) => fail(error.message || "the worker could not be loaded");
  worker.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (event.event === "ready") next();
    else if (event.event === "phase" && event.phase === "failed") fail(event.why);
    else if (event.event === "bench") {
      reports.push(event);
      worker.postMessage("counts");
    } else if (event.event === "counts") {
      const report = reports.at(-1);
      report.dispatches = event.dispatches - before.dispatches;
      report.submits = event.submits - before.submits;
      before = event;
      next();
    }
  };
});

// Starts the site: looks whether this browser can run it, starts the engine's worker early (its download is the
// longest), then loads the page's wasm. What the page and curious users reach afterwards is `globalThis.icl`.

// Left unreplaced by a plain `trunk serve`; a query that never changes is harmless.
const build = document.querySelector('meta[name="build"]').content;
const query = `?v=${encodeURIComponent(build)}`;

const icl = {
  build,
  // JSON text of the newest evaluation and theory, for curious users and for tests.
  evaluation: null,
  theory: null,
  // Tasks over 50 ms on this page's thread: [{ start, duration }], milliseconds.
  longTasks: [],
  takeEngine,
  takeSweeps,
};
globalThis.icl = icl;

try {
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be forbidden; the system's colours will do.
}

try {
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) icl.longTasks.push({ start: task.startTime, duration: task.duration });
    if (icl.longTasks.length > 1000) icl.longTasks.splice(0, 500);
  }).observe({ type: "longtask", buffered: true });
} catch {
  // Not every browser reports long tasks.
}

// Starts a worker: { worker, inbox }. Its messages wait in `inbox` until the page's wasm takes over. Where the browser starts none:
// { worker: null, why }.
function startEngine(role = "") {
  try {
    return tryStartEngine(role);
  } catch (error) {
    return { worker: null, why: `the browser refused to start a worker (${error instanceof Error ? error.message : error})` };
  }
}

function tryStartEngine(role) {
  let readsType = false;
  const options = {
    name: "engine",
    // A browser that knows module workers reads this; others would load the module as a classic script.
    get type() {
      readsType = true;
      return "module";
    },
  };
  const worker = new Worker(`engine-worker.js${query}${role}`, options);
  if (!readsType) {
    worker.terminate();
    return { worker: null, why: "it lacks module workers" };
  }
  const inbox = [];
  worker.onmessage = (message) => inbox.push(message.data);
  worker.onerror = (error) => {
    error.preventDefault();
    inbox.push({
      why: `The engine could not be loaded: ${(error.message || "its files did not arrive").replace(/\.$/, "")}.`,
      next: "Check the connection and start a fresh engine, or reload the page.",
    });
  };
  return { worker, inbox };
}

let early = null;

// The worker started at boot the first time, a new one after that.
function takeEngine() {
  const engine = early ?? startEngine();
  early = null;
  return engine;
}

// The coordinator of sweeps: the same worker in another role. Tests shorten its timeout for silent workers, in seconds.
function takeSweeps() {
  const timeout = Number(new URLSearchParams(location.search).get("patience"));
  return startEngine(`&role=sweeps${timeout > 0 ? `&patience=${timeout}` : ""}`);
}

function hasSimd() {
  // (func (result v128) i32.const 0, i8x16.splat, i8x16.popcnt)
  return WebAssembly.validate(
    new Uint8Array([
      0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
    ]),
  );
}

// The words of index.html's own script: it was there first.
const say = (title, ...paragraphs) => globalThis.iclSay?.(title, paragraphs);

async function boot() {
  // It was said why nothing can start here.
  if (globalThis.iclStop) return;
  const missing = [];
  if (typeof WebAssembly !== "object") missing.push("WebAssembly (it may be switched off)");
  else if (!hasSimd()) missing.push("WebAssembly SIMD, the fast arithmetic that training needs");
  if (typeof Worker !== "function") missing.push("web workers");
  else if (missing.length === 0) {
    early = startEngine();
    if (early.worker === null && early.why.includes("module workers")) missing.push("module workers");
  }
  if (missing.length > 0) {
    say(
      "This browser cannot run the playground",
      `It lacks ${missing.join(", and ")}.`,
      "Chrome and Edge from version 91, Firefox from 114 and Safari from 16.4 work, on phones too. WebGPU is used where it is there, and is not needed.",
    );
    return;
  }
  if (early.worker === null) {
    say(
      "The engine cannot start here",
      `What happened: ${early.why}.`,
      "A content blocker or the page around this one may forbid workers. Allow them for this site, or open it in a tab of its own, and reload.",
    );
    return;
  }
  try {
    // WebKit keeps that a module did not arrive, and a reload does not ask for it again: so it is asked for once more, by another address.
    const app = await import(`./app.js${query}`).catch(() => import(`./app.js${query}&again=${Date.now()}`));
    await app.default({ module_or_path: new URL(`app_bg.wasm${query}`, document.baseURI) });
    globalThis.iclRuns = true;
    document.getElementById("boot")?.remove();
    mark("");
  } catch (error) {
    // WebKitGTK was seen to start sound wasm wrongly after a reload, once in some sixty ("call_indirect to a signature that does not match").
    if (error instanceof WebAssembly.RuntimeError && mark("again")) {
      location.reload();
      return;
    }
    say(
      "The page could not be loaded",
      `What happened: ${error instanceof Error ? error.message : error}`,
      "The connection may have broken, or the site may just have been updated. Reload the page to try again.",
    );
    console.error(error);
  }
}

// Remembers for this tab that the page is loaded again; whether that is new. Without storage it never is.
function mark(what) {
  try {
    const isNew = sessionStorage.getItem("boot") !== what;
    sessionStorage.setItem("boot", what);
    return isNew;
  } catch {
    return false;
  }
}

boot().catch((error) => {
  say("The page could not start", `What happened: ${error instanceof Error ? error.message : error}`, "Reload the page to try again.");
  console.error(error);
});

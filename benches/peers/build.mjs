// Bundles each peer into one module, and puts the wasm files of tfjs beside them.

import { build } from "esbuild";
import { copyFile, mkdir } from "node:fs/promises";

await mkdir("build", { recursive: true });
await build({
  entryPoints: ["jax-js.js", "tfjs.js"],
  outdir: "build",
  bundle: true,
  format: "esm",
  minify: true,
  // What tfjs asks node for, it never asks a browser for.
  external: ["fs", "path", "crypto", "worker_threads", "perf_hooks", "os", "util", "string_decoder"],
  logLevel: "warning",
});
const from = "node_modules/@tensorflow/tfjs-backend-wasm/dist";
for (const name of ["tfjs-backend-wasm.wasm", "tfjs-backend-wasm-simd.wasm", "tfjs-backend-wasm-threaded-simd.wasm"]) {
  await copyFile(`${from}/${name}`, `build/${name}`);
}

//! Builds, serves, tests and measures ICL Playground: `cargo xtask help`.

mod bench;
mod check;
mod fast;
#[cfg(test)]
mod layers;
mod place;
mod site;
mod size;
mod stage;
mod tools;
mod udhr;
#[cfg(test)]
mod vocabulary;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <command>

  serve            install what is missing, build, and serve on http://127.0.0.1:8080; with --fast a larger site that trains on
                   the CPU alone, for which less is compiled
  build            install what is missing, and leave the site in dist/
  test [part ...]  run everything that must hold; parts: lint, native, wasm, site, e2e; and, only where it is named, nightly:
                   what takes hours
  bench [...]      time training steps in headless Chromium and natively, and weigh the site;
                   --no-build, --json, --only=S1,curves, --places=native,wasm,webgpu, --against=jax-js,tfjs (BENCHMARKS.md)
  doctor           say what is missing, what it is for, and how to get it
  udhr             make the bundled corpus alone, and say where it is (`icl --udhr FILE` reads it)
  stage            the last step of a site build; Trunk calls it
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", &[] as &[String]),
    };
    let outcome = match command {
        "serve" => site::serve(rest),
        "build" => site::build(),
        "test" => check::test(rest),
        "bench" => bench::bench(rest),
        "doctor" => tools::doctor(),
        "udhr" => udhr::make().map(|path| println!("{}", path.display())),
        "stage" => stage::stage(),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!("There is no command \"{other}\".\n\n{HELP}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

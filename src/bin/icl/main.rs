//! The command line program: curves, presets, training runs and sweeps without a browser.

mod cells;
mod curve;
mod failure;
mod inside;
mod map;
mod picture;
mod presets;
mod results;
mod study;
mod sweep;
mod texts;
mod train;
mod worlds;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use failure::Failure;

/// Watch in-context learning happen, from a terminal.
#[derive(Parser)]
#[command(name = "icl", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The least possible loss at each position, the entropy rate and the excess entropy
    Curve(curve::Arguments),
    /// Every named world with its parameters, their defaults and ranges
    Worlds,
    /// What a world is like: its state graph, sampled sequences and beliefs, as SVG files
    Picture(picture::Arguments),
    /// All presets, as JSON
    Presets,
    /// One preset's experiment as JSON, as --experiment takes it
    Preset {
        /// Its name, as in the list of presets
        name: String,
    },
    /// Train a model and print its losses by position beside exact Bayes
    Train(train::Arguments),
    /// Train a model and look inside at every recorded step: a page of pictures, and the numbers behind them
    Inside(inside::Arguments),
    /// Run a grid of experiments: losses, gaps and the bound over K, N, T, seeds or any other field
    Sweep(sweep::Arguments),
    /// Run one of the studies behind the site's recorded results: data, optimization, prior, algorithms or map
    Study(study::Arguments),
    /// What the recorded studies say, as Markdown: docs/results.md is written by it
    Results(results::Arguments),
}

fn main() -> ExitCode {
    let text = match Arguments::parse().command {
        Command::Curve(arguments) => curve::run(&arguments),
        Command::Worlds => Ok(worlds::list()),
        Command::Picture(arguments) => picture::run(&arguments),
        Command::Presets => Ok(presets::all()),
        Command::Preset { name } => presets::one(&name),
        Command::Train(arguments) => train::run(&arguments),
        Command::Inside(arguments) => inside::run(&arguments),
        Command::Sweep(arguments) => sweep::run(&arguments),
        Command::Study(arguments) => study::run(&arguments),
        Command::Results(arguments) => results::run(&arguments),
    };
    match text.and_then(|text| print(&text)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure::say(&failure);
            ExitCode::from(failure.code())
        }
    }
}

/// To standard output. A reader that has seen enough (`icl presets | head`) is no failure.
fn print(text: &str) -> Result<(), Failure> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Output(error)),
        _ => Ok(()),
    }
}

//! What the benchmark holds that can be tested without measuring anything.

#![cfg(all(feature = "cli", not(target_arch = "wasm32")))]
#![allow(dead_code, reason = "the benchmark uses the rest")]
#![allow(clippy::expect_used, reason = "a test that cannot go on stops, with a sentence")]

#[path = "../benches/steps/arguments.rs"]
mod arguments;
#[path = "../benches/steps/figures.rs"]
mod figures;

use arguments::{Arguments, Part, Peer, Place};
use figures::{gflops, loss_gap, median, product_operations, repeats};
use icl_playground::engine::bench::BenchSize;

fn read(words: &str) -> Result<Arguments, String> {
    Arguments::read(words.split_whitespace().map(str::to_owned))
}

#[test]
fn without_arguments_everything_of_ours_is_measured() {
    let all = read("--bench").expect("sound");
    assert_eq!(all.sizes(), BenchSize::ALL);
    assert_eq!((all.parts, all.places.len(), all.against.len(), all.json), (Part::all(), 3, 0, false));
}

#[test]
fn lists_choose_in_a_fixed_order() {
    let some = read("--only=curves,S2,S1 --against jax-js,tfjs --places=wasm --json").expect("sound");
    assert_eq!(some.parts, [Part::Size(BenchSize::S1), Part::Size(BenchSize::S2), Part::Curves]);
    assert_eq!(some.sizes(), [BenchSize::S1, BenchSize::S2]);
    assert_eq!((some.places, some.against, some.json), (vec![Place::Wasm], vec![Peer::JaxJs, Peer::Tfjs], true));
    assert_eq!(read("--only shares").expect("sound").sizes(), []);
}

#[test]
fn what_is_unknown_is_named() {
    let why = read("--only=S1,S9").expect_err("unknown");
    assert!(why.contains("\"S9\"") && why.contains("S4") && why.contains("curves"), "{why}");
    assert!(read("--against").expect_err("empty").contains("jax-js, tfjs"));
    assert!(read("--fast").expect_err("unknown").contains("--fast"));
}

#[test]
fn a_product_of_512_in_ten_milliseconds_is_27_gflops() {
    assert!((gflops(product_operations(512), 10.0) - 26.84).abs() < 0.01);
}

#[test]
fn the_median_is_none_of_the_stragglers() {
    assert_eq!(median(&[3.0, 900.0, 1.0]), Some(3.0));
    assert_eq!(median(&[]), None);
}

#[test]
fn the_gap_is_the_largest_of_the_steps_that_both_took() {
    assert_eq!(loss_gap(&[2.0, 4.0, 1.0], &[2.0, 3.0]), Some(0.25));
    assert_eq!(loss_gap(&[1.0], &[]), None);
    assert_eq!(loss_gap(&[1.0, 1.0], &[f64::NAN, 1.0]), Some(f64::INFINITY));
}

#[test]
fn repeats_follow_the_work() {
    assert_eq!(repeats(1e9, 10.0, 1000.0), 10);
    assert_eq!((repeats(1e12, 10.0, 1000.0), repeats(1.0, 10.0, 1000.0)), (3, 100));
}

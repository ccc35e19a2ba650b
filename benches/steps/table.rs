//! Everything measured, as tables for people.

use crate::{Profile, Row, Share, Weight, curves::Point, figures::gflops};

pub fn print(cores: usize, rows: &[Row], curves: &[Point], profiles: &[Profile], shares: &[Share], weights: &[Weight]) {
    println!("\nCores: {cores}");
    steps(rows);
    for axis in ["T", "width", "batch"] {
        curve(axis, curves);
    }
    profiles.iter().for_each(profile);
    watching(shares);
    download(weights);
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
}

fn steps(rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    println!(
        "\n{:<6}{:<22}{:>9}{:>9}{:>10}{:>9}{:>9}{:>11}{:>17}{:>10}{:>11}{:>9}",
        "size",
        "device",
        "ms/step",
        "fastest",
        "first, ms",
        "GFLOP/s",
        "of peak",
        "times ours",
        "losses",
        "loss gap",
        "dispatches",
        "submits"
    );
    for row in rows {
        let of_peak = row.gflops.zip(row.peak_gflops).map(|(ours, peak)| format!("{:.0} %", 100.0 * ours / peak));
        let losses = row.losses.map(|(first, last)| format!("{first:.3} > {last:.3}"));
        let gap = row.loss_gap.map(|gap| format!("{gap:.0e}"));
        let [of_peak, losses, gap] = [of_peak, losses, gap].map(|text| text.unwrap_or_else(|| "-".into()));
        let (ms, fastest, first) = (number(row.step_ms, 1), number(row.fastest_ms, 1), number(row.first_step_ms, 0));
        let (gflops, times_ours) = (number(row.gflops, 1), number(row.times_ours, 2));
        let (dispatches, submits) = (number(row.dispatches, 0), number(row.submits, 0));
        print!(
            "{:<6}{:<22}{ms:>9}{fastest:>9}{first:>10}{gflops:>9}{of_peak:>9}{times_ours:>11}",
            row.size, row.device
        );
        println!("{losses:>17}{gap:>10}{dispatches:>11}{submits:>9}  {}", row.why.as_deref().unwrap_or_default());
    }
    let peaks: Vec<String> =
        rows.iter().filter_map(|row| Some(format!("{} {}: {:.1}", row.size, row.device, row.peak_gflops?))).collect();
    println!("\nPeak, GFLOP/s of a product of 512 x 512, each beside its row: {}", peaks.join(", "));
}

fn curve(axis: &str, points: &[Point]) {
    let points: Vec<&Point> = points.iter().filter(|point| point.axis == axis).collect();
    if points.is_empty() {
        return;
    }
    println!("\n{axis:<8}{:>12}{:>14}{:>12}{:>14}{:>12}", "GFLOP", "native, ms", "GFLOP/s", "wasm, ms", "GFLOP/s");
    for point in points {
        print!("{:<8}{:>12.3}", point.value, point.operations / 1e9);
        print!("{:>14}{:>12}", number(point.native_ms, 2), number(point.native_gflops(), 1));
        println!("{:>14}{:>12}", number(point.wasm_ms, 2), number(point.wasm_gflops(), 1));
    }
}

fn profile(Profile { size, parts }: &Profile) {
    let all: f64 = parts.iter().map(|part| part.ms).sum();
    println!("\n{size:<26}{:>10}{:>10}{:>12}{:>10}", "ms/step", "share, %", "GFLOP/s", "MiB");
    for part in parts {
        let speed = (part.giga_multiply_adds > 0.0).then(|| gflops(2e9 * part.giga_multiply_adds, part.ms));
        let (ms, share) = (part.ms, 100.0 * part.ms / all);
        println!("{:<26}{ms:>10.3}{share:>10.1}{:>12}{:>10.2}", part.part, number(speed, 1), part.mebibytes);
    }
}

fn watching(shares: &[Share]) {
    if shares.is_empty() {
        return;
    }
    println!(
        "\n{:<24}{:<14}{:>8}{:>12}{:>14}{:>10}{:>10}",
        "preset", "open tab", "steps", "batches, %", "evaluation, %", "probes, %", "behind, %"
    );
    for Share { preset, tab, steps, batches, evaluation, probes, behind } in shares {
        let text = [batches, evaluation, probes, behind].map(|share| format!("{:.1}", 100.0 * share));
        let [batches, evaluation, probes, behind] = text;
        println!("{preset:<24}{tab:<14}{steps:>8}{batches:>12}{evaluation:>14}{probes:>10}{behind:>10}");
    }
}

fn download(weights: &[Weight]) {
    if weights.is_empty() {
        return;
    }
    println!("\n{:<28}{:>12}{:>12}{:>12}", "file", "bytes", "gzip", "brotli");
    for Weight { file, raw, gzip, brotli } in weights {
        println!("{file:<28}{raw:>12}{gzip:>12}{brotli:>12}");
    }
}

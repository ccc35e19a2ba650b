//! The command line program, as a user meets it.

#![cfg(all(feature = "cli", not(target_arch = "wasm32")))]
#![allow(clippy::expect_used, reason = "a test that cannot go on stops, with a sentence")]

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

fn icl(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_icl")).args(arguments).output().expect("icl runs")
}

fn json(arguments: &[&str]) -> Value {
    let output = icl(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Exit code 2, nothing on standard output, and a sentence with these words on standard error.
fn refused(arguments: &[&str], words: &[&str]) {
    let output = icl(arguments);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    assert!(!text.contains("panicked"), "{text}");
    for word in words {
        assert!(text.contains(word), "{arguments:?}: {word:?} in {text}");
    }
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).expect("a file");
    path
}

/// Bytes as another program wrote them.
fn bytes(name: &str, bytes: &[u8]) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, bytes).expect("a file");
    path.display().to_string()
}

/// What comes of arguments with this on standard input.
fn fed(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_icl"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("icl runs");
    // Dropped at once, which ends the input.
    child.stdin.take().expect("a pipe").write_all(input).expect("written");
    child.wait_with_output().expect("an end")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect()
}

#[test]
fn curves_of_named_worlds() {
    let c = json(&["curve", "--world", "dursley-wonka", "--length", "6", "--json"]);
    let h = numbers(&c["h"]);
    assert_eq!(h.len(), 6);
    assert!((h[0] - 1.44519).abs() < 1e-5 && (h[1] - 0.95140).abs() < 1e-5, "{h:?}");
    assert!((c["excess_entropy"].as_f64().expect("finite") - 1.186925).abs() < 1e-5);
    assert_eq!(c["method"][0], "exact");
    assert!(c["h_stderr"].is_null());

    let c = json(&["curve", "--world", "beta-coin:a=1,b=1", "--length", "4", "--json"]);
    assert_eq!(c["method"][3], "closed-form");
    assert!(c["excess_entropy"].is_null());

    let c = json(&["curve", "--world", "markov:k=2", "--length", "4", "--json"]);
    assert_eq!(c["method"][3], "monte-carlo");
    assert_eq!(numbers(&c["h_stderr"]).len(), 4);

    let output = icl(&["curve", "--world", "coins:n=2", "--length", "3"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("0.693147") && text.contains("exact") && text.contains("entropy rate h"), "{text}");
}

#[test]
fn curves_of_a_users_own_process() {
    let golden_mean = r#"{"tokens":["0","1"],"transitions":{"0":[[0.5,0],[1,0]],"1":[[0,0.5],[0,0]]}}"#;
    let path = file("golden-mean.json", golden_mean);
    let c = json(&["curve", "--world", &format!("@{}", path.display()), "--length", "2", "--json"]);
    assert!((c["excess_entropy"].as_f64().expect("finite") - 0.174416).abs() < 1e-5);
}

#[test]
fn curves_of_mixtures() {
    let of = |name: &str, text: &str| {
        let path = file(name, text);
        json(&["curve", "--world", &format!("@{}", path.display()), "--length", "4", "--json"])
    };
    // Two coins, as one world and as two; by `world` and by `process`.
    let coins = json(&["curve", "--world", "coins:n=2", "--length", "4", "--json"]);
    let named = r#"{"mixture":[{"weight":2,"world":"coin:p=0.3333333333333333"},{"weight":2,"world":"coin:p=0.6666666666666666"}]}"#;
    let process = |p: f64| format!(r#"{{"tokens":["0","1"],"transitions":{{"0":[[{p}]],"1":[[{}]]}}}}"#, 1.0 - p);
    let given = format!(
        r#"{{"mixture":[{{"weight":0.5,"process":{}}},{{"weight":0.5,"process":{}}}]}}"#,
        process(1.0 / 3.0),
        process(2.0 / 3.0)
    );
    for c in [of("named.json", named), of("given.json", &given)] {
        for (a, b) in numbers(&c["h"]).iter().zip(numbers(&coins["h"])) {
            assert!((a - b).abs() < 1e-9, "{a} is not {b}");
        }
        assert!((c["excess_entropy"].as_f64().expect("finite") - 2f64.ln()).abs() < 1e-9);
    }
    let inline = json(&["curve", "--world", named, "--length", "4", "--json"]);
    assert_eq!(inline["h"].as_array().expect("a list").len(), 4);
    // With a continuum among the parts, sampled.
    let c = of("blend.json", r#"{"mixture":[{"weight":1,"world":"beta-coin"},{"weight":3,"world":"even"}]}"#);
    assert_eq!((&c["method"][0], &c["method"][3]), (&Value::from("exact"), &Value::from("monte-carlo")));
    assert_eq!(c["tokens"], serde_json::json!(["0", "1"]));
}

#[test]
fn worlds_and_baselines_are_listed() {
    let output = icl(&["worlds"]);
    let text = String::from_utf8_lossy(&output.stdout);
    for name in ["five-three-golden-mean", "teddy-bear", "ginc", "repeat", "mess3", "concepts"] {
        assert!(text.contains(name), "{text}");
    }
    let c = json(&["curve", "--world", "repeat:block=4,v=200", "--length", "12", "--baselines", "--json"]);
    let copy = numbers(&c["baselines"]["copy"]["loss"]);
    assert!(copy[0] > 5.0 && copy[11] < 1.0, "{copy:?}");
    let output = icl(&["curve", "--world", "markov:pool=3", "--length", "4", "--baselines"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("bi-ret"));
}

#[test]
fn pictures_of_a_world_are_files() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pictures");
    let out = folder.display().to_string();
    let output = icl(&["picture", "--world", "mess3", "--out", &out]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("One process with 3 states, over 3 tokens."), "{text}");
    for name in ["graph", "samples", "simplex"] {
        let svg = fs::read_to_string(folder.join(format!("{name}.svg"))).expect("a picture");
        assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"), "{name}");
        assert!(fs::read_to_string(folder.join(format!("{name}.csv"))).expect("a table").lines().count() > 3, "{name}");
    }
    refused(&["picture", "--world", "coins:n=0", "--out", &out], &["world.n"]);
}

#[test]
fn presets_are_experiments_for_the_other_commands() {
    let list = json(&["presets"]);
    for preset in list.as_array().expect("a list") {
        let name = preset["name"].as_str().expect("a name");
        assert_eq!(json(&["preset", name]), preset["experiment"]);
    }
    let path = file("coins.json", &json(&["preset", "coins"]).to_string());
    let c = json(&["curve", "--experiment", &path.display().to_string(), "--json"]);
    assert_eq!(numbers(&c["h"]).len(), 64);
}

#[test]
fn long_curves_end_in_time() {
    let c = json(&["curve", "--world", "coins:n=10", "--length", "4096", "--json"]);
    assert_eq!(numbers(&c["h"]).len(), 4096);
    assert_eq!(c["method"][4095], "monte-carlo");
}

#[test]
fn what_makes_no_sense_is_refused_with_a_sentence() {
    refused(&["curve", "--world", "coins:n=0", "--length", "3"], &["world.n is 0", "1 to 1000"]);
    refused(&["curve", "--world", "coins:m=3", "--length", "3"], &["parameter"]);
    refused(&["curve", "--world", "nonsense", "--length", "3"], &["nonsense", "dursley-wonka"]);
    refused(&["curve", "--world", "markov:alpha=nan", "--length", "3"], &["world.alpha", "a number"]);
    refused(&["curve", "--world", "dursley-wonka:p=0.7,q=0.9", "--length", "3"], &["at most 1"]);
    refused(&["curve", "--world", "teddy-bear:p=0.6,q=0.6", "--length", "3"], &["world.p + world.q", "at most 1"]);
    refused(&["curve", "--world", "mess3:x=0.7", "--length", "3"], &["world.x is 0.7", "0 to 0.5"]);
    refused(&["curve", "--world", "markov:k=8,order=2", "--length", "3"], &["world.k is 8", "order 2"]);
    refused(&["curve", "--world", "repeat:block=2.5", "--length", "3"], &["world.block is 2.5", "whole"]);
    refused(&["curve", "--world", "coins", "--length", "0"], &["length is 0"]);
    refused(&["curve", "--world", "coins", "--length", "1000000"], &["length is 1000000", "10000"]);
    refused(&["curve", "--world", "coins", "--length", "-1"], &[]);
    refused(&["curve", "--world", "coins", "--length", "1,5"], &["--length", "1,5", "a whole number"]);
    refused(&["curve", "--world", "coins", "--length", "1 5"], &["--length", "without spaces"]);
    refused(&["curve", "--world", "coins", "--length", "many"], &["--length", "many", "a number is meant"]);
    refused(&["curve", "--length", "3"], &["--world"]);
    refused(&["curve", "--world", "@/no/such/file.json", "--length", "3"], &["/no/such/file.json"]);
    refused(&["curve", "--experiment", "/no/such/file.json"], &["/no/such/file.json"]);
    refused(&["preset", "nonsense"], &["nonsense", "markov"]);
    refused(&["nonsense"], &[]);

    let at = |name: &str, text: &str| format!("@{}", file(name, text).display());
    let sum = at("sum.json", r#"{"tokens":["0"],"transitions":{"0":[[0.5]]}}"#);
    refused(&["curve", "--world", &sum, "--length", "3"], &["row 0", "0.5"]);
    let negative = at("negative.json", r#"{"tokens":["0","1"],"transitions":{"0":[[1.5]],"1":[[-0.5]]}}"#);
    refused(&["curve", "--world", &negative, "--length", "3"], &["-0.5"]);
    let shape = at("shape.json", r#"{"tokens":["0","1"],"transitions":{"0":[[0.5]],"1":[[0.5,0],[0,1]]}}"#);
    refused(&["curve", "--world", &shape, "--length", "3"], &["lengths 2,2"]);
    let broken = at("broken.json", "{");
    refused(&["curve", "--world", &broken, "--length", "3"], &["unreadable"]);
    let part = at("part.json", r#"{"mixture":[{"weight":1,"world":"coins:n=2"},{"weight":1,"world":"z1r:p=7"}]}"#);
    refused(&["curve", "--world", &part, "--length", "3"], &["mixture[1]", "0 to 1"]);
    let weightless = at("weightless.json", r#"{"mixture":[{"weight":0,"world":"coins"}]}"#);
    refused(&["curve", "--world", &weightless, "--length", "3"], &["sum of weights"]);
    let heavy = r#"{"mixture":[{"weight":1e308,"world":"coin"},{"weight":1e308,"world":"coins"}]}"#;
    refused(&["curve", "--world", heavy, "--length", "3"], &["world.mixture, sum of weights", "finite"]);
    let part = r#"{"weight":1,"world":"markov:k=8,pool=1000"}"#;
    let huge = at("huge.json", &format!(r#"{{"mixture":[{}]}}"#, vec![part; 1000].join(",")));
    refused(&["curve", "--world", &huge, "--length", "3"], &["world.mixture, hidden states", "8 million", "16,384"]);
    let apart = r#"{"tokens":["a","b"],"transitions":{"a":[[1,0],[0,0]],"b":[[0,0],[0,1]]}}"#;
    refused(&["curve", "--world", apart, "--length", "3"], &["world.start is not given", "States 0 and 1"]);
    let experiment = file("bad.json", r#"{"data":{"topics":0}}"#);
    refused(&["curve", "--experiment", &experiment.display().to_string()], &["data.topics is 0"]);
}

#[test]
fn real_text_from_files() {
    let text = format!("# Cats\n{}\n\n# Ships\n{}\n", "the cat sat. ".repeat(60), "le navire part. ".repeat(60));
    let path = file("stories.txt", &text).display().to_string();
    let c = json(&["curve", "--world", &format!("text:{path}"), "--length", "12", "--json"]);
    let h = numbers(&c["h"]);
    assert!(h[11] < 0.3 && h[0] > 1.5, "{h:?}");
    assert_eq!(c["method"][0], "monte-carlo");
    assert!(
        c["how"].as_array().expect("sentences").iter().any(|s| s.as_str().unwrap_or("").contains("not a lower bound"))
    );
    assert!(!c["world"].as_str().expect("a description").contains("cat sat"));
    let c = json(&["curve", "--world", &format!("text:{path}+{path},unit=bytes"), "--length", "4", "--json"]);
    assert_eq!(c["tokens"].as_array().expect("a list").len(), 256);

    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("texts");
    fs::create_dir_all(&directory).expect("a directory");
    for (name, text) in [("a.txt", "abc ".repeat(100)), ("b.txt", "cba ".repeat(100))] {
        fs::write(directory.join(name), text).expect("a file");
    }
    let folder = format!("text:{}", directory.display());
    assert_eq!(
        json(&["curve", "--world", &folder, "--length", "8", "--json"])["tokens"],
        serde_json::json!(["␣", "a", "b", "c"])
    );

    let experiment = serde_json::json!({
        "world": folder, "data": {"length": 16}, "training": {"steps": 60, "batch": 16},
        "evaluation": {"sequences": 16, "every": 60},
    });
    let experiment = file("text-experiment.json", &experiment.to_string()).display().to_string();
    let c = json(&["train", "--experiment", &experiment, "--json"]);
    let (model, unigram) = (numbers(&c["model"]), numbers(&c["unigram"]));
    assert!(model[15] < 0.7 * unigram[15], "{model:?} {unigram:?}");

    refused(&["curve", "--world", "text:/no/such/file.txt", "--length", "3"], &["/no/such/file.txt"]);
    let empty = format!("text:{}", file("empty.txt", "").display());
    refused(&["curve", "--world", &empty, "--length", "3"], &["empty.txt", "is empty"]);
    let binary = format!("text:{}", file("binary.bin", "a\0b").display());
    refused(&["curve", "--world", &binary, "--length", "3"], &["binary.bin", "binary"]);
    refused(
        &["curve", "--world", &format!("text:{path},unit=words"), "--length", "3"],
        &["words", "characters or bytes"],
    );
    refused(&["curve", "--world", &folder, "--length", "60"], &["400 characters long", "at least 600"]);
}

#[test]
fn the_bundled_corpus_from_a_file() {
    let corpus = format!("Source.\n\n# A\n{}\n\n# B\n{}\n", "one two ".repeat(80), "eins zwei ".repeat(80));
    let corpus = file("udhr.txt", &corpus).display().to_string();
    let c = json(&["curve", "--world", "udhr:languages=2,characters=16", "--udhr", &corpus, "--length", "8", "--json"]);
    assert_eq!(c["tokens"].as_array().expect("a list").len(), 16);
    assert!(numbers(&c["h"])[7] < 0.2);
    refused(&["curve", "--world", "udhr", "--udhr", "/no/such/udhr.txt"], &["/no/such/udhr.txt", "cargo xtask udhr"]);
    refused(&["curve", "--world", "udhr:languages=3", "--udhr", &corpus], &["world.languages is 3", "at most 2"]);
    refused(&["curve", "--world", "udhr:languages=1"], &["world.languages is 1", "2 to 100"]);
}

/// A sweep's rows without what depends on the machine's speed.
fn rows(value: &Value) -> Value {
    let mut rows = value["rows"].clone();
    for row in rows.as_array_mut().expect("rows") {
        let metrics = row["metrics"].as_object_mut().expect("metrics");
        metrics.retain(|name, _| !name.starts_with("seconds"));
    }
    rows
}

#[test]
fn a_sweep_that_was_killed_goes_on_and_gives_the_same_numbers() {
    let experiment = serde_json::json!({
        "world": "coins:n=2", "data": {"topics": 4, "sequences": 4, "length": 8, "fresh": false},
        "net": {"blocks": 1, "width": 8, "heads": 2, "kv_heads": 2},
        "training": {"steps": 60, "batch": 8}, "evaluation": {"sequences": 16, "every": 30, "most": 64},
    });
    let experiment = file("small.json", &experiment.to_string()).display().to_string();
    let folder = |name: &str| {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        path
    };
    let (whole, parted) = (folder("sweep-whole"), folder("sweep-parted"));
    let (whole_text, parted_text) = (whole.display().to_string(), parted.display().to_string());
    let grid = "data.topics=2,4; data.sequences=2,8; seed=1..3";
    let call = |out: &str| {
        ["sweep", "--experiment", &experiment, "--grid", grid, "--out", out, "--jobs", "2"].map(String::from).to_vec()
    };
    let json_of = |arguments: Vec<String>| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(["--json"]).collect();
        json(&arguments)
    };
    let expected = json_of(call(&whole_text));
    assert_eq!(expected["cells"], serde_json::json!({"all": 12, "finished": 12}));
    assert_eq!((expected["rows"].as_array().map(Vec::len), &expected["rows"][0]["runs"]), (Some(4), &Value::from(3)));
    assert_eq!(expected["units"]["topic_gap"], "nats per token");

    // Killed as soon as two cells are on disk, and with half a line after them.
    let sweep_record = parted.join("small.sweep.jsonl");
    let mut child = Command::new(env!("CARGO_BIN_EXE_icl"))
        .args(call(&parted_text))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("icl runs");
    let lines = || fs::read_to_string(&sweep_record).map_or(0, |text| text.lines().count());
    while lines() < 3 && child.try_wait().expect("a child").is_none() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().expect("a child to kill");
    child.wait().expect("an end");
    let kept = fs::read_to_string(&sweep_record).expect("results");
    let kept: Vec<&str> = kept.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok()).take(4).collect();
    assert!(kept.len() >= 3, "{kept:?}");
    fs::write(&sweep_record, kept.join("\n") + "\n{\"cell\":\"data.topics=4 data.seq").expect("written");
    let resumed = json_of(call(&parted_text));
    assert_eq!(rows(&resumed), rows(&expected));
    let text = fs::read_to_string(&sweep_record).expect("results");
    assert!(text.starts_with(&kept.join("\n")) && text.lines().count() == 13, "{text}");
    assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{text}");

    // Nothing is left to run: CSV, pictures and the table come from the file.
    let pictures = folder("sweep-pictures");
    let mut arguments = call(&whole_text);
    arguments.extend(["--csv".into(), "--pictures".into(), pictures.display().to_string()]);
    let output = icl(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let csv = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        csv.starts_with("data.topics,data.sequences,runs,two_level,two_level_stderr,two_level_low,two_level_high"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 5);
    let svg = fs::read_to_string(pictures.join("two-level-map.svg")).expect("a picture");
    assert!(svg.starts_with("<svg") && svg.contains("data-key=\"data.topics=2 data.sequences=2 seed=1\""));

    // Another sweep does not write into the same file, and neither do two at once.
    let other = ["sweep", "--experiment", &experiment, "--grid", "seed=1..2", "--out", &whole_text];
    refused(&other, &["holds another sweep", "data.topics=2,4"]);
    fs::write(&sweep_record, "some notes\n").expect("written");
    let call = call(&parted_text);
    refused(&call.iter().map(String::as_str).collect::<Vec<_>>(), &["does not hold the results of a sweep"]);
    assert_eq!(fs::read_to_string(&sweep_record).expect("kept"), "some notes\n");
}

/// Weights of a mixture as an axis, what is measured on request, and a name that changes nothing that was found.
#[test]
fn a_named_sweep_over_a_mixture_measures_components_and_events() {
    let experiment = file(
        "sweep-mixture.json",
        r#"{"world": {"mixture": [{"weight": 1, "world": "coin:p=0.02"}, {"weight": 3, "world": "coin:p=0.6"}]},
            "data": {"length": 8}, "net": {"blocks": 1, "width": 8}, "training": {"steps": 40, "batch": 8},
            "evaluation": {"sequences": 16, "most": 16, "every": 20, "components": true, "events": true}}"#,
    );
    let (folder, pictures) =
        (experiment.with_file_name("sweep-named"), experiment.with_file_name("sweep-named-pictures"));
    let _ = (fs::remove_dir_all(&folder), fs::remove_dir_all(&pictures));
    let path = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let (experiment, folder_text, pictures_text) = (path(&experiment), path(&folder), path(&pictures));
    let call = |more: &[&str]| {
        let grid = "world.mixture[0].weight=1, 4; net.architecture=transformer,gru; seed=1..3";
        let usual = ["sweep", "--experiment", &experiment, "--grid", grid, "--out", &folder_text];
        [&usual[..], more].concat().into_iter().map(String::from).collect::<Vec<_>>()
    };
    let run = |more: &[&str]| {
        let call = call(more);
        let output = icl(&call.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let value: Value = serde_json::from_str(&run(&["--json", "--name", " Two  coins "])).expect("JSON");
    assert_eq!((&value["name"], &value["cells"]["finished"]), (&json!("Two coins"), &json!(12)));
    assert_eq!(value["rows"][0]["at"]["world.mixture.0.weight"], 1);
    let metrics = &value["rows"][0]["metrics"];
    assert!(metrics["component_0_excess"]["mean"].is_f64() && metrics["component_1_excess"]["runs"] == 3, "{metrics}");
    let titles: Vec<&str> =
        value["report"].as_array().expect("sections").iter().filter_map(|section| section["title"].as_str()).collect();
    assert!(titles.contains(&"Loss on each component") && titles.contains(&"Steps to learn each event"), "{titles:?}");

    // Under another name, or none, the same results are found, and the last name stays.
    let sweep_record = folder.join("sweep-mixture.sweep.jsonl");
    let lines = || fs::read_to_string(&sweep_record).expect("a file").lines().count();
    assert_eq!(lines(), 1 + 1 + 12);
    let text = run(&[]);
    assert!(text.starts_with("Two coins\n\n") && lines() == 14, "{text}");
    assert!(text.contains("architecture gru instead of transformer") && text.contains("Paired by seed: "), "{text}");
    run(&["--name", "Coins: <two>", "--pictures", &pictures_text]);
    assert_eq!(lines(), 15);
    let page = fs::read_to_string(pictures.join("coins-two-report.html")).expect("a page");
    assert!(page.contains("<title>Coins: &lt;two&gt;</title>") && page.contains("<h1>Coins: &lt;two&gt;</h1>"));
    refused(
        &call(&["--name", &"x".repeat(81)]).iter().map(String::as_str).collect::<Vec<_>>(),
        &["a name has at most 80 characters, and this one has 81"],
    );
    let over = ["sweep", "--experiment", &experiment, "--grid", "world.mixture.2.weight=1", "--out", &folder_text];
    refused(&over, &["world.mixture.2.weight is no field that a grid can vary here", "world.mixture.0.weight"]);
}

#[test]
fn results_are_written_from_the_recorded_studies() {
    let output = icl(&["results"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.starts_with("# What the recorded studies say"), "{text}");
    assert!(text.contains("| what | along | change paired by seed, 95% | seeds | p, corrected | verdict |"), "{text}");
    refused(&["results", "--studies", "no-such-folder"], &["no-such-folder"]);
}

#[test]
fn sweeps_that_make_no_sense_are_refused_and_failed_cells_are_reported() {
    let experiment = file(
        "sweep-bad.json",
        r#"{"world":"coins:n=2","data":{"length":8},"training":{"steps":3,"batch":4},"evaluation":{"sequences":4,"most":0}}"#,
    );
    let _ = fs::remove_file(experiment.with_file_name("sweep-bad.sweep.jsonl"));
    let experiment = experiment.display().to_string();
    let sweep = |grid: &'static str| ["sweep", "--experiment", &experiment, "--grid", grid];
    refused(&sweep("data.topics=4,8"), &["data.fresh is true"]);
    refused(&sweep("nonsense"), &["FIELD=VALUES"]);
    refused(&sweep("data.length=0,4"), &["data.length is 0"]);
    refused(&["sweep", "--experiment", &experiment, "--grid", "seed=1", "--jobs", "0"], &["jobs is 0"]);
    refused(&["sweep", "--experiment", &experiment], &["--grid"]);
    // A world whose texts are not at hand fails its cell, and that one alone.
    let output = icl(&["sweep", "--experiment", &experiment, "--grid", "world=coins,udhr", "--json"]);
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("1 of 2 cells could not be run") && errors.contains("world=udhr"), "{errors}");
    let value: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(value["cells"], serde_json::json!({"all": 2, "finished": 1}));
}

/// `icl inside` on a small run: what it says, and its page.
fn inside(folder: &str, more: &[&str]) -> (String, String) {
    let small = r#"{"world":"coins:n=3","data":{"length":16},"net":{"width":8,"context":16},
        "training":{"steps":12,"batch":4,"warmup":2},"evaluation":{"every":5,"sequences":16}}"#;
    let experiment = file(&format!("{folder}.json"), small).display().to_string();
    let out = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(folder);
    // Nothing of an earlier run may stand in for this one's.
    fs::remove_dir_all(&out).ok();
    let out_text = out.display().to_string();
    let output = icl(&[&["inside", "--experiment", &experiment, "--out", &out_text], more].concat());
    assert!(output.status.success(), "{more:?}: {}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).replace(&out_text, "");
    (said, fs::read_to_string(out.join("inside.html")).expect("a page"))
}

#[test]
fn a_step_that_is_looked_at_loses_no_piece_of_a_tab() {
    // Step 12 is the last: asked for or not, the same is said and drawn.
    let tabs = ["--tabs", "power,landscape,transitions"];
    let (said, page) = inside("inside-last", &tabs);
    let asked = inside("inside-asked", &[&tabs[..], &["--step", "12"]].concat());
    assert!(said.contains("By the best line over the window") && page.contains("<svg"), "{said}");
    assert_eq!(asked, (said, page.clone()));
    // An earlier one has as many pictures, and its sentences.
    let (said, earlier) = inside("inside-earlier", &[&tabs[..], &["--step", "5"]].concat());
    assert_eq!(earlier.matches("<svg").count(), page.matches("<svg").count());
    assert!(said.contains("the model at step 5") && !said.contains("was not recorded"), "{said}");
}

#[test]
fn a_step_that_was_not_recorded_is_called_so() {
    for (asked, shown) in [("3", "2"), ("9999", "12")] {
        let (said, page) = inside("inside-unrecorded", &["--tabs", "power", "--step", asked]);
        let words = format!("Step {asked} was not recorded. What is shown is step {shown}, the nearest that was.");
        assert!(said.starts_with(&words) && page.contains(&words), "{said}");
        assert!(said.contains(&format!("the model at step {shown} as L to the")), "{said}");
    }
}

#[test]
fn tabs_are_called_as_on_the_page_or_by_name() {
    let (by_name, _) = inside("inside-name", &["--tabs", "coupling,power"]);
    let (as_on_the_page, _) = inside("inside-title", &["--tabs", "weights, Power law"]);
    assert_eq!(as_on_the_page, by_name);
    assert!(by_name.contains("Weights:") && by_name.contains("Power law:"), "{by_name}");
    let experiment = file("inside-refused.json", "{}").display().to_string();
    refused(&["inside", "--experiment", &experiment, "--tabs", "wheights"], &["wheights", "coupling (Weights)"]);
}

const EVEN: &str = r#"{"tokens":["0","1"],"transitions":{"0":[[0.5,0],[0,0]],"1":[[0,0.5],[1,0]]}}"#;

/// As editors, shells and PowerShell's `>` write them.
fn encodings(text: &str) -> [(&'static str, Vec<u8>); 4] {
    let wide = |unit: fn(u16) -> [u8; 2]| format!("\u{feff}{text}").encode_utf16().flat_map(unit).collect();
    [
        ("utf-8.json", text.into()),
        ("bom.json", format!("\u{feff}{text}\r\n").into()),
        ("utf-16-le.json", wide(u16::to_le_bytes)),
        ("utf-16-be.json", wide(u16::to_be_bytes)),
    ]
}

#[test]
fn every_file_is_read_by_the_same_decoder() {
    let expected = json(&["curve", "--world", EVEN, "--length", "4", "--json"]);
    for (name, content) in encodings(EVEN) {
        let path = bytes(&format!("world-{name}"), &content);
        assert_eq!(json(&["curve", "--world", &format!("@{path}"), "--length", "4", "--json"]), expected, "{name}");
        let output = fed(&["curve", "--world", "@-", "--length", "4", "--json"], &content);
        assert_eq!(serde_json::from_slice::<Value>(&output.stdout).ok().as_ref(), Some(&expected), "{name}");
    }
    let experiment = format!(r#"{{"world": {EVEN}, "data": {{"length": 4.0}}}}"#);
    for (name, content) in encodings(&experiment) {
        let path = bytes(&format!("experiment-{name}"), &content);
        assert_eq!(json(&["curve", "--experiment", &path, "--json"]), expected, "{name}");
        let output = fed(&["curve", "--experiment", "-", "--json"], &content);
        assert_eq!(serde_json::from_slice::<Value>(&output.stdout).ok().as_ref(), Some(&expected), "{name}");
    }
    // The corpus and texts as well.
    let corpus = "Source.\n\n# A\n".to_owned() + &"one two ".repeat(80) + "\n\n# B\n" + &"eins zwei ".repeat(80) + "\n";
    let world = "udhr:languages=2,characters=16";
    let [plain, _, wide, _] = encodings(&corpus).map(|(name, content)| {
        let path = bytes(&format!("corpus-{name}"), &content);
        json(&["curve", "--world", world, "--udhr", &path, "--length", "3", "--json"])["h"].clone()
    });
    assert_eq!(plain, wide);
    let output = fed(&["curve", "--world", "text:-", "--length", "3", "--json"], "a b\u{e9}c ".repeat(50).as_bytes());
    assert!(String::from_utf8_lossy(&output.stdout).contains('é'), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What a shell's `<(...)` gives is a pipe with a name.
#[cfg(unix)]
#[test]
fn pipes_are_files() {
    let script = r#""$0" curve --experiment <(printf '%s' "$1") --json"#;
    let experiment = format!(r#"{{"world": {EVEN}, "data": {{"length": 4}}}}"#);
    let output =
        Command::new("bash").args(["-c", script, env!("CARGO_BIN_EXE_icl"), &experiment]).output().expect("a shell");
    let expected = json(&["curve", "--world", EVEN, "--length", "4", "--json"]);
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).ok(), Some(expected));
    // A sweep keeps its results beside its experiment, and a pipe has no beside.
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("piped");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    let small = r#"{"world":"coin","data":{"length":4},"net":{"blocks":1,"width":4,"heads":1,"kv_heads":1},"training":{"steps":2,"batch":2},"evaluation":{"sequences":4,"every":2,"most":0}}"#;
    for script in [
        r#""$0" sweep --grid seed=1 --csv --experiment <(printf '%s' "$1")"#,
        r#"printf '%s' "$1" | "$0" sweep --grid seed=1 --csv --experiment -"#,
    ] {
        let output = Command::new("bash")
            .args(["-c", script, env!("CARGO_BIN_EXE_icl"), small])
            .current_dir(&folder)
            .output()
            .expect("a shell");
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(folder.join("experiment.sweep.jsonl").is_file());
}

#[test]
fn what_is_guessed_or_mended_is_said() {
    let koi8 = bytes("koi8.txt", &b"\xf0\xd2\xc9\xcd\xc5\xd2 \xd4\xc5\xcb\xd3\xd4\xc1\n".repeat(30));
    refused(&["curve", "--world", &format!("text:{koi8}"), "--length", "3"], &["koi8.txt", "KOI8-R", "UTF-8", "iconv"]);
    let western = bytes("western.txt", &b"d\xe9j\xe0 vu, na\xefve ".repeat(30));
    let output = icl(&["curve", "--world", &format!("text:{western}"), "--length", "3", "--json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("western.txt") && said.contains("Windows-1252"), "{said}");
    let rounded = r#"{"tokens":["a","b","c"],"transitions":{"a":[[0.333]],"b":[[0.333]],"c":[[0.333]]}}"#;
    let output = icl(&["curve", "--world", rounded, "--length", "3", "--json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("row 0, sums to 0.999"), "{said}");
    let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!((numbers(&value["h"])[0] - 3_f64.ln()).abs() < 1e-12, "normalised exactly");
    let folder = env!("CARGO_TARGET_TMPDIR");
    refused(&["curve", "--experiment", folder], &[folder, "cannot be read"]);
    for path in ["/no/such/file.json", folder] {
        assert!(!String::from_utf8_lossy(&icl(&["curve", "--experiment", path]).stderr).contains("os error"));
    }
}

/// Nobody reads what is said: that is no reason to break off.
#[cfg(target_os = "linux")]
#[test]
fn full_and_closed_outputs_are_no_panic() {
    let small = file(
        "mute.json",
        r#"{"world":"coin","data":{"length":4},"net":{"blocks":1,"width":4,"heads":1,"kv_heads":1},"training":{"steps":2,"batch":2},"evaluation":{"sequences":4,"every":2,"most":0}}"#,
    );
    let small = small.display().to_string();
    let out = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("mute").display().to_string();
    let western = bytes("mute.txt", &b"d\xe9j\xe0 vu, na\xefve ".repeat(30));
    let text = format!("text:{western}");
    for (arguments, code) in [
        (vec!["curve", "--world", "nonsense"], 2),
        (vec!["nonsense"], 2),
        (vec!["curve", "--world", &text, "--length", "3"], 0),
        (vec!["train", "--experiment", &small], 0),
        (vec!["sweep", "--experiment", &small, "--grid", "seed=1,2", "--out", &out], 0),
    ] {
        for redirection in ["2>/dev/full", "2>&-", "2>/dev/full 1>&-"] {
            let script = format!("\"$0\" \"$@\" {redirection}");
            let mut all = vec!["-c", &script, env!("CARGO_BIN_EXE_icl")];
            all.extend(&arguments);
            let output = Command::new("bash").args(all).output().expect("a shell");
            assert_eq!(output.status.code(), Some(code), "{arguments:?} {redirection}");
        }
        let script = "\"$0\" \"$@\" >/dev/full 2>/dev/full";
        let mut all = vec!["-c", script, env!("CARGO_BIN_EXE_icl")];
        all.extend(&arguments);
        let output = Command::new("bash").args(all).output().expect("a shell");
        assert_eq!(output.status.code(), Some(if code == 0 { 1 } else { code }), "{arguments:?}");
    }
}

/// A model that diverged: the sentence, exit code 1, and what was measured before; every number that is printed is one.
#[test]
fn a_run_that_diverges_says_so_and_keeps_what_was_measured() {
    let mut experiment = json(&["preset", "lds"]);
    experiment["training"]["learning_rate"] = 1.into();
    experiment["training"]["clip"] = 0.into();
    experiment["training"]["steps"] = 300.into();
    let path = file("diverges.json", &experiment.to_string()).display().to_string();
    let output = icl(&["train", "--experiment", &path]);
    let (text, why) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{text} {why}");
    assert!(
        why.contains("The loss was no longer a number at step ") && why.contains("Lower the learning rate"),
        "{why}"
    );
    assert!(
        text.contains("position     model") && text.contains("The last training loss that is a number is "),
        "{text}"
    );
    assert!(!text.contains("inf") && !text.contains("NaN"), "{text}");
    let output = icl(&["train", "--experiment", &path, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(report["failed"].as_str().is_some_and(|why| why.contains("no longer a number")), "{}", report["failed"]);
    assert!(numbers(&report["model"]).len() > 1 && report["outcome"].is_null());
    assert!(report["training_loss"].as_array().expect("losses").iter().all(|pair| pair[1].is_number()));
    // A sweep tells it of the grid point, and of no other: with a weight decay of 10, a rate of 1 makes parameters nine times as large at every step.
    experiment["training"]["weight_decay"] = 10.into();
    let path = file("diverges-at-one.json", &experiment.to_string()).display().to_string();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("diverging-sweep").display().to_string();
    let _ = fs::remove_dir_all(&folder);
    let grid = "training.learning_rate=0.001,1";
    let call = ["sweep", "--experiment", &path, "--grid", grid, "--out", &folder, "--jobs", "1", "--json"];
    let output = icl(&call);
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && why.contains("no longer a number"), "{why}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["cells"], serde_json::json!({"all": 2, "finished": 1}));
}

#[test]
fn training_says_what_its_measuring_reached() {
    let experiment = serde_json::json!({
        "world": "coins:n=2", "data": {"topics": 4, "sequences": 4, "length": 8, "fresh": false},
        "net": {"blocks": 1, "width": 8, "heads": 2, "kv_heads": 2},
        "training": {"steps": 60, "batch": 8}, "evaluation": {"sequences": 16, "every": 30, "share": 0.25, "precision": 0.0001},
    });
    let path = file("reached.json", &experiment.to_string()).display().to_string();
    let output = icl(&["train", "--experiment", &path]);
    let text = String::from_utf8_lossy(&output.stdout);
    // 60 steps of 8, a quarter.
    for words in [
        "Measured on 120 sequences of each kind (of the training set all 16)",
        "% of the training time",
        "±0.01% was asked for",
        "topic gap above Bayes",
        "of the 4 topics drawn",
    ] {
        assert!(text.contains(words), "{words:?} in {text}");
    }
    let report = json(&["train", "--experiment", &path, "--json"]);
    assert_eq!((&report["sequences"], &report["outcome"]["sequences"]), (&Value::from(120), &Value::from(120)));
    assert!(report["outcome"]["measuring_seconds"].as_f64().is_some_and(|s| s > 0.0));
    assert!(report["topic_gap_above_bayes"]["stderr"].as_f64().is_some_and(|s| s > 0.0));
    assert_eq!(report["topic_gap_above_bayes"], report["outcome"]["topic_gap_above_bayes"]);
    let swept = json(&["sweep", "--experiment", &path, "--grid", "data.topics=2,4", "--json"]);
    assert!(swept["rows"][0]["metrics"]["topic_gap_above_bayes"]["stderr"].is_number());
}

/// Before training, which would take far longer than any test may.
#[test]
fn a_folder_that_cannot_be_written_to_is_refused_before_training() {
    let experiment = serde_json::json!({ "world": "coins:n=2", "training": {"steps": 1_000_000} });
    let path = file("long.json", &experiment.to_string()).display().to_string();
    let blocked = file("no-folder", "a file").display().to_string();
    for out in [blocked.clone(), format!("{blocked}/below")] {
        refused(
            &["inside", "--experiment", &path, "--out", &out],
            &["Nothing can be written into the folder", &out, "--out"],
        );
    }
}

#[test]
fn damaged_lines_of_a_sweep_are_named() {
    let experiment = serde_json::json!({
        "world": "coins:n=2", "data": {"length": 8}, "net": {"blocks": 1, "width": 8, "heads": 2, "kv_heads": 2},
        "training": {"steps": 4, "batch": 8}, "evaluation": {"sequences": 16, "every": 30, "most": 0},
    });
    let path = file("damaged.json", &experiment.to_string()).display().to_string();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("damaged-sweep");
    let _ = fs::remove_dir_all(&folder);
    let out = folder.display().to_string();
    let call = ["sweep", "--experiment", &path, "--grid", "seed=1..4", "--out", &out, "--jobs", "1", "--json"];
    let whole = json(&call);
    let sweep_record = folder.join("damaged.sweep.jsonl");
    let text = fs::read_to_string(&sweep_record).expect("a file");
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    assert_eq!(lines.len(), 5);
    for (damage, words) in [
        (vec![(1, "{\"cell\":\"se"), (3, "7")], "2 lines are damaged and left out (lines 2, 4)"),
        (vec![(2, "{\"cell\":5,\"outcome\":{}}")], "line 3 is damaged and left out"),
    ] {
        let mut damaged = lines.clone();
        damage.iter().for_each(|(at, text)| damaged[*at] = (*text).into());
        fs::write(&sweep_record, damaged.join("\n") + "\n").expect("a file");
        let output = icl(&call);
        let why = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && why.contains(words), "{words:?} in {why}");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(report["cells"], whole["cells"]);
        assert_eq!(report["rows"][0]["metrics"]["two_level"], whole["rows"][0]["metrics"]["two_level"]);
    }
    // What is whole is not spoken of.
    lines.push(String::new());
    fs::write(&sweep_record, lines.join("\n")).expect("a file");
    assert!(!String::from_utf8_lossy(&icl(&call).stderr).contains("damaged"));
}

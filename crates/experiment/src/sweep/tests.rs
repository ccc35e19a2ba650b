use super::*;
use crate::{Data, problem::sentences};

fn base() -> Experiment {
    let data = Data { topics: 16, sequences: 16, length: 32, fresh: false };
    Experiment { data, world: "coins:n=4".parse().unwrap(), ..Experiment::default() }
}

fn sweep(grid: &str) -> Sweep {
    Sweep::parse_grid(base(), grid).unwrap_or_else(|p| panic!("{}", sentences(&p)))
}

fn says(grid: &str, words: &[&str]) {
    let text = match Sweep::parse_grid(base(), grid).and_then(|sweep| sweep.cells()) {
        Ok(cells) => panic!("{grid} gave {} cells", cells.len()),
        Err(problems) => sentences(&problems),
    };
    assert!(words.iter().all(|word| text.contains(word)), "{words:?} in {text}");
}

#[test]
fn a_grid_makes_its_cells_in_order() {
    let sweep = sweep("data.topics=4,16; seed=1..3");
    let cells = sweep.cells().unwrap();
    assert_eq!(cells.len(), 6);
    assert_eq!(cells[1].key, "data.topics=4 seed=2");
    assert_eq!(cells[3].coordinates, [Value::from(16), Value::from(1)]);
    assert_eq!((cells[5].experiment.data.topics, cells[5].experiment.seed), (16, 3));
    assert_eq!(Experiment { seed: 1, ..cells[5].experiment.clone() }, base());
}

#[test]
fn all_kinds_of_fields_can_be_axes() {
    let cells = sweep("net.width=8,16; training.learning_rate=1e-3,5e-3; world.n=2,3; net.mlp=none,gelu").cells();
    let cells = cells.unwrap();
    assert_eq!(cells.len(), 16);
    let last = &cells[15].experiment;
    assert_eq!((last.net.width, last.training.learning_rate), (16, 5e-3));
    assert_eq!(last.world.to_string(), "coins:n=3");
    assert_eq!(cells[0].key, "net.width=8 training.learning_rate=0.001 world.n=2 net.mlp=none");
    let worlds = sweep("world=coins,\"markov:k=2,alpha=2\",{\"tokens\":[\"0\"],\"transitions\":{\"0\":[[1.0]]}}");
    let worlds = worlds.cells().unwrap();
    assert_eq!(worlds[1].experiment.world.to_string(), "markov:k=2,alpha=2");
    assert_eq!(worlds[2].experiment.world.vocab(), 1);
}

#[test]
fn total_tokens_can_be_held() {
    let cells = sweep("data.topics=4,16,64; data.length=16,32; hold=data.sequences").cells().unwrap();
    let shapes: Vec<_> = cells.iter().map(|c| (c.experiment.data.topics, c.experiment.data.sequences)).collect();
    assert_eq!(shapes, [(4, 128), (4, 64), (16, 32), (16, 16), (64, 8), (64, 4)]);
    assert!(cells.iter().all(|cell| cell.experiment.data.tokens() == Some(8192.0)));
    let cells = sweep("data.topics=4,8; hold=data.length").cells().unwrap();
    assert_eq!(cells.iter().map(|c| c.experiment.data.length).collect::<Vec<_>>(), [128, 64]);
    // 256 / 3 is rounded, and within 10%.
    assert_eq!(sweep("data.topics=3; hold=data.sequences").cells().unwrap()[0].experiment.data.sequences, 85);
}

#[test]
fn a_grid_survives_its_text_and_has_an_id() {
    for grid in [
        "data.topics=4,16,64; seed=1..3; hold=data.sequences",
        "training.learning_rate=0.001,0.005; net.mlp=none,gelu",
        "world=coins,\"markov:k=2,alpha=2\"; seed=1,2,5..9",
        "data.fresh=true,false",
    ] {
        let read = sweep(grid);
        assert_eq!(read.grid(), grid);
        assert_eq!(sweep(&read.grid()), read);
    }
    assert_eq!(sweep(" training.steps = 1e3 , 2000 ;;").grid(), "training.steps=1000,2000");
    let ids = ["seed=1..3", "seed=1,2,3", "seed=1..4"].map(|grid| sweep(grid).id());
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
    let other = Sweep { base: Experiment { seed: 7, ..base() }, ..sweep("seed=1..3") };
    assert_ne!(other.id(), ids[0]);
    assert_eq!(ids[0].len(), 16);
}

/// Results are found by the id: what came later changes it only where it is used.
#[test]
fn fields_that_came_later_change_no_id() {
    let sweep = sweep("seed=1..3");
    let hash = |text: &str| {
        let step = |h: u64, byte: u8| (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        format!("{:016x}", text.bytes().fold(0xcbf2_9ce4_8422_2325, step))
    };
    let later = |line: &&str| ["\"components\": false,", "\"events\": false,"].contains(&line.trim());
    let json = sweep.base.to_json();
    assert_eq!(json.lines().filter(later).count(), 2);
    let before: Vec<&str> = json.lines().filter(|line| !later(line)).collect();
    assert_eq!(sweep.id(), hash(&format!("{}\nseed=1..3", before.join("\n"))));
    let mut asked = sweep.clone();
    asked.base.evaluation.events = true;
    assert_ne!(asked.id(), sweep.id());
}

#[test]
fn what_is_measured_on_request_needs_its_world() {
    let check_of = |world: &str, components: bool, events: bool| {
        let mut experiment = Experiment { world: world.parse().expect("a world"), ..base() };
        (experiment.evaluation.components, experiment.evaluation.events) = (components, events);
        experiment.validate().map_or_else(|problems| sentences(&problems), |()| "sound".into())
    };
    let mixture =
        |parts: usize| format!(r#"{{"mixture": [{}]}}"#, vec![r#"{"weight": 1, "world": "coin"}"#; parts].join(","));
    assert_eq!(check_of(&mixture(8), true, true), "sound");
    assert_eq!(check_of("coins", false, true), "sound");
    assert!(
        check_of("coins", true, false)
            .starts_with("evaluation.components is true; allowed: false in a world that is no mixture.")
    );
    assert!(check_of(&mixture(9), true, false).contains("allowed: false in a mixture of more than 8 components."));
    assert!(
        check_of("lds", false, true).starts_with("evaluation.events is true; allowed: false in a world of vectors.")
    );
}

#[test]
fn what_makes_no_sense_is_refused_with_a_sentence() {
    says("", &["grid is empty"]);
    says("data.topics", &["\"data.topics\"", "FIELD=VALUES"]);
    says("data.topics=", &["values, parted by commas"]);
    says("seed=5..1", &["whole numbers"]);
    says("seed=1..x", &["whole numbers"]);
    says("seed=0..99999999999999", &["at most 10000"]);
    says("seed=1..200; data.topics=1..200", &["of 40000 cells", "at most 10000"]);
    says("seed=1,1", &["1 twice"]);
    says("seed=1; seed=2", &["given twice"]);
    says("data.tpics=1", &["data.tpics is no field", "data.fresh, data.length"]);
    says("world.m=1", &["world.m", "world.n"]);
    says("world.n=x", &["world.n is x", "a number"]);
    says("world=coins; world.n=2", &["either the world or its parameters"]);
    says("world.n=0,4", &["world.n is 0", "1 to 1000", "world.n=0"]);
    says("data.topics=x", &["data.topics is \"x\"", "a whole number, 1 to 100000", "data.topics=x"]);
    says("hold=net.width; seed=1", &["hold is \"net.width\"", "data.length"]);
    says("data.topics=4; hold=data.topics", &["an axis too"]);
    says("hold=data.topics; hold=data.length; seed=1", &["given once"]);
    says("data.topics=8192; data.length=2; hold=data.sequences", &["held at 8192", "0.500"]);
    says("data.topics=10000; hold=data.sequences", &["0.026"]);
    says("data.topics=4000000000000; seed=1", &["data.topics is 4000000000000"]);
    // All problems of all cells, each once, and not without end.
    says(
        "data.topics=0,4; net.heads=3; seed=1..2",
        &["data.topics is 0", "net.width is 32", "(In the cell data.topics=0 net.heads=3 seed=1.)"],
    );
    says("data.topics=100001..100100", &["100001", "100008", "Only the first 8"]);
}

#[test]
fn sizes_mean_nothing_with_fresh_draws() {
    let mut fresh = base();
    fresh.data.fresh = true;
    for grid in ["data.topics=4,8", "data.sequences=4", "seed=1; hold=data.length"] {
        let problems = Sweep::parse_grid(fresh.clone(), grid).unwrap().cells().expect_err(grid);
        assert!(sentences(&problems).contains("data.fresh is true"), "{problems:?}");
    }
    for grid in ["data.length=4,8", "data.fresh=true,false; data.topics=4,8"] {
        assert!(Sweep::parse_grid(fresh.clone(), grid).unwrap().cells().is_ok(), "{grid}");
    }
}

use super::*;
use crate::{Architecture, Sweep, link, preset::PRESETS, problem::sentences, world::KINDS};

/// Two coins, one of them a process, and a mixture within the mixture.
const MIXTURE: &str = r#"{"mixture": [
    {"weight": 1, "world": "coin:p=0.3"},
    {"weight": 2, "world": {"tokens": ["0", "1"], "start": [0.5, 0.5], "transitions": {"0": [[0.25, 0], [0, 0.5]], "1": [[0.5, 0.25], [0.5, 0]]}}},
    {"weight": 3, "world": {"mixture": [{"weight": 1, "world": "coins:n=3"}, {"weight": 1, "world": "even"}]}}
]}"#;

fn base(world: &str) -> Experiment {
    let mut base = Experiment { world: world.parse().expect("a world"), ..Experiment::default() };
    base.data.fresh = false;
    base.net.context = 1024;
    base
}

/// Experiments that between them let every field be something else.
fn bases() -> Vec<Experiment> {
    let mut recurrent = base("coins");
    recurrent.net.architecture = Architecture::Gru;
    let mut all = vec![recurrent, base(MIXTURE)];
    all.extend(KINDS.iter().map(|kind| base(kind.name)));
    all
}

/// Values that a field might take instead.
fn candidates(field: &AxisField, now: Option<&Value>) -> Vec<Value> {
    let name = field.name.rsplit('.').next().unwrap_or_default();
    match &field.values {
        Values::Switch => vec![true.into(), false.into()],
        Values::Choice(names) => names.iter().map(|name| name.as_str().into()).collect(),
        Values::World => vec!["coin:p=0.25".into(), "coins:n=2".into()],
        Values::Json => vec![match name {
            "tokens" => serde_json::json!(["1", "0"]),
            "start" => serde_json::json!([0.25, 0.75]),
            _ => serde_json::json!({"0": [[0.5, 0.0], [0.0, 0.5]], "1": [[0.25, 0.25], [0.5, 0.0]]}),
        }],
        Values::Whole | Values::Real => {
            let now = now.and_then(Value::as_f64).unwrap_or(0.0);
            let near = [now * 2.0, now / 2.0, now + 1.0, now - 1.0, 0.0, 1.0, 2.0, 0.25, 0.1];
            let fits = |x: &f64| *x >= 0.0 && (field.values == Values::Real || x.fract() == 0.0);
            let number = |x: f64| if x.fract() == 0.0 { Value::from(x as u64) } else { x.into() };
            near.into_iter().filter(fits).map(number).collect()
        }
    }
}

/// The cell of a grid over one value of the field that is not the base's; `None` where no candidate is sound in this base.
fn other(base: &Experiment, field: &AxisField) -> Option<Experiment> {
    let now = value(base, &field.name);
    for candidate in candidates(field, now.as_ref()) {
        let text = format!("{}={}", field.name, json::text(&candidate));
        let sweep = Sweep::parse_grid(base.clone(), &text).unwrap_or_else(|p| panic!("{text}: {}", sentences(&p)));
        let Ok(cells) = sweep.cells() else { continue };
        let [cell] = &cells[..] else { panic!("{text} gave {} cells", cells.len()) };
        if cell.experiment == *base {
            continue;
        }
        let again = Sweep::parse_grid(base.clone(), &sweep.grid()).expect("its own text");
        assert_eq!(again, sweep, "{text}");
        return Some(cell.experiment.clone());
    }
    None
}

#[test]
fn every_field_is_an_axis_that_changes_this_field_alone_and_survives_links_and_files() {
    let bases = bases();
    let mut missing: Vec<String> = Vec::new();
    let mut found: Vec<String> = Vec::new();
    for base in &bases {
        for field in fields(base) {
            let name = &field.name;
            let Some(changed) = other(base, &field) else {
                assert!(!name.starts_with("world."), "{name} of {} takes no other value", base.world);
                missing.push(name.clone());
                continue;
            };
            found.push(name.clone());
            let differs: Vec<String> = link::differences(base, &changed).into_iter().map(|(field, _)| field).collect();
            match name.strip_prefix("world.") {
                None => assert_eq!(differs, [name.as_str()]),
                Some(path) => {
                    assert_eq!(differs, ["world"], "{name}");
                    // Set back, it is what it was: nothing else had changed.
                    let mut world = changed.world.clone();
                    set(&mut world, path, &value(base, name).expect("it has a value")).expect("its own value");
                    assert_eq!(world, base.world, "{name}");
                }
            }
            let preset = &PRESETS[0];
            let linked = link::from_fragment(&link::to_fragment(preset, &changed)).expect("a sound link");
            assert_eq!(linked.experiment, changed, "{name} in a link");
            assert_eq!(Experiment::from_json(&changed.to_json()), Ok(changed), "{name} in a file");
        }
    }
    let never: Vec<&String> = missing.iter().filter(|name| !found.contains(name)).collect();
    assert!(never.is_empty(), "no base lets these be something else: {never:?}");
}

/// Nothing that an experiment is made of was forgotten: its file is walked, whatever it is today.
#[test]
fn every_entry_of_an_experiments_file_is_a_field() {
    let base = base("coins");
    let names: Vec<String> = fields(&base).into_iter().map(|field| field.name).collect();
    let file = serde_json::to_value(&base).expect("JSON");
    for (part, value) in file.as_object().expect("an object") {
        let inner: Vec<String> = match value.as_object() {
            Some(fields) => fields.keys().map(|name| format!("{part}.{name}")).collect(),
            None => vec![part.clone()],
        };
        for name in inner {
            assert_eq!(names.contains(&name), name != "version", "{name}");
        }
    }
}

/// `docs/sweeps.md` names every field, and every parameter beside its world.
#[test]
fn the_docs_list_every_field() {
    let text = include_str!("../../../../docs/sweeps.md");
    for field in fields(&base("coins")) {
        assert!(text.contains(&format!("`{}`", field.name)), "docs/sweeps.md lacks `{}`", field.name);
        if let Values::Choice(names) = &field.values {
            assert!(text.contains(&format!("`{}` ({})", field.name, names.join(", "))), "{}", field.name);
        }
    }
    for kind in KINDS {
        let parameters: Vec<String> = kind.parameters.iter().map(|p| format!("`world.{}`", p.name)).collect();
        let line = format!("| `{}` | {} |", kind.name, parameters.join(", "));
        assert!(text.contains(&line), "docs/sweeps.md, table of worlds, lacks the line {line}");
    }
}

#[test]
fn a_mixture_is_varied_by_weights_parts_and_their_parameters() {
    let names: Vec<String> = fields(&base(MIXTURE)).into_iter().map(|field| field.name).collect();
    for name in [
        "world",
        "world.mixture.0.weight",
        "world.mixture.0.world",
        "world.mixture.0.world.p",
        "world.mixture.1.world.start",
        "world.mixture.2.world.mixture.0.weight",
        "world.mixture.2.world.mixture.0.world.n",
    ] {
        assert!(names.contains(&name.into()), "{name} in {names:?}");
    }
    let sweep = Sweep::parse_grid(
        base(MIXTURE),
        "world.mixture[0].weight=0, 1, 4; world.mixture.2.world.mixture.0.world.n=2,5",
    );
    let cells = sweep.expect("a grid").cells().expect("sound cells");
    assert_eq!(
        (cells.len(), cells[5].key.as_str()),
        (6, "world.mixture.0.weight=4 world.mixture.2.world.mixture.0.world.n=5")
    );
    let WorldSpec::Mixture(mixture) = &cells[5].experiment.world else { panic!("a mixture") };
    assert_eq!((mixture.mixture[0].weight, mixture.mixture[1].weight), (4.0, 2.0));
    assert!(mixture.mixture[2].world.to_string().contains("coins:n=5"), "{}", mixture.mixture[2].world);
}

#[test]
fn what_cannot_be_an_axis_names_what_can() {
    let says = |world: &str, grid: &str, words: &[&str]| {
        let message = match Sweep::parse_grid(base(world), grid).and_then(|sweep| sweep.cells()) {
            Ok(cells) => panic!("{grid} gave {} cells", cells.len()),
            Err(problems) => sentences(&problems),
        };
        assert!(words.iter().all(|word| message.contains(word)), "{words:?} in {message}");
    };
    says(
        "coins",
        "version=1,2",
        &["version is no field that a grid can vary here", "seed, world, or a field in bound.…"],
    );
    says("coins", "net.widht=8", &["net.widht is no field", "net.architecture", "net.width"]);
    says("coins", "world.m=8", &["allowed: world.n."]);
    says("coins", "world.mixture.0.weight=1", &["allowed: world.n."]);
    says(MIXTURE, "world.mixture.3.weight=1", &["world.mixture.0.weight", "world.mixture.2.world"]);
    says(MIXTURE, "world.mixture.0.world.n=1", &["allowed: world.mixture.0.world.p."]);
    says(MIXTURE, "world.mixture.0.weight=x", &["world.mixture.0.weight is x; allowed: a number"]);
    says(MIXTURE, "world.mixture.0.weight=-1", &["world.mixture[0].weight is -1; allowed: 0 or more"]);
    says(MIXTURE, "world.mixture.0.world=nowhere", &["world.mixture[0].world is \"nowhere\"", "coins"]);
    says(MIXTURE, "world.mixture.0.world=lds", &["a world of tokens"]);
    says(MIXTURE, "world.mixture.1.world.start=[0.5,0.6]", &["world.mixture[1].world.start", "a sum of 1"]);
    says(MIXTURE, "world.mixture.0.world=coin; world.mixture.0.world.p=0.1", &["either the world or its parameters"]);
    says(MIXTURE, "world=coin; world.mixture.0.weight=1", &["either the world or its parameters"]);
}

#[test]
fn what_a_field_takes_is_said_with_its_range() {
    let said = |world: &str, name: &str| {
        let base = base(world);
        allowed(&base, &find(&base, name).expect(name))
    };
    assert_eq!(said("coins", "net.architecture"), "some of transformer, gru, lstm");
    assert_eq!(said("coins", "net.blocks"), "whole numbers, 1 to 4");
    assert_eq!(said("coins", "data.fresh"), "true, false");
    assert_eq!(said("coins", "world.n"), "whole numbers, 1 to 1000");
    assert_eq!(said("coins", "training.beta1"), "numbers, 0 to 0.9999");
    assert_eq!(said(MIXTURE, "world.mixture.0.world.p"), "numbers, 0 to 1");
    assert_eq!(said("coins", "seed"), "whole numbers");
}

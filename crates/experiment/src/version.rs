//! What files and links of an earlier version meant: a field that they do not name has the value that it had then.
//!
//! A default that changes keeps its earlier value in `DEFAULTS_1`, and a preset that changes in its own list
//! ([`Preset::version_1`]). Recorded presets of version 1 (`presets-1.json`) are what a test holds both to.

use serde_json::{Value, json as value};

use super::{Experiment, Preset, VERSION, json};

/// A dotted field, as in links, and its value as JSON.
pub type Field = (&'static str, &'static str);

/// The first version, which is still read.
pub const OLDEST: u32 = 1;

/// Fields whose default was another in version 1, with that value.
///
/// A preset that named such a field itself, and now has what it had then, names it in [`Preset::version_1`] too.
const DEFAULTS_1: &[Field] = &[("bound.rise", "0.05"), ("evaluation.share", "0")];

/// Makes a file's JSON of an earlier version one of today's: fields that it leaves out get the value that they had then.
pub(super) fn modernize(file: &mut Value) {
    if file.get("version").and_then(Value::as_f64) == Some(1.0) {
        fill(file, DEFAULTS_1);
        file["version"] = VERSION.into();
    }
}

impl Preset {
    /// The preset as links of `version` mean it.
    pub fn experiment_in(&self, version: u32) -> Experiment {
        if version >= VERSION { self.experiment() } else { with(&self.experiment(), &[DEFAULTS_1, self.version_1()]) }
    }
}

/// Sets the fields that `file` leaves out.
fn fill(file: &mut Value, fields: &[Field]) {
    let Some(file) = file.as_object_mut() else { return };
    for (field, text) in fields {
        let Ok(given) = json::read(text) else { continue };
        match field.split_once('.') {
            Some((part, name)) => {
                let part = file.entry(part).or_insert_with(|| value!({}));
                if let Some(part) = part.as_object_mut() {
                    part.entry(name).or_insert(given);
                }
            }
            None => {
                file.entry(*field).or_insert(given);
            }
        }
    }
}

/// `base` with fields of the tables set, later tables over earlier ones. What is no field, or no value of it, changes nothing: a test
/// holds the tables to what they should give.
fn with(base: &Experiment, tables: &[&[Field]]) -> Experiment {
    let mut experiment = serde_json::to_value(base).unwrap_or_default();
    for (field, text) in tables.concat() {
        let slot = experiment.pointer_mut(&format!("/{}", field.replace('.', "/")));
        if let (Some(slot), Ok(given)) = (slot, json::read(text)) {
            *slot = given;
        }
    }
    serde_json::from_value(experiment).unwrap_or_else(|_| base.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{link, preset::PRESETS};

    /// Every preset as version 1 had it, by its name; fields that came later have the default that changes nothing.
    fn recorded(name: &str) -> Experiment {
        let all: Value = serde_json::from_str(include_str!("presets-1.json")).expect("JSON");
        Experiment::from_value(all[name].clone()).expect("sound")
    }

    #[test]
    fn every_preset_is_in_version_1_what_it_was() {
        let all: Value = serde_json::from_str(include_str!("presets-1.json")).expect("JSON");
        assert!(all.as_object().expect("by name").keys().all(|name| Preset::named(name).is_some()), "none was dropped");
        for preset in PRESETS.iter().filter(|preset| all.get(preset.name).is_some()) {
            assert_eq!(preset.experiment_in(1), recorded(preset.name), "{}", preset.name);
            assert_eq!(preset.experiment_in(VERSION), preset.experiment(), "{}", preset.name);
        }
    }

    #[test]
    fn the_tables_name_fields_that_differ_today() {
        for preset in PRESETS {
            let today = preset.experiment();
            for field in preset.version_1() {
                assert_ne!(with(&today, &[&[*field]]), today, "{}: {field:?}", preset.name);
            }
        }
        for field in DEFAULTS_1 {
            assert_ne!(with(&Experiment::default(), &[&[*field]]), Experiment::default(), "{field:?}");
        }
    }

    #[test]
    fn a_link_starts_from_the_preset_of_its_version() {
        let read = |text: &str| link::from_fragment(text).expect(text).experiment;
        let preset = Preset::named("dursley-wonka-small").expect("a preset");
        let old = recorded("dursley-wonka-small");
        assert_ne!(old, preset.experiment());
        assert_eq!(read("v=1&preset=dursley-wonka-small&seed=3"), Experiment { seed: 3, ..old.clone() });
        // Wherever the version stands.
        assert_eq!(read("preset=dursley-wonka-small&v=1"), old);
        assert_eq!(read("v=2&preset=dursley-wonka-small"), preset.experiment());
        assert_eq!(read("preset=dursley-wonka-small"), preset.experiment());
        // Written today, an old experiment says what is not as today, and reads back.
        let text = link::to_fragment(preset, &old);
        assert!(text.starts_with("v=2&preset=dursley-wonka-small&") && text.contains("net.init=scaled"), "{text}");
        assert_eq!(read(&text), old);
    }

    #[test]
    fn what_a_file_of_version_1_does_not_say_is_what_it_was() {
        let then = r#"{"version": 1, "net": {"width": 16}}"#;
        let read = Experiment::from_json(then).expect("sound");
        assert_eq!((read.version, read.net.width), (VERSION, 16));
        assert_eq!((read.net.init, read.net.norm_epsilon), (crate::Init::Scaled, 1e-5));
        assert_eq!((read.training.beta1, read.training.beta2, read.training.epsilon), (0.9, 0.99, 1e-8));
        // As it would be for a default that changed.
        let mut file = value!({"version": 1, "net": {"width": 16}, "bound": {"rise": 0.2}});
        let changed: &[Field] =
            &[("bound.rise", "0.05"), ("net.width", "8"), ("data.length", "7"), ("seed", "5"), ("bound.delta", "0.5")];
        fill(&mut file, changed);
        let expected = value!({
            "version": 1, "net": {"width": 16}, "bound": {"rise": 0.2, "delta": 0.5}, "data": {"length": 7}, "seed": 5
        });
        assert_eq!(file, expected);
        // And for presets, where a later table has the last word.
        let base = Experiment::default();
        let set = with(&base, &[changed, &[("seed", "9")]]);
        assert_eq!((set.bound.rise, set.net.width, set.data.length, set.seed), (0.05, 8, 7, 9));
    }
}

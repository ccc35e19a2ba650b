//! What the form of a new sweep says: as a grid's text, as cells, and as HTML.

use serde_json::Value;

use super::html::{option, plural};
use crate::{
    experiment::{
        Estimate, Experiment, Problem,
        sweep::{Cell, Sweep},
    },
    number::duration,
    picture::svg::escape,
    protocol::DeviceChoice,
};

/// Fields that can be swept, beside the parameters of the base's world.
const FIELDS: [(&str, &str); 14] = [
    ("data.topics", "K, topics"),
    ("data.sequences", "N, sequences per topic"),
    ("data.length", "T, tokens per sequence"),
    ("seed", "Seed"),
    ("training.learning_rate", "Learning rate"),
    ("training.steps", "Steps"),
    ("training.batch", "Batch"),
    ("net.width", "Width"),
    ("net.blocks", "Blocks"),
    ("net.heads", "Heads"),
    ("prior.steps", "Steps of each prior stage"),
    ("bound.topics", "K′, topics of the prior"),
    ("bound.sequences", "N′, sequences of the prior"),
    ("evaluation.prompt_length", "Prompt length"),
];
/// Rows of the form: a field and its values each.
const ROWS: usize = 4;
const HOLDS: [(&str, &str); 4] = [
    ("", "as the values say"),
    ("data.sequences", "held by changing N"),
    ("data.topics", "held by changing K"),
    ("data.length", "held by changing T"),
];
/// Beyond this, times are not to be believed.
const MAX_WORKERS: usize = 8;

/// What a person has entered.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// A field, empty for none, and the text of its values.
    pub rows: [(String, String); ROWS],
    /// The field that keeps K·N·T what it is; empty for none.
    pub hold: String,
    pub device: DeviceChoice,
}

impl Default for Form {
    fn default() -> Self {
        let row = |field: &str, values: &str| (String::from(field), String::from(values));
        Self {
            rows: [row("data.topics", "4, 16, 64"), row("seed", "1..3"), row("", ""), row("", "")],
            hold: String::new(),
            device: DeviceChoice::Cpu,
        }
    }
}

impl Form {
    /// Takes over the fields of a form as the page sends them: an object of texts.
    pub fn read(&mut self, fields: &Value) {
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        for (i, row) in self.rows.iter_mut().enumerate() {
            *row = (text(&format!("field{i}")), text(&format!("values{i}")));
        }
        self.hold = text("hold");
        self.device = if text("device") == "gpu" { DeviceChoice::Gpu } else { DeviceChoice::Cpu };
    }

    /// As `Sweep::parse_grid` reads it. Rows without a field are left out.
    pub fn grid(&self) -> String {
        let rows = self.rows.iter().filter(|(field, _)| !field.is_empty());
        let rows = rows.map(|(field, values)| format!("{field}={values}"));
        let hold = (!self.hold.is_empty()).then(|| format!("hold={}", self.hold));
        rows.chain(hold).collect::<Vec<_>>().join("; ")
    }

    /// The sweep and its cells, or everything that is wrong with it. Where the grid speaks of K or N, a base with fresh draws
    /// is taken with a training set instead.
    pub fn sweep(&self, base: &Experiment) -> Result<(Sweep, Vec<Cell>), Vec<Problem>> {
        if let Some((field, _)) = self.rows.iter().find(|(field, values)| !field.is_empty() && values.trim().is_empty())
        {
            let advice = "For example 4, 16, 64, or 1..3 for every whole number in between.";
            return Err(vec![Problem::new(field, "without values", "values, parted by commas", advice)]);
        }
        let mut base = base.clone();
        base.data.fresh &= !self.needs_training_set();
        let sweep = Sweep::parse_grid(base, &self.grid())?;
        let cells = sweep.cells()?;
        Ok((sweep, cells))
    }

    fn needs_training_set(&self) -> bool {
        let has = |field: &str| self.rows.iter().any(|(name, _)| name == field);
        !has("data.fresh") && (has("data.topics") || has("data.sequences") || !self.hold.is_empty())
    }

    /// How many workers at once, on a machine of so many cores.
    pub fn workers(device: DeviceChoice, cores: usize) -> usize {
        match device {
            DeviceChoice::Gpu => 1,
            // One core is the page's.
            _ => cores.saturating_sub(1).clamp(1, MAX_WORKERS),
        }
    }

    /// The form itself. It depends on what was typed only where it is drawn anew: entries belong to the person in them.
    pub fn html(&self, base: &Experiment, cores: usize) -> String {
        let world = base.world.kind().map_or(&[][..], |kind| kind.parameters);
        let world: Vec<(String, String)> =
            world.iter().map(|p| (format!("world.{}", p.name), format!("World: {}", p.name))).collect();
        let rows = self.rows.iter().enumerate().map(|(i, (field, values))| {
            let known = FIELDS.iter().map(|(name, label)| (*name, *label));
            let known = known.chain(world.iter().map(|(name, label)| (name.as_str(), label.as_str())));
            let options: String =
                [("", "–")].into_iter().chain(known).map(|(name, label)| option(name, label, name == field)).collect();
            format!(
                "<div class=\"lab-axis\"><select name=\"field{i}\" aria-label=\"Field of axis {n}\" \
                 data-testid=\"lab-field-{i}\">{options}</select><input type=\"text\" name=\"values{i}\" value=\"{values}\" \
                 autocomplete=\"off\" spellcheck=\"false\" placeholder=\"no axis\" aria-label=\"Values of axis {n}\" \
                 aria-describedby=\"lab.note\" data-testid=\"lab-values-{i}\"></div>",
                n = i + 1,
                values = escape(values)
            )
        });
        let rows: String = rows.collect();
        let holds: String = HOLDS.iter().map(|(name, label)| option(name, label, *name == self.hold)).collect();
        let at_once = Self::workers(DeviceChoice::Cpu, cores);
        let cpu = format!("CPU, {} at once", plural(at_once, "run", "runs"));
        let devices = option("cpu", &cpu, self.device != DeviceChoice::Gpu)
            + &option("gpu", "GPU, by WebGPU, one run at a time", self.device == DeviceChoice::Gpu);
        format!(
            "<form class=\"lab-form\" data-lab=\"grid\"><div class=\"lab-axes\" role=\"group\" \
             aria-label=\"What is varied\">{rows}</div><p class=\"note\">Values are parted by commas; 1..5 is every whole number \
             from 1 to 5. Every combination is one run.</p><div class=\"lab-choices\"><label><span>K·N·T</span> \
             <select name=\"hold\" data-testid=\"lab-hold\">{holds}</select></label><label><span>Device</span> \
             <select name=\"device\" data-testid=\"lab-device\">{devices}</select></label></div>\
             <div id=\"lab.note\" class=\"lab-note\" role=\"status\" data-testid=\"lab-note\"></div></form>"
        )
    }

    /// What is beneath the form and follows every key: how many cells, how long, or what is wrong; and the button.
    /// `pace` is worker milliseconds per unit of [`cost`].
    pub fn note(&self, base: &Experiment, cores: usize, pace: Option<f64>) -> String {
        let start = |enabled: bool| {
            let off = if enabled { "" } else { " disabled" };
            format!("<button type=\"submit\" class=\"primary\" data-testid=\"lab-start\"{off}>Start the sweep</button>")
        };
        match self.sweep(base) {
            Err(problems) => {
                let lines: String = problems.iter().map(|p| format!("<p>{}</p>", escape(&p.to_string()))).collect();
                format!("<div class=\"problem\" data-testid=\"lab-problems\">{lines}</div>{}", start(false))
            }
            Ok((_, cells)) => {
                let workers = Self::workers(self.device, cores).min(cells.len());
                let costs: Vec<f64> = cells.iter().map(|cell| cost(&cell.experiment)).collect();
                let longest = costs.iter().copied().fold(0.0, f64::max);
                let time = pace.map_or_else(
                    || "how long that takes is known once a first run has finished".to_owned(),
                    |pace| {
                        let ms = (costs.iter().sum::<f64>() / workers as f64).max(longest) * pace;
                        format!("about {}, going by the runs before", duration(ms / 1000.0))
                    },
                );
                let set = if base.data.fresh && self.needs_training_set() {
                    " The experiment draws fresh data at every step; its sweep over K and N has training sets instead."
                } else {
                    ""
                };
                format!(
                    "<p data-testid=\"lab-count\">{}: {time}.{set}</p>{}",
                    plural(cells.len(), "run", "runs"),
                    start(true)
                )
            }
        }
    }
}

/// What a run costs, in floating point operations: training steps and evaluations, which are forward passes alone.
pub fn cost(experiment: &Experiment) -> f64 {
    let estimate = Estimate::of(experiment);
    let evaluations = 1.0 + (experiment.steps() as f64 / experiment.evaluation.every as f64).ceil();
    let rows = 3.0 * experiment.evaluation.sequences as f64 / experiment.training.batch as f64;
    estimate.step_flops * (experiment.steps() as f64 + evaluations * rows / 3.0)
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn form(fields: &Value) -> Form {
        let mut form = Form::default();
        form.read(fields);
        form
    }

    #[test]
    fn a_form_is_a_grid() {
        let mut read = form(&json!({
            "field0": "data.topics", "values0": "4, 16", "field1": "", "values1": "7", "field2": "seed", "values2": "1..2",
            "hold": "data.sequences", "device": "gpu"
        }));
        assert_eq!(read.grid(), "data.topics=4, 16; seed=1..2; hold=data.sequences");
        assert_eq!(read.device, DeviceChoice::Gpu);
        read.hold.clear();
        let base = Experiment::default();
        assert!(base.data.fresh);
        let (sweep, cells) = read.sweep(&base).expect("a sound grid");
        assert_eq!((cells.len(), sweep.base.data.fresh), (4, false));
        assert!(read.note(&base, 4, None).contains("4 runs"));
        assert!(read.note(&base, 4, None).contains("training sets instead"));
        // With a pace, a time.
        assert!(read.note(&base, 4, Some(1e-6)).contains("about"));
    }

    #[test]
    fn nonsense_gets_sentences_and_no_start() {
        for (field, values, words) in [
            ("data.topics", "", "without values"),
            ("data.topics", "many", "data.topics"),
            ("data.topics", "0", "data.topics is 0"),
            ("seed", "5..1", "whole numbers"),
            ("<b>", "1", "&lt;b&gt;"),
            ("seed", "<script>", "&lt;script&gt;"),
        ] {
            let note = form(&json!({ "field0": field, "values0": values })).note(&Experiment::default(), 2, None);
            assert!(note.contains(words) && note.contains("disabled"), "{field}={values}: {note}");
            assert!(!note.contains("<script") && !note.contains("<b>"), "{note}");
        }
        let nothing = form(&json!({})).note(&Experiment::default(), 2, None);
        assert!(nothing.contains("at least one axis"), "{nothing}");
    }

    #[test]
    fn what_was_typed_is_shown_escaped() {
        let html = form(&json!({ "field0": "seed", "values0": "\"><img>" })).html(&Experiment::default(), 2);
        assert!(html.contains("value=\"&quot;&gt;&lt;img&gt;\"") && html.contains("CPU, 1 run at once"), "{html}");
        assert!(html.contains("World: "), "a world's parameters can be swept");
    }

    #[test]
    fn one_core_is_left_to_the_page() {
        let workers = [1, 2, 4, 64].map(|cores| Form::workers(DeviceChoice::Cpu, cores));
        assert_eq!(workers, [1, 1, 3, 8]);
        assert_eq!(Form::workers(DeviceChoice::Gpu, 64), 1);
    }
}

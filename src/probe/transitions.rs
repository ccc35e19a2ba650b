//! Phase transitions: where the training curve stands still, on which level, and when what is learned.

use std::{collections::BTreeMap, fmt::Write};

use charts::{
    axis::XAxis,
    line_chart::{Line, LineChart, Look, Point},
    report::{Block, Drawn, Table},
    scene::Dash,
    style::{Ink, Style, predictor},
};
use serde::{Deserialize, Serialize};

use super::{
    NoProbe, Probe, RunRecord, Setting,
    events::{Class, Classes, Events, HALF, LEFT, gone, learned},
    parts::{estimate, listed, sentences},
    plateaus::{self, Course, Drop, Plateau},
};
use crate::{
    number,
    protocol::{EventCourse, Measured, Record},
    theory::{bigram::Bigram, levels::mean},
};

/// A plateau sits on a level that is this share of it away at most, its own two standard errors aside.
const TOLERANCE: f64 = 0.02;
/// Levels this close together are the same.
const SAME: f64 = 1e-3;
/// Of losses in read-outs.
const UNIT: &str = "nats per token";

/// The tab's own numbers: everything else is in the run's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transitions {
    levels: Vec<Level>,
    /// `None` where no class has enough positions.
    events: Option<Classes>,
    /// Excess of each class over exact Bayes, nats per token, by recorded step.
    measured: BTreeMap<usize, Vec<Measured>>,
}

/// What a model loses on each class of events at one step, beyond exact Bayes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventLosses {
    pub step: usize,
    /// In the order of the classes, nats per token.
    pub excess: Vec<Measured>,
}

/// The mean loss of a predictor, with which a plateau may be explained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Level {
    name: String,
    /// What a model does that sits there.
    about: String,
    value: f64,
}

impl Transitions {
    /// What measures, and what is known before the first measurement. The error is a sentence on why there are no levels to sit on.
    pub fn open(setting: &Setting) -> Result<(Box<dyn Probe>, Self), String> {
        let (world, theory) = (setting.world, setting.theory);
        if world.observation().is_vectors() {
            return Err("Plateaus are named after predictors of tokens, and this world has vectors instead.".into());
        }
        let length = setting.experiment.data.length;
        let level = |name: &str, about: &str, value: f64| Level { name: name.into(), about: about.into(), value };
        let mut levels = vec![
            level("uniform", "knows nothing", (world.vocab() as f64).ln()),
            level("unigram", "knows how often each token comes", mean(&theory.unigram.values)),
        ];
        if let Some(bigram) = Bigram::new(world, setting.topics, length) {
            let about = "knows which token follows which over all topics, and learns nothing in context";
            levels.push(level("bigram", about, mean(bigram.losses())));
        }
        for (name, about) in [
            ("uni-inf", "counts tokens in its context"),
            ("bi-inf", "counts in its context what followed the last token"),
        ] {
            let of_name = theory.baselines.iter().find(|b| b.name == name);
            levels.extend(of_name.map(|b| level(name, about, mean(&b.curve.values))));
        }
        let about =
            if theory.adaptive { "does what the best predictor at hand does" } else { "does as well as can be" };
        levels.push(level("Bayes", about, theory.training_level));
        let events = Some(Events::new(setting)).filter(|events| !events.of.classes.is_empty());
        let view = Self { levels, events: events.as_ref().map(|events| events.of.clone()), measured: BTreeMap::new() };
        let probe: Box<dyn Probe> = match events {
            Some(events) => Box::new(events),
            None => Box::new(NoProbe),
        };
        Ok((probe, view))
    }

    /// What was measured of each event, at the recorded steps in order, as a record has it.
    pub fn record(&self) -> Record {
        let course = |(i, class): (usize, &Class)| {
            let at = |of: fn(&Measured) -> f64| self.measured.values().filter_map(|all| all.get(i)).map(of).collect();
            EventCourse {
                name: class.name.clone(),
                bayes: class.bayes,
                excess: at(|m| m.value),
                stderr: at(|m| m.stderr),
            }
        };
        let classes = self.events.as_ref().map_or(&[][..], |events| events.classes.as_slice());
        Record {
            step: self.measured.keys().copied().collect(),
            events: classes.iter().enumerate().map(course).collect(),
            ..Record::default()
        }
    }

    pub fn add(&mut self, losses: EventLosses) {
        self.measured.insert(losses.step, losses.excess);
    }

    /// The levels that a plateau may sit on, the nearest first and those that are the same with it; empty where none is near.
    fn named(&self, loss: f64, stderr: f64) -> Vec<&Level> {
        let off = |level: &Level| (level.value - loss).abs();
        let near = self.levels.iter().min_by(|a, b| off(a).total_cmp(&off(b)));
        let Some(near) = near.filter(|level| off(level) <= TOLERANCE * level.value + 2.0 * stderr) else {
            return Vec::new();
        };
        let others = self.levels.iter().filter(|level| (level.value - near.value).abs() <= SAME * near.value);
        others.collect()
    }

    /// `near the unigram level (1.445 nats; it knows how often each token comes)`.
    fn place(&self, plateau: &Plateau) -> String {
        let loss = number::with_error(plateau.level, plateau.stderr);
        match &self.named(plateau.level, plateau.stderr)[..] {
            [] => format!("at {loss} nats per token, on no level that has a name here"),
            [first, others @ ..] => {
                let same = match others {
                    [] => String::new(),
                    _ => {
                        let names: Vec<String> = others.iter().map(|level| level.name.clone()).collect();
                        format!(", here the same as {}", listed(&names))
                    }
                };
                let value = number::short(first.value);
                format!("near the {} level ({value} nats: it {}{same}), at {loss}", first.name, first.about)
            }
        }
    }

    fn course_sentences(&self, course: &Course) -> Vec<String> {
        let mut out = Vec::new();
        let mut drops = course.drops.iter().peekable();
        for plateau in &course.plateaus {
            while let Some(drop) = drops.next_if(|drop| drop.half < plateau.first as f64) {
                out.push(drop_sentence(drop));
            }
            let (first, last) = (number::count(plateau.first), number::count(plateau.last));
            let place = self.place(plateau);
            out.push(if course.ends_on_plateau() && plateau.last == course.bins.last().map_or(0, |bin| bin.last) {
                format!("From step {first} on it stays {place}.")
            } else if course.rests_on(plateau) {
                format!(
                    "From step {first} to {last} it rests {place}: there it falls at {} of the run's mean pace (95%: at most {}).",
                    number::fixed(plateau.pace, 2),
                    number::fixed(plateau.pace_limit, 2)
                )
            } else {
                format!("From step {first} to {last} it is {place}.")
            });
        }
        out.extend(drops.map(drop_sentence));
        out
    }

    /// The excess of one class over recorded steps.
    fn course(&self, class: usize) -> Vec<(usize, Measured)> {
        self.measured.iter().filter_map(|(step, excess)| Some((*step, *excess.get(class)?))).collect()
    }

    /// The classes of events, and the recorded step by which each was learned for good; `None` where it is not, or not yet.
    pub fn learned_by(&self) -> Vec<(&str, Option<usize>)> {
        let classes = self.events.iter().flat_map(|events| &events.classes).enumerate();
        classes.map(|(i, class)| (class.name.as_str(), learned(&self.course(i), LEFT))).collect()
    }

    fn learned_sentence(&self) -> Vec<String> {
        let Some(events) = &self.events else { return Vec::new() };
        let mut when: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for (i, class) in events.classes.iter().enumerate() {
            if let Some(step) = learned(&self.course(i), LEFT) {
                when.entry(step).or_default().push(class.name.clone());
            }
        }
        let words: Vec<String> = when
            .into_iter()
            .map(|(step, names)| format!("{} by step {}", listed(&names), number::count(step)))
            .collect();
        match words.is_empty() {
            true => Vec::new(),
            false => vec![format!("Learned ({} of the excess gone, for good): {}.", gone(LEFT), words.join("; "))],
        }
    }

    /// The smoothed training loss, the levels, and on it the plateaus and drops.
    fn curve(&self, record: &RunRecord, course: &Course, shown: usize) -> LineChart {
        let mut lines = Vec::new();
        for level in &self.levels {
            // One line for levels that are the same.
            let same = |other: &&Level| (other.value - level.value).abs() <= SAME * level.value;
            let names: Vec<&str> = self.levels.iter().filter(same).map(|other| other.name.as_str()).collect();
            if names[0] == level.name {
                lines.push(Line::level(names.join(" = "), predictor(&level.name), level.value, ""));
            }
        }
        let plateau =
            |plateau: &Plateau| format!("plateau at {} nats", number::with_error(plateau.level, plateau.stderr));
        let bins = course.bins.iter().map(|bin| {
            let (first, last) = (number::count(bin.first), number::count(bin.last));
            let steps =
                if bin.first == bin.last { format!("step {first}") } else { format!("steps {first} to {last}") };
            let middle = (bin.first + bin.last) / 2;
            let on = course.plateaus.iter().find(|p| p.first <= bin.first && bin.last <= p.last);
            let how = on.map_or_else(|| steps.clone(), |on| format!("{steps}, on a {}", plateau(on)));
            estimate(middle as f64, Measured { value: bin.loss, stderr: bin.stderr }, UNIT).how(how)
        });
        lines.push(Line::new("training", predictor("model"), Look::Band, bins));
        for found in &course.plateaus {
            let end = |step: usize| Point::exact(step as f64, found.level).how(plateau(found));
            lines.push(Line::new(
                "",
                Style::new(Ink::Text, Dash::Solid),
                Look::Band,
                [found.first, found.last].map(end),
            ));
        }
        let mut marks = vec![(shown as f64, String::new())];
        marks.extend(course.drops.iter().map(|drop| {
            let step = drop.half.round();
            (step, format!("half at {}", number::count(step as usize)))
        }));
        LineChart {
            lines,
            marks,
            about: "Smoothed training loss against the training step, with reference levels, plateaus and drops."
                .into(),
            empty: "The curve appears after the first training steps.".into(),
            ..LineChart::new(
                "Training loss, smoothed, and the levels it may sit on",
                XAxis::steps(record.experiment.steps(), true),
                "loss, nats per token",
                UNIT,
            )
        }
    }

    /// The loss on each class over recorded steps, beside what exact Bayes loses there.
    fn events_chart(&self, record: &RunRecord, events: &Classes, shown: usize) -> LineChart {
        let mut lines = Vec::new();
        for (i, class) in events.classes.iter().enumerate() {
            let ink = Ink::Ordered { index: i, count: events.classes.len() };
            let bayes = format!("exact Bayes: {} nats", number::short(class.bayes));
            let points = self.course(i).into_iter().map(|(step, Measured { value, stderr })| {
                let loss = Measured { value: class.bayes + value, stderr };
                estimate(step as f64, loss, UNIT).how(bayes.clone())
            });
            lines.push(Line::new(&class.name, Style::new(ink, Dash::Solid), Look::Band, points));
            let how = format!("exact Bayes, {}", class.name);
            lines.push(Line::level("", Style::new(ink, Dash::Dashed), class.bayes, how));
        }
        LineChart {
            lines,
            marks: vec![(shown as f64, String::new())],
            about: format!("{}.", events.about),
            empty: "The losses appear after the first recorded step.".into(),
            ..LineChart::new(
                "Loss on chosen events",
                XAxis::steps(record.experiment.steps(), true),
                "loss, nats per token (dashed: Bayes)",
                UNIT,
            )
        }
    }

    /// What each class costs, and when it was learned.
    fn table(&self, events: &Classes, shown: usize) -> Table {
        let row = |(i, class): (usize, &Class)| {
            let course = self.course(i);
            let now = course.iter().rev().find(|(step, _)| *step <= shown).map(|(_, excess)| *excess);
            let at = |share| learned(&course, share).map_or("not yet".into(), number::count);
            let now_loss = now.map_or("–".into(), |e| number::with_error(class.bayes + e.value, e.stderr));
            let excess = now.map_or("–".into(), |e| number::with_error(e.value, e.stderr));
            vec![class.name.clone(), number::short(class.bayes), now_loss, excess, at(HALF), at(LEFT)]
        };
        let at = [HALF, LEFT].map(|left| format!("{} gone at step", gone(left)));
        let heads = ["event", "Bayes, nats", "loss now, nats", "excess now, nats", &at[0], &at[1]];
        Table::new("transitions-events", &heads, events.classes.iter().enumerate().map(row))
    }

    /// The whole tab. `course`: what was found on the record's losses.
    pub fn blocks(&self, record: &RunRecord, course: &Course, shown: usize) -> Vec<Block> {
        let mut text = self.course_sentences(course);
        // Nothing comes before the first.
        if let Some(first) = text.first_mut()
            && let Some(rest) = first.strip_prefix("Then it drops")
        {
            *first = format!("The training loss drops{rest}");
        }
        text.extend(self.learned_sentence());
        let mut out = sentences("transitions-told", text);
        if course.drops.is_empty() {
            out.push(Block::Note(
                "No drop of the training loss stands out from its noise yet. Plateaus, the levels that they sit on, and the drops \
                 between them will be named here."
                    .into(),
            ));
        }
        let mut charts = vec![Drawn::new("transitions-curve", self.curve(record, course, shown))];
        if let Some(events) = &self.events {
            charts.push(Drawn::new("transitions-event-losses", self.events_chart(record, events, shown)));
        }
        out.push(Block::Charts(charts));
        if let Some(events) = &self.events {
            out.push(Block::Table(self.table(events, shown)));
            let count = number::count(events.sequences);
            out.push(Block::Note(format!("{}, on {count} fresh sequences.", events.about)));
        }
        out.push(Block::Note(format!(
            "{} {} A plateau is named after the nearest level within {}%. Bands: two standard errors.",
            plateaus::rule(),
            plateaus::history(),
            100.0 * TOLERANCE
        )));
        let term = |level: &Level| {
            let term = format!("{}: {} nats per token", level.name, number::precise(level.value));
            (term, format!("A model there {}.", level.about))
        };
        out.push(Block::Terms { summary: "The levels".into(), terms: self.levels.iter().map(term).collect() });
        out
    }

    /// Everything that the charts show, as CSV.
    pub fn csv(&self, record: &RunRecord) -> String {
        let mut csv =
            String::from("kind,name,first_step,last_step,value_nats,stderr,share_of_mean_pace,share_limit_95\n");
        let course = Course::of(&record.losses);
        for level in &self.levels {
            let _ = writeln!(csv, "level,{},,,{},,,", level.name, level.value);
        }
        for bin in &course.bins {
            let _ = writeln!(csv, "training loss,,{},{},{},{},,", bin.first, bin.last, bin.loss, bin.stderr);
        }
        for plateau in &course.plateaus {
            let names: Vec<&str> =
                self.named(plateau.level, plateau.stderr).iter().map(|level| level.name.as_str()).collect();
            let Plateau { first, last, level, stderr, pace, pace_limit } = plateau;
            let kind = if course.rests_on(plateau) { "rest" } else { "plateau" };
            let names = names.join(" = ");
            let _ = writeln!(csv, "{kind},{names},{first},{last},{level},{stderr},{pace},{pace_limit}");
        }
        for drop in &course.drops {
            let fall = drop.from - drop.to;
            for (name, step) in
                [("tenth", drop.tenth), ("half", drop.half), ("nine tenths", drop.most), ("steepest", drop.steepest)]
            {
                let _ = writeln!(csv, "drop,{name},{step:.1},{step:.1},{fall},,,");
            }
        }
        for (i, class) in self.events.iter().flat_map(|events| events.classes.iter().enumerate()) {
            let _ = writeln!(csv, "event loss of Bayes,{},,,{},,,", class.name, class.bayes);
            for (step, excess) in self.course(i) {
                let _ = writeln!(csv, "event excess,{},{step},{step},{},{},,", class.name, excess.value, excess.stderr);
            }
        }
        csv
    }
}

fn drop_sentence(drop: &Drop) -> String {
    let step = |s: f64| number::count(s.round().max(1.0) as usize);
    format!(
        "Then it drops from {} to {} nats: half of that is done at step {}, from a tenth to nine tenths it takes steps {} to {}, and it is steepest at step {}.",
        number::short(drop.from),
        number::short(drop.to),
        step(drop.half),
        step(drop.tenth),
        step(drop.most),
        step(drop.steepest),
    )
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests;

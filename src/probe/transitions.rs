//! Phase transitions: where the training curve stands still, on which level, and when what is learned.

use std::{collections::BTreeMap, fmt::Write};

use super::{
    Journal, Message, PIECE, Seen, Setting, Steps, Tab, Wish,
    events::{Class, Events, HALF, LEFT, gone, learned},
    html::{self, figure, line, note, paragraph, point, table},
    look::{self, listed, thinned},
    plateaus::{self, Course, Drop, Plateau},
};
use crate::{
    number,
    picture::svg::{INK, escape},
    protocol::Measured,
    sweep::chart::{self, Lines, Series},
    theory::{bigram::Bigram, levels::mean},
};

/// A plateau sits on a level that is this share of it away at most, its own two standard errors aside.
const TOLERANCE: f64 = 0.02;
/// Levels this close together are the same.
const SAME: f64 = 1e-3;
/// Steps of one line.
const MOST_POINTS: usize = 48;

pub struct Transitions {
    levels: Vec<Level>,
    events: Option<Events>,
    /// Excess of each class, by recorded step.
    taken: BTreeMap<usize, Vec<Measured>>,
}

/// The mean loss of a predictor, with which a plateau may be explained.
#[derive(Clone, Debug, PartialEq)]
struct Level {
    name: &'static str,
    /// What a learner does that sits there.
    about: &'static str,
    value: f64,
}

impl Transitions {
    /// The error is a sentence on why there are no levels to sit on.
    pub fn open(setting: &Setting) -> Result<Self, String> {
        let (world, theory) = (setting.world, setting.theory);
        if world.observation().is_vectors() {
            return Err("Plateaus are named after predictors of tokens, and this world has vectors instead.".into());
        }
        let length = setting.experiment.data.length;
        let mut levels = vec![
            Level { name: "uniform", about: "knows nothing", value: (world.vocab() as f64).ln() },
            Level { name: "unigram", about: "knows how often each token comes", value: mean(&theory.unigram.values) },
        ];
        if let Some(bigram) = Bigram::new(world, setting.topics, length) {
            let about = "knows which token follows which over all topics, and learns nothing in context";
            levels.push(Level { name: "bigram", about, value: mean(bigram.losses()) });
        }
        for (name, about) in [
            ("uni-inf", "counts tokens in its context"),
            ("bi-inf", "counts in its context what followed the last token"),
        ] {
            let of_name = theory.baselines.iter().find(|b| b.name == name);
            levels.extend(of_name.map(|b| Level { name, about, value: mean(&b.curve.values) }));
        }
        let about =
            if theory.adaptive { "does what the best predictor at hand does" } else { "does as well as can be" };
        levels.push(Level { name: "Bayes", about, value: theory.training_level });
        let events = Some(Events::new(setting)).filter(|events| !events.classes.is_empty());
        Ok(Self { levels, events, taken: BTreeMap::new() })
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
                        let names: Vec<String> = others.iter().map(|level| level.name.into()).collect();
                        format!(", here the same as {}", listed(&names))
                    }
                };
                let value = number::short(first.value);
                format!("near the {} level ({value} nats: it {}{same}), at {loss}", first.name, first.about)
            }
        }
    }

    fn course_told(&self, course: &Course) -> Vec<String> {
        let mut out = Vec::new();
        let mut drops = course.drops.iter().peekable();
        for plateau in &course.plateaus {
            while let Some(drop) = drops.next_if(|drop| drop.half < plateau.first as f64) {
                out.push(drop_told(drop));
            }
            let (first, last) = (number::count(plateau.first), number::count(plateau.last));
            let place = self.place(plateau);
            out.push(if course.settled() && plateau.last == course.bins.last().map_or(0, |bin| bin.last) {
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
        out.extend(drops.map(drop_told));
        out
    }

    /// The excess of one class over recorded steps.
    fn course(&self, class: usize) -> Vec<(usize, Measured)> {
        self.taken.iter().filter_map(|(step, excess)| Some((*step, *excess.get(class)?))).collect()
    }

    fn learned_told(&self) -> Vec<String> {
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

    fn curve(&self, course: &Course, axis: &Steps, shown: usize) -> String {
        let mut series = Vec::new();
        for level in &self.levels {
            // One line for levels that are the same.
            let names: Vec<&str> = self
                .levels
                .iter()
                .filter(|other| (other.value - level.value).abs() <= SAME * level.value)
                .map(|other| other.name)
                .collect();
            if names[0] != level.name {
                continue;
            }
            let (paint, dash) = look::of(level.name);
            let title = format!("{}: {} nats per token", names.join(" = "), number::short(level.value));
            series.push(html::level(&names.join(" = "), paint, dash, level.value, &title));
        }
        let bins = course.bins.iter().map(|bin| {
            let (first, last) = (number::count(bin.first), number::count(bin.last));
            let steps =
                if bin.first == bin.last { format!("step {first}") } else { format!("steps {first} to {last}") };
            let middle = (bin.first + bin.last) / 2;
            let title = format!("{steps}: {} nats", number::with_error(bin.loss, bin.stderr));
            point(axis.share(middle), bin.loss, 2.0 * bin.stderr, title)
        });
        let (paint, dash) = look::of("model");
        series.push(line("training", paint, dash, bins));
        for plateau in &course.plateaus {
            let title = format!("plateau at {} nats", number::with_error(plateau.level, plateau.stderr));
            let ends =
                [plateau.first, plateau.last].map(|step| point(axis.share(step), plateau.level, 0.0, title.clone()));
            // With its ends marked.
            series.push(Series { band: false, ..line("", INK, "", ends) });
        }
        let mut marks: Vec<(f64, String)> = vec![(axis.share(shown), String::new())];
        marks.extend(course.drops.iter().map(|drop| {
            let step = drop.half.round() as usize;
            (axis.share(step), format!("half at {}", number::count(step)))
        }));
        let lines = Lines {
            title: String::new(),
            x: axis.place(),
            y: "loss, nats per token".into(),
            series,
            log: false,
            like: None,
            marks,
            shrink: 1.0,
        };
        figure(&lines.draw().alone(
            "Training loss, smoothed, and the levels it may sit on",
            "Smoothed training loss against the training step, with reference levels, plateaus and drops",
        ))
    }

    fn events_drawn(&self, events: &Events, axis: &Steps, shown: usize) -> String {
        let steps: Vec<usize> = self.taken.keys().copied().collect();
        let steps = thinned(&steps, MOST_POINTS, shown);
        let mut series = Vec::new();
        for (i, class) in events.classes.iter().enumerate() {
            let paint = chart::ordered(i, events.classes.len());
            let point_at = |step: &usize| {
                let Measured { value, stderr } = *self.taken.get(step)?.get(i)?;
                let y = class.bayes + value;
                let title =
                    format!("step {}, {}: {} nats", number::count(*step), class.name, number::with_error(y, stderr));
                Some(point(axis.share(*step), y, 2.0 * stderr, title))
            };
            series.push(line(&class.name, paint, "", steps.iter().filter_map(point_at)));
            let title = format!("exact Bayes, {}: {} nats", class.name, number::short(class.bayes));
            series.push(html::level("", paint, look::DASHED, class.bayes, &title));
        }
        let lines = Lines {
            title: String::new(),
            x: axis.place(),
            y: "loss, nats per token (dashed: Bayes)".into(),
            series,
            log: false,
            like: None,
            marks: vec![(axis.share(shown), String::new())],
            shrink: 1.0,
        };
        figure(&lines.draw().alone("Loss on chosen events", events.about))
    }

    /// What each class costs, and when it was learned.
    fn table(&self, events: &Events, shown: usize) -> String {
        let row = |(i, class): (usize, &Class)| {
            let course = self.course(i);
            let now = course.iter().rev().find(|(step, _)| *step <= shown).map(|(_, excess)| *excess);
            let at = |share| learned(&course, share).map_or("not yet".into(), number::count);
            let now_loss = now.map_or("–".into(), |e| number::with_error(class.bayes + e.value, e.stderr));
            let excess = now.map_or("–".into(), |e| number::with_error(e.value, e.stderr));
            vec![class.name.clone(), number::short(class.bayes), now_loss, excess, at(HALF), at(LEFT)]
        };
        let rows: Vec<Vec<String>> = events.classes.iter().enumerate().map(row).collect();
        let at = [HALF, LEFT].map(|left| format!("{} gone at step", gone(left)));
        let heads = ["event", "Bayes, nats", "loss now, nats", "excess now, nats", &at[0], &at[1]];
        let words = format!("{}, on {} fresh sequences.", events.about, number::count(events.sequences()));
        table("transitions-events", &heads, &rows) + &note(&words)
    }
}

fn drop_told(drop: &Drop) -> String {
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

impl Tab for Transitions {
    fn wishes(&self) -> Vec<Wish> {
        self.events.iter().map(Events::wish).collect()
    }

    fn take(&mut self, _: usize, step: usize, seen: Seen) {
        let excess = self.events.as_ref().and_then(|events| events.excess(&seen.law));
        if let Some(excess) = excess {
            self.taken.insert(step, excess);
        }
    }

    fn told(&mut self, _: &Message) -> bool {
        false
    }

    fn html(&self, journal: &Journal, shown: usize) -> String {
        let axis = Steps::to(journal.experiment.steps());
        let course = Course::of(&journal.losses);
        let mut html = String::new();
        let mut sentences = self.course_told(&course);
        // Nothing comes before the first.
        if let Some(first) = sentences.first_mut()
            && let Some(rest) = first.strip_prefix("Then it drops")
        {
            *first = format!("The training loss drops{rest}");
        }
        for (i, sentence) in sentences.iter().chain(&self.learned_told()).enumerate() {
            html += &match i {
                0 => format!(r#"<p data-testid="transitions-told"><b>{}</b></p>"#, escape(sentence)),
                _ => paragraph(sentence),
            };
        }
        if course.drops.is_empty() {
            html += &note(
                "No drop of the training loss stands out from its noise yet. Plateaus, the levels that they sit on, and the drops \
                 between them will be named here.",
            );
        }
        html += PIECE;
        html += r#"<div class="pictures">"#;
        if !course.bins.is_empty() {
            html += &self.curve(&course, &axis, shown);
        }
        if let Some(events) = self.events.as_ref().filter(|_| !self.taken.is_empty()) {
            html += &self.events_drawn(events, &axis, shown);
        }
        html += "</div>";
        html += PIECE;
        if let Some(events) = &self.events {
            html += &self.table(events, shown);
        }
        html += PIECE;
        html += &note(&format!(
            "{} {} A plateau is named after the nearest level within {}%. Bands: two standard errors.",
            plateaus::rule(),
            plateaus::history(),
            100.0 * TOLERANCE
        ));
        let _ = write!(html, "<details><summary>The levels</summary><dl>");
        for level in &self.levels {
            let _ = write!(
                html,
                "<dt>{}: {} nats per token</dt><dd>A learner there {}.</dd>",
                level.name,
                number::precise(level.value),
                level.about
            );
        }
        html += "</dl></details>";
        html
    }

    fn csv(&self, journal: &Journal) -> String {
        let mut csv =
            String::from("kind,name,first_step,last_step,value_nats,stderr,share_of_mean_pace,share_limit_95\n");
        let course = Course::of(&journal.losses);
        for level in &self.levels {
            let _ = writeln!(csv, "level,{},,,{},,,", level.name, level.value);
        }
        for bin in &course.bins {
            let _ = writeln!(csv, "training loss,,{},{},{},{},,", bin.first, bin.last, bin.loss, bin.stderr);
        }
        for plateau in &course.plateaus {
            let names: Vec<&str> = self.named(plateau.level, plateau.stderr).iter().map(|level| level.name).collect();
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

    fn forget(&mut self) {
        self.taken.clear();
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests;

//! Attention heads: what they look at, what they are good for, and what becomes of the loss without them.

mod map;
mod scores;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    sync::Arc,
};

use super::{
    Journal, Message, PIECE, Scope, Seen, Setting, Steps, Tab, Wish,
    html::{
        clipped, level, line, note, over_positions, over_steps, paragraph, pictures, point, positions, said, select,
        table,
    },
    reference::{self, Reference, sequences},
};
use crate::{
    experiment::net::Architecture,
    number,
    picture::svg::{INK, MUTED, Paint, escape},
    protocol::{Evaluation, Measured},
    sweep::chart::{MODEL, Series, dash, ordered},
    world::{
        Rows,
        rng::{Purpose, Stream},
    },
};
use map::{Grid, Map};
use scores::Scores;

/// Fresh sequences to choose from, before the one of repeated tokens.
const CHOICES: usize = 4;
/// Fresh sequences on which heads are switched off.
const SEQUENCES: usize = 48;
/// As long as in the paper that brought the score: a block of so many random tokens, repeated.
const BLOCK: usize = 25;
/// Most sequences of repeated tokens, and most numbers of their attention, of all heads together.
const REPEATED: usize = 48;
const PATTERNS: usize = 1 << 21;
/// No more heads are each switched off alone.
const ALONE: usize = 16;
/// No more lines in one chart.
const LINES: usize = 8;
/// Maps side by side; of more heads, one block is shown at a time.
const MAPS: usize = 8;
/// The places of Olsson et al. (2022) in a sequence of 512 tokens: the 50th and the 500th.
const EARLY: f64 = 50.0 / 512.0;
const LATE: f64 = 500.0 / 512.0;

/// What one step said.
struct At<V> {
    step: usize,
    value: V,
}

pub struct Heads {
    blocks: usize,
    heads: usize,
    kv_heads: usize,
    /// T.
    length: usize,
    names: Vec<String>,
    unit: &'static str,
    /// What Bayes is called in this world.
    best: &'static str,
    /// (label, x_1..x_T).
    choices: Vec<(String, Vec<u16>)>,
    chosen: usize,
    /// The head that is drawn large.
    head: (usize, usize),
    /// What was pointed at: a head, and where on its map.
    pointed: Option<(usize, usize, f64, f64)>,
    /// Of each block, [heads, T, T].
    maps: Option<At<Vec<Vec<f32>>>>,
    repeated: Vec<u16>,
    /// The same, as wished for.
    repeated_rows: Arc<Rows>,
    block: usize,
    /// Of each recorded step, heads block by block.
    scores: BTreeMap<usize, Vec<Scores>>,
    /// What a head would score that attends evenly to all it may.
    even: Scores,
    fresh: Reference,
    off: BTreeSet<(usize, usize)>,
    /// Cells of excess loss with every head in place, with those of `off` switched off, and with each alone switched off.
    whole: Option<At<Vec<f64>>>,
    without: Option<At<Vec<f64>>>,
    alone: Vec<Option<At<Vec<f64>>>>,
    /// A row of attention did not sum to 1, by how much.
    imbalance: Option<f64>,
}

impl Heads {
    /// For tokens and nets with attention; else a sentence on why there is nothing to see.
    pub fn open(setting: &Setting) -> Result<Self, String> {
        let (experiment, world) = (setting.experiment, setting.world);
        if experiment.world.observation().is_vectors() {
            return Err("Heads are scored by what they do with tokens, and this world has vectors.".into());
        }
        let net = &experiment.net;
        if net.architecture != Architecture::Transformer {
            return Err("A recurrent net has no attention heads. Choose the transformer to see some.".into());
        }
        let (length, vocab, seed) = (experiment.data.length, world.vocab(), experiment.seed);
        if length < 4 {
            return Err("Sequences of fewer than 4 tokens leave a head nothing to choose from. Make T longer.".into());
        }
        let held_out = world.held_out();
        let draw = |count: usize| {
            let stream = |i| Stream::new(seed, Purpose::Evaluation, i);
            sequences(&held_out, length, count, stream, |stream| held_out.draw_topic(stream))
        };
        let count = reference::count(setting, SEQUENCES);
        let fresh = Reference::new(draw(count), length, world.bayes(), world.is_exact());
        let block = BLOCK.min(length / 2).max(1);
        let heads = net.blocks * net.heads;
        let rows = (PATTERNS / (heads * length * length).max(1)).clamp(2, REPEATED);
        let repeated = repeated(vocab, block, length, rows, seed);
        let mut choices: Vec<(String, Vec<u16>)> = draw(CHOICES)
            .chunks_exact(length)
            .enumerate()
            .map(|(i, row)| {
                let mut stream = Stream::new(seed, Purpose::Evaluation, i as u64);
                let label = world.topic_label(&held_out.draw_topic(&mut stream));
                let words =
                    if label.is_empty() { format!("fresh {}", i + 1) } else { format!("fresh {}: {label}", i + 1) };
                (clipped(&words, 48), row.to_vec())
            })
            .collect();
        choices.push((format!("{block} random tokens, repeated"), repeated[..length].to_vec()));
        let names =
            if setting.theory.tokens.is_empty() { experiment.world.tokens() } else { setting.theory.tokens.clone() };
        let uniform: Vec<f32> = (0..length)
            .flat_map(|i| (0..length).map(move |j| if j <= i { 1.0 / (i + 1) as f32 } else { 0.0 }))
            .collect();
        let even = Scores {
            previous: scores::previous(&uniform, length),
            prefix: mean(repeated.chunks_exact(length).map(|row| scores::prefix(&uniform, row, block))),
            copying: None,
        };
        Ok(Self {
            blocks: net.blocks,
            heads: net.heads,
            kv_heads: net.kv_heads,
            length,
            names,
            unit: "nats per token",
            best: if setting.theory.adaptive { "baseline" } else { "Bayes" },
            choices,
            chosen: 0,
            head: (net.blocks - 1, 0),
            pointed: None,
            maps: None,
            repeated_rows: Arc::new(Rows::Tokens(repeated.clone())),
            repeated,
            block,
            scores: BTreeMap::new(),
            even,
            fresh,
            off: BTreeSet::new(),
            whole: None,
            without: None,
            alone: (0..if heads <= ALONE { heads } else { 0 }).map(|_| None).collect(),
            imbalance: None,
        })
    }

    /// `2.1`: the first head of the second block.
    fn name(&self, block: usize, head: usize) -> String {
        format!("{}.{}", block + 1, head + 1)
    }

    fn all(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let heads = self.heads;
        (0..self.blocks).flat_map(move |block| (0..heads).map(move |head| (block, head)))
    }

    /// Input `i` as the learner reads it, for words.
    fn input(&self, i: usize) -> String {
        map::input(&self.choices[self.chosen].1, &self.names, i)
    }

    /// [T, T] of one head at the chosen sequence.
    fn pattern(&self, block: usize, head: usize) -> Option<&[f32]> {
        let size = self.length * self.length;
        self.maps.as_ref()?.value.get(block)?.get(head * size..(head + 1) * size)
    }

    fn keep_scores(&mut self, step: usize, seen: &Seen) {
        let size = self.length * self.length;
        let rows = self.repeated.len() / self.length;
        if seen.attention.len() != self.blocks || seen.attention.iter().any(|a| a.len() != rows * self.heads * size) {
            return;
        }
        let of = |(block, head): (usize, usize)| {
            let map = |row: usize| {
                let at = (row * self.heads + head) * size;
                &seen.attention[block][at..at + size]
            };
            let tokens = self.repeated.chunks_exact(self.length).enumerate();
            Scores {
                previous: mean((0..rows).map(|row| scores::previous(map(row), self.length))),
                prefix: mean(tokens.map(|(row, tokens)| scores::prefix(map(row), tokens, self.block))),
                copying: scores::copying(&seen.parameters, block, head, self.heads, self.kv_heads),
            }
        };
        let all: Vec<Scores> = self.all().map(of).collect();
        self.weigh(&seen.attention);
        self.scores.insert(step, all);
    }

    /// Rows of attention sum to 1, or something is wrong in the playground itself.
    fn weigh(&mut self, attention: &[Vec<f32>]) {
        let worst = attention.iter().map(|a| scores::imbalance(a, self.length));
        let worst = worst.fold(0.0, |worst: f64, off| if off.is_nan() { f64::INFINITY } else { worst.max(off) });
        if worst > scores::TOLERANCE {
            self.imbalance = Some(self.imbalance.unwrap_or(0.0).max(worst));
        }
    }

    fn controls(&self) -> String {
        let labels: Vec<String> = self.choices.iter().map(|c| c.0.clone()).collect();
        let heads: Vec<String> = self.all().map(|(b, h)| self.name(b, h)).collect();
        let head = self.head.0 * self.heads + self.head.1;
        format!(
            "<div class=\"inside-row\">{}{}</div>",
            select("sequence", "heads-sequence", "Sequence", &labels, self.chosen),
            select("head", "heads-head", "Head (block.head)", &heads, head)
        )
    }

    fn maps(&self) -> (String, String) {
        let Some(maps) = &self.maps else {
            return (note("Maps of attention appear when the learner has read the sequence."), String::new());
        };
        let tokens = &self.choices[self.chosen].1;
        let map = |(block, head): (usize, usize), grid: Grid| {
            self.pattern(block, head).map(|weights| {
                let map = Map { weights, tokens, names: &self.names, block, head, name: &self.name(block, head) };
                map.draw(grid)
            })
        };
        let several = self.blocks * self.heads > MAPS;
        let small = self.all().filter(|at| !several || at.0 == self.head.0).filter_map(|at| map(at, Grid::Small));
        let words = format!(
            "Who looks at what at step {}: each row is a position, and its colours say how much it attends to each position before it \
             and to itself. {} stands for the learner's own start.{}",
            number::count(maps.step),
            map::START,
            if several {
                format!(" Block {} of {}; choose a head of another one to see its block.", self.head.0 + 1, self.blocks)
            } else {
                String::new()
            }
        );
        let large = map(self.head, Grid::Large).map(|svg| pictures([svg])).unwrap_or_default();
        (paragraph(&words) + &pictures(small), large)
    }

    /// The cell that was pointed at, in words.
    fn read_out(&self) -> String {
        let words = self.pointed.and_then(|(block, head, x, y)| {
            let cell = |share: f64| ((share * self.length as f64) as usize).min(self.length - 1);
            let (i, j) = (cell(y), cell(x));
            let weight = *self.pattern(block, head)?.get(i * self.length + j)?;
            let name = self.name(block, head);
            Some(match j <= i {
                true => format!(
                    "Head {name}: {} attends to {} with weight {}.",
                    self.input(i),
                    self.input(j),
                    number::short(f64::from(weight))
                ),
                false => format!("Head {name}: {} comes after {}, which cannot see it.", self.input(j), self.input(i)),
            })
        });
        let hint = || "Point at a map to read a weight.".into();
        format!(
            "<p class=\"note\" role=\"status\" data-testid=\"heads-weight\">{}</p>",
            escape(&words.unwrap_or_else(hint))
        )
    }

    /// The largest weights of the chosen head, as a list.
    fn strongest(&self) -> String {
        let Some(weights) = self.pattern(self.head.0, self.head.1) else { return String::new() };
        // The first input has only itself to attend to.
        let mut cells: Vec<(f32, usize, usize)> = (1..self.length)
            .flat_map(|i| (0..=i).map(move |j| (i, j)))
            .map(|(i, j)| (weights[i * self.length + j], i, j))
            .collect();
        cells.sort_by(|a, b| b.0.total_cmp(&a.0));
        let items: String = cells
            .iter()
            .take(6)
            .map(|(w, i, j)| {
                let words = format!("{} → {}: {}", self.input(*i), self.input(*j), number::short(f64::from(*w)));
                format!("<li>{}</li>", escape(&words))
            })
            .collect();
        let name = self.name(self.head.0, self.head.1);
        format!(
            "<details data-testid=\"heads-strongest\"><summary>Strongest weights of head {name}</summary><ul>{items}</ul></details>"
        )
    }

    /// The heads that are drawn: all, or those that scored highest at any step.
    fn drawn(&self, of: fn(&Scores) -> Option<f64>) -> Vec<usize> {
        let count = self.blocks * self.heads;
        let best = |h: usize| self.scores.values().filter_map(|s| of(&s[h])).fold(f64::NEG_INFINITY, f64::max);
        let mut order: Vec<(f64, usize)> = (0..count).map(|h| (best(h), h)).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut drawn: Vec<usize> = order.into_iter().take(LINES).map(|o| o.1).collect();
        drawn.sort_unstable();
        drawn
    }

    fn score_lines(&self, steps: &Steps, of: fn(&Scores) -> Option<f64>) -> Vec<Series> {
        let names: Vec<(usize, usize)> = self.all().collect();
        let series = |h: usize| {
            let (block, head) = names[h];
            let name = self.name(block, head);
            let points = self.scores.iter().filter_map(|(step, scores)| {
                let y = of(&scores[h])?;
                Some(point(steps.share(*step), y, 0.0, said(&format!("head {name}"), "step", *step, y, "")))
            });
            // A hue for each block, a pattern for each head in it.
            line(&name, ordered(block, self.blocks), dash(head), points)
        };
        self.drawn(of).into_iter().map(series).filter(|s| !s.points.is_empty()).collect()
    }

    fn scores(&self, journal: &Journal, shown: usize) -> String {
        if self.scores.is_empty() {
            return note("Scores of each head appear when the recorded steps have been looked at.");
        }
        let steps = Steps::to(journal.last());
        let chart = |title: &str, of: fn(&Scores) -> Option<f64>, even: Option<f64>| {
            let mut series = self.score_lines(&steps, of);
            if series.is_empty() {
                return None;
            }
            if let Some(even) = even {
                let title = format!("even attention: {}", number::precise(even));
                series.push(level("even attention", MUTED, "2 3", even, &title));
            }
            Some(over_steps(title, "score", &steps, shown, series))
        };
        let charts = [
            chart("Previous token", |s| Some(s.previous), Some(self.even.previous)),
            chart("Prefix matching", |s| Some(s.prefix), Some(self.even.prefix)),
            chart("Copying (eigenvalue score)", |s| s.copying, None),
        ];
        let many = if self.blocks * self.heads > LINES {
            format!(" The {LINES} highest of {} heads are drawn; the CSV has all.", self.blocks * self.heads)
        } else {
            String::new()
        };
        let about = format!(
            "Previous token: attention to the token before. Prefix matching: attention to what came after earlier copies of the \
             current token. Both on {} sequences of {} random tokens, repeated; both are to be read beside what a head would score that \
             attends evenly to all it may, which is much where there are few tokens. Copying: how far a head raises the logits of what \
             it reads, by the eigenvalue score of Elhage et al. (2021): the sum of the eigenvalues of its output and value matrices over \
             the sum of their sizes, −1 to 1. An induction head matches prefixes and copies; it needs a \
             previous-token head in a block below.{many}",
            self.repeated.len() / self.length,
            self.block
        );
        self.verdict(shown) + &pictures(charts.into_iter().flatten()) + &note(&about)
    }

    /// The best heads at the shown step, in a sentence.
    fn verdict(&self, shown: usize) -> String {
        let Some((step, scores)) = self.scores.range(..=shown).next_back() else { return String::new() };
        let names: Vec<(usize, usize)> = self.all().collect();
        let best = |of: fn(&Scores) -> f64| {
            let h = (0..scores.len()).fold(0, |best, h| if of(&scores[h]) > of(&scores[best]) { h } else { best });
            (self.name(names[h].0, names[h].1), of(&scores[h]))
        };
        let ((previous, p), (prefix, m)) = (best(|s| s.previous), best(|s| s.prefix));
        paragraph(&format!(
            "At step {} head {prefix} scores highest in prefix matching ({}; even attention {}), and head {previous} in attending to \
             the token before ({}; even attention {}).",
            number::count(*step),
            number::fixed(m, 2),
            number::fixed(self.even.prefix, 2),
            number::fixed(p, 2),
            number::fixed(self.even.previous, 2)
        ))
    }

    /// The two positions (from 1) of the ICL score.
    fn places(&self) -> (usize, usize) {
        let at = |share: f64| ((share * self.length as f64).round() as usize).clamp(1, self.length);
        (at(EARLY), at(LATE))
    }

    /// Loss at the late place minus loss at the early one.
    fn icl(&self, losses: &[f64]) -> Option<f64> {
        let (early, late) = self.places();
        Some(losses.get(late - 1)? - losses.get(early - 1)?)
    }

    fn icl_score(&self, journal: &Journal, shown: usize) -> String {
        let (early, late) = self.places();
        let steps = Steps::to(journal.last());
        let bayes = self.icl(&journal.theory.bayes.values);
        let error = |e: &Evaluation| {
            let at = |l: usize| e.excess_stderr.get(l - 1).copied().unwrap_or(0.0);
            at(early).hypot(at(late))
        };
        let points = journal.evaluations.iter().filter_map(|e| {
            let y = self.icl(&e.model)?;
            Some(point(steps.share(e.step), y, 1.96 * error(e), said("model", "step", e.step, y, "nats")))
        });
        let mut series = vec![line("model", MODEL, "", points)];
        if let Some(bayes) = bayes {
            series.push(level(self.best, INK, "", bayes, &format!("{}: {} nats", self.best, number::precise(bayes))));
        }
        let words = match (journal.at(shown).and_then(|e| Some((e.step, self.icl(&e.model)?))), bayes) {
            (Some((step, model)), Some(bayes)) => format!(
                "ICL score: loss at position {late} minus loss at position {early} (the 500th and the 50th of 512 in Olsson et al. 2022, \
                 in proportion). At step {} it is {} nats, where {} has {}.",
                number::count(step),
                number::short(model),
                if self.best == "Bayes" { "exact Bayes" } else { "the baseline" },
                number::short(bayes)
            ),
            _ => String::new(),
        };
        paragraph(&words) + &pictures([over_steps("ICL score", "nats", &steps, shown, series)])
    }

    fn switches(&self) -> String {
        let button = |(block, head): (usize, usize)| {
            let (off, name) = (self.off.contains(&(block, head)), self.name(block, head));
            format!(
                "<button type=\"button\" data-inside=\"ablate\" data-block=\"{block}\" data-head=\"{head}\" \
                 data-testid=\"heads-ablate-{block}-{head}\" aria-pressed=\"{off}\" title=\"{}\">{name}</button>",
                if off {
                    format!("Head {name} is switched off; press to switch it on")
                } else {
                    format!("Switch head {name} off")
                }
            )
        };
        let buttons: String = self.all().map(button).collect();
        format!(
            "<div class=\"inside-row\"><span>Switch off</span><div class=\"segments\" role=\"group\" aria-label=\"Heads that are switched off\">{buttons}</div>\
             <button type=\"button\" class=\"quiet small\" data-inside=\"ablate-none\" data-testid=\"heads-ablate-none\"{}>All on</button></div>",
            if self.off.is_empty() { " disabled" } else { "" }
        )
    }

    /// Cells by which the loss changes without some heads, where both were measured at the same step.
    fn change(&self, without: Option<&At<Vec<f64>>>) -> Option<Measured> {
        let (whole, without) = (self.whole.as_ref()?, without?);
        (whole.step == without.step).then(|| {
            let cells: Vec<f64> = without.value.iter().zip(&whole.value).map(|(a, b)| a - b).collect();
            self.fresh.overall(&cells)
        })
    }

    fn off_names(&self) -> String {
        let names: Vec<String> = self.off.iter().map(|(b, h)| self.name(*b, *h)).collect();
        names.join(", ")
    }

    fn ablation(&self, journal: &Journal) -> String {
        let Some(whole) = &self.whole else {
            return note("The loss without a head appears when the learner has read the evaluation's sequences.");
        };
        let (place, bayes) = (positions(self.length).1, &journal.theory.bayes.values);
        let curve = |name: &str, paint: Paint, dash: &'static str, cells: &[f64]| {
            let at = self.fresh.by_position(cells);
            let points = at.iter().zip(bayes).enumerate().map(|(l, (excess, h))| {
                let y = h + excess.value;
                point(place(l), y, 1.96 * excess.stderr, said(name, "position", l + 1, y, self.unit))
            });
            line(name, paint, dash, points)
        };
        let mut series = vec![curve("model", MODEL, "", &whole.value)];
        let mut words = format!(
            "Nothing is switched off: switch a head off to see what it does to the loss at step {}.",
            number::count(whole.step)
        );
        if !self.off.is_empty() {
            match (self.change(self.without.as_ref()), &self.without) {
                (Some(change), Some(without)) => {
                    series.push(curve(
                        &format!("without {}", clipped(&self.off_names(), 14)),
                        MODEL,
                        "7 4",
                        &without.value,
                    ));
                    let verb = if change.value >= 0.0 { "raises" } else { "lowers" };
                    words = format!(
                        "At step {} switching off {} {verb} the mean loss by {} {} (over {} fresh sequences).",
                        number::count(whole.step),
                        self.off_names(),
                        number::with_error(change.value.abs(), change.stderr),
                        self.unit,
                        self.fresh.rows.len() / self.length
                    );
                }
                _ => words = format!("Measuring the loss without {}.", self.off_names()),
            }
        }
        let ink = bayes.iter().enumerate().take(self.length);
        series.push(line(
            self.best,
            INK,
            "",
            ink.map(|(l, &h)| point(place(l), h, 0.0, said(self.best, "position", l + 1, h, self.unit))),
        ));
        let title = format!("Loss by position, step {}", number::count(whole.step));
        paragraph(&words) + &pictures([over_positions(&title, &format!("loss, {}", self.unit), self.length, series)])
    }

    /// A row for each head at the shown step, and one for even attention.
    fn rows(&self, shown: usize) -> Vec<Vec<String>> {
        let scores = self.scores.range(..=shown).next_back();
        let unknown = || "–".to_owned();
        let even = [self.even.previous, self.even.prefix].map(|v| number::fixed(v, 2));
        let even = ["even attention".into()].into_iter().chain(even).chain(["–".into(), "–".into()]).collect();
        self.all()
            .enumerate()
            .map(|(h, (block, head))| {
                let of = |f: fn(&Scores) -> Option<f64>| {
                    scores.and_then(|(_, s)| f(&s[h])).map_or_else(unknown, |v| number::fixed(v, 2))
                };
                let change = self.change(self.alone.get(h).and_then(Option::as_ref));
                vec![
                    self.name(block, head),
                    of(|s| Some(s.previous)),
                    of(|s| Some(s.prefix)),
                    of(|s| s.copying),
                    change.map_or_else(unknown, |c| number::with_error(c.value, c.stderr)),
                ]
            })
            .chain([even])
            .collect()
    }

    fn each_alone(&self, shown: usize) -> String {
        let heads = [
            "head",
            "previous token",
            "prefix matching",
            "copying (eigenvalue score)",
            "change of the mean loss when it alone is switched off, nats per token",
        ];
        let few = if self.alone.is_empty() {
            note(&format!("With more than {ALONE} heads, only those that you switch off are measured."))
        } else {
            String::new()
        };
        let step = self.scores.range(..=shown).next_back().map_or(shown, |(step, _)| *step);
        format!(
            "<p>Every head at step {}</p>{}{few}",
            number::count(step),
            table("heads-table", &heads, &self.rows(shown))
        )
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), v| (sum + v, count + 1.0));
    sum / f64::max(count, 1.0)
}

/// `rows` sequences of `length`, each a random block of `block` tokens repeated: different tokens where there are enough.
fn repeated(vocab: usize, block: usize, length: usize, rows: usize, seed: u64) -> Vec<u16> {
    let mut out = Vec::with_capacity(rows * length);
    for row in 0..rows {
        let mut stream = Stream::new(seed, Purpose::Inside, row as u64);
        let mut tokens: Vec<u16> = Vec::with_capacity(block);
        while tokens.len() < block {
            let token = stream.below(vocab as u64) as u16;
            if vocab < block || !tokens.contains(&token) {
                tokens.push(token);
            }
        }
        out.extend(tokens.iter().cycle().take(length));
    }
    out
}

/// A number that stands for the heads that are switched off.
fn key(off: &BTreeSet<(usize, usize)>) -> u64 {
    off.iter().fold(0, |bits, (block, head)| bits | 1 << (16 * (block % 4) + head % 16))
}

impl Tab for Heads {
    fn wishes(&self) -> Vec<Wish> {
        let shown = |rows: Arc<Rows>| Wish { scope: Scope::Shown, ..Wish::predictions(rows) };
        let sequence = Arc::new(Rows::Tokens(self.choices[self.chosen].1.clone()));
        let nothing = || Arc::new(Rows::Tokens(Vec::new()));
        let mut wishes = vec![
            Wish { key: self.chosen as u64, attention: true, ..shown(sequence) },
            Wish { attention: true, parameters: true, ..Wish::predictions(self.repeated_rows.clone()) },
            shown(self.fresh.rows.clone()),
            Wish {
                key: key(&self.off),
                without: self.off.iter().copied().collect(),
                ..shown(if self.off.is_empty() { nothing() } else { self.fresh.rows.clone() })
            },
        ];
        let alone = self.all().take(self.alone.len());
        wishes.extend(alone.map(|head| Wish { without: vec![head], ..shown(self.fresh.rows.clone()) }));
        wishes
    }

    fn take(&mut self, wish: usize, step: usize, seen: Seen) {
        let cells = |seen: &Seen| self.fresh.excess(&seen.law).map(|value| At { step, value });
        match wish {
            0 => {
                let size = self.heads * self.length * self.length;
                if seen.attention.len() == self.blocks && seen.attention.iter().all(|a| a.len() == size) {
                    self.weigh(&seen.attention);
                    self.maps = Some(At { step, value: seen.attention });
                }
            }
            1 => self.keep_scores(step, &seen),
            2 => self.whole = cells(&seen),
            3 => self.without = cells(&seen),
            _ => {
                let cells = cells(&seen);
                if let Some(slot) = self.alone.get_mut(wish - 4) {
                    *slot = cells;
                }
            }
        }
    }

    fn told(&mut self, message: &Message) -> bool {
        let head = |message: &Message| {
            let (block, head) = (message.index("block")?, message.index("head")?);
            (block < self.blocks && head < self.heads).then_some((block, head))
        };
        match message.about() {
            "sequence" => {
                let Some(chosen) = message.index("value").filter(|i| *i < self.choices.len() && *i != self.chosen)
                else {
                    return false;
                };
                (self.chosen, self.maps, self.pointed) = (chosen, None, None);
                true
            }
            "head" => {
                let by_value = || message.index("value").map(|h| (h / self.heads, h % self.heads));
                let chosen = head(message).or_else(by_value).filter(|at| at.0 < self.blocks && *at != self.head);
                chosen.map(|at| self.head = at).is_some()
            }
            "map" => {
                let (Some((block, head)), Some(x), Some(y)) = (head(message), message.number("x"), message.number("y"))
                else {
                    return false;
                };
                let pointed = Some((block, head, x.clamp(0.0, 1.0), y.clamp(0.0, 1.0)));
                std::mem::replace(&mut self.pointed, pointed) != pointed
            }
            "ablate" => {
                let Some(at) = head(message) else { return false };
                if !self.off.remove(&at) {
                    self.off.insert(at);
                }
                self.without = None;
                true
            }
            "ablate-none" => {
                self.without = None;
                !std::mem::take(&mut self.off).is_empty()
            }
            _ => false,
        }
    }

    fn html(&self, journal: &Journal, shown: usize) -> String {
        let wrong = self.imbalance.map_or_else(String::new, |worst| {
            format!(
                "<p class=\"problem\">A row of attention sums to 1 only within {}. That is a mistake in the playground, not in the \
                 learner: please report it with this page's link.</p>",
                number::short(worst)
            )
        });
        let (small, large) = self.maps();
        [
            wrong + &self.controls(),
            small,
            large,
            self.read_out(),
            self.strongest(),
            self.scores(journal, shown),
            self.icl_score(journal, shown),
            self.switches(),
            self.ablation(journal),
            self.each_alone(shown),
        ]
        .join(PIECE)
    }

    fn csv(&self, journal: &Journal) -> String {
        let mut csv = String::from("step,block,head,quantity,value\n");
        // Writing to a string cannot fail.
        for (step, scores) in &self.scores {
            for ((block, head), s) in self.all().zip(scores) {
                let (b, h) = (block + 1, head + 1);
                let _ = writeln!(csv, "{step},{b},{h},previous token,{}", s.previous);
                let _ = writeln!(csv, "{step},{b},{h},prefix matching,{}", s.prefix);
                if let Some(copying) = s.copying {
                    let _ = writeln!(csv, "{step},{b},{h},copying (eigenvalue score),{copying}");
                }
            }
        }
        let _ = writeln!(csv, ",,,previous token of even attention,{}", self.even.previous);
        let _ = writeln!(csv, ",,,prefix matching of even attention,{}", self.even.prefix);
        for e in &journal.evaluations {
            if let Some(score) = self.icl(&e.model) {
                let _ = writeln!(csv, "{},,,ICL score,{score}", e.step);
            }
        }
        if let Some(score) = self.icl(&journal.theory.bayes.values) {
            let _ = writeln!(csv, ",,,ICL score of Bayes,{score}");
        }
        for ((block, head), alone) in self.all().zip(&self.alone) {
            if let (Some(change), Some(at)) = (self.change(alone.as_ref()), alone) {
                let _ = writeln!(
                    csv,
                    "{},{},{},change of the mean loss without it,{}",
                    at.step,
                    block + 1,
                    head + 1,
                    change.value
                );
            }
        }
        csv
    }

    fn forget(&mut self) {
        self.scores.clear();
        (self.maps, self.whole, self.without, self.imbalance, self.pointed) = (None, None, None, None, None);
        self.alone.iter_mut().for_each(|slot| *slot = None);
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests;

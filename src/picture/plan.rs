//! How a state graph is laid out: where states, arrows and words go.

use std::{collections::BTreeMap, f64::consts::TAU};

use super::{
    layout::{Point, from_segment, layout},
    svg::{chance, num, short, width},
};
use crate::world::{Hmm, stationary};

/// More ways than this carry no words: they would hide what they name.
const LABELLED: usize = 45;
/// From so many ways on, those less likely than [`FAINT`] carry none either.
const CROWDED: usize = 17;
const FAINT: f64 = 0.05;
/// Tokens named on one way; more are counted.
const NAMED: usize = 3;
/// Of the state that is met most.
const RADIUS: f64 = 25.0;
/// Of words.
pub const SIZE: f64 = 11.5;
/// From one line of words to the next.
pub const LINE: f64 = 17.0;

/// Everything's place.
pub struct Plan {
    /// Long-run shares of the states.
    pub law: Vec<f64>,
    pub places: Vec<Point>,
    pub radii: Vec<f64>,
    /// The room that each state takes, with its name.
    pub nodes: Vec<Block>,
    pub ways: Vec<Way>,
    /// One for each way, from state to state.
    pub curves: Vec<Curve>,
    /// The words on each way, and where they stand; no lines where it carries none.
    pub labels: Vec<Vec<Line>>,
    pub blocks: Vec<Block>,
    /// Whether ways carry words at all.
    pub labelled: bool,
}

impl Plan {
    /// `states` and `tokens` are names.
    pub fn new(hmm: &Hmm, states: &[String], tokens: &[String]) -> Self {
        let n = hmm.states();
        let law = stationary::stationary(&hmm.hidden_chain(), n);
        let top = law.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let radii: Vec<f64> = law.iter().map(|p| (RADIUS * (p / top).sqrt()).max(8.0)).collect();
        let ways = ways(hmm);
        let labelled = ways.len() <= LABELLED;
        let words = |way: &Way| labelled && (ways.len() < CROWDED || way.p >= FAINT);
        let labels: Vec<Vec<Line>> =
            ways.iter().map(|way| if words(way) { label(way, tokens) } else { Vec::new() }).collect();
        let widest = labels.iter().flatten().map(Line::width).fold(0.0, f64::max);
        let lines = labels.iter().map(Vec::len).max().unwrap_or(0) as f64;
        let crowd = if ways.len() > 2 * n + 4 { 1.25 } else { 1.0 };
        let spacing = match labelled {
            true => crowd * (2.0 * RADIUS + 28.0 + 0.75 * widest).max(2.0 * RADIUS + 45.0 + 2.2 * lines * LINE),
            false => 76.0,
        };
        let edges: Vec<(usize, usize)> = ways.iter().map(|w| (w.from, w.to)).collect();
        let places = layout(n, &edges, spacing);
        let curves = curves(&ways, &labels, &places, &radii);
        let nodes: Vec<Block> = (0..n).map(|i| footprint(places[i], radii[i], &states[i])).collect();
        let blocks = place_labels(&ways, &labels, &curves, &places, &nodes);
        Self { law, places, radii, nodes, ways, curves, labels, blocks, labelled }
    }
}

/// All that leads from one state to another.
pub struct Way {
    pub from: usize,
    pub to: usize,
    pub tokens: Vec<(u16, f64)>,
    pub p: f64,
}

/// A rectangle by its middle and half its size.
#[derive(Clone, Copy)]
pub struct Block {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
}

impl Block {
    pub fn overlap(&self, other: &Self) -> f64 {
        let side = |a: f64, b: f64, half: f64| (half - (a - b).abs()).max(0.0);
        side(self.x, other.x, self.w + other.w) * side(self.y, other.y, self.h + other.h)
    }

    pub fn holds(&self, p: Point) -> bool {
        (p.0 - self.x).abs() < self.w && (p.1 - self.y).abs() < self.h
    }
}

/// A cubic Bézier curve.
#[derive(Clone, Copy)]
pub struct Curve(pub [Point; 4]);

impl Curve {
    /// The quadratic one through a single control point.
    pub fn bent(a: Point, control: Point, b: Point) -> Self {
        let toward = |p: Point| (p.0 + (control.0 - p.0) * 2.0 / 3.0, p.1 + (control.1 - p.1) * 2.0 / 3.0);
        Self([a, toward(a), toward(b), b])
    }

    pub fn at(&self, t: f64) -> Point {
        let u = 1.0 - t;
        let weights = [u * u * u, 3.0 * u * u * t, 3.0 * u * t * t, t * t * t];
        let sum = |f: fn(&Point) -> f64| self.0.iter().zip(weights).map(|(p, w)| f(p) * w).sum();
        (sum(|p| p.0), sum(|p| p.1))
    }

    /// The first t after `from`, in steps of `step`, at which the curve is `outside`; `from` where it never is.
    pub fn leaves(&self, outside: impl Fn(Point) -> bool, from: f64, step: f64) -> f64 {
        let mut t = from;
        while (0.0..=1.0).contains(&t) {
            if outside(self.at(t)) {
                return t;
            }
            t += step;
        }
        from
    }

    /// The part between two parameters.
    pub fn part(&self, from: f64, to: f64) -> Self {
        let tangent = |t: f64| {
            let e = 1e-4;
            let (a, b) = (self.at(t - e), self.at(t + e));
            ((b.0 - a.0) / (2.0 * e), (b.1 - a.1) / (2.0 * e))
        };
        let (a, b, third) = (self.at(from), self.at(to), (to - from) / 3.0);
        let (u, v) = (tangent(from), tangent(to));
        Self([a, (a.0 + u.0 * third, a.1 + u.1 * third), (b.0 - v.0 * third, b.1 - v.1 * third), b])
    }

    pub fn d(&self) -> String {
        let p = |i: usize| format!("{} {}", num(self.0[i].0), num(self.0[i].1));
        format!("M{}C{} {} {}", p(0), p(1), p(2), p(3))
    }
}

fn ways(hmm: &Hmm) -> Vec<Way> {
    let mut between: BTreeMap<(usize, usize), Vec<(u16, f64)>> = BTreeMap::new();
    for i in 0..hmm.states() {
        for exit in hmm.exits(i) {
            between.entry((i, exit.next as usize)).or_default().push((exit.token, exit.p));
        }
    }
    let way = |((from, to), mut tokens): ((usize, usize), Vec<(u16, f64)>)| {
        tokens.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        Way { from, to, p: tokens.iter().map(|t| t.1).sum(), tokens }
    };
    between.into_iter().map(way).collect()
}

/// One line beside an arrow: a token, if it speaks of one, and a text.
pub struct Line {
    pub token: Option<(u16, String)>,
    pub text: String,
}

impl Line {
    pub fn pill(&self) -> f64 {
        self.token.as_ref().map_or(0.0, |(_, name)| (width(name) * SIZE + 8.0).max(15.0))
    }

    pub fn width(&self) -> f64 {
        self.pill() + if self.token.is_some() { 4.0 } else { 0.0 } + width(&self.text) * SIZE
    }
}

/// Half the room that lines take.
fn extent(lines: &[Line]) -> (f64, f64) {
    let w = lines.iter().map(Line::width).fold(0.0, f64::max);
    (w / 2.0 + 3.0, lines.len() as f64 * LINE / 2.0 + 1.0)
}

fn label(way: &Way, tokens: &[String]) -> Vec<Line> {
    if way.tokens.len() > NAMED {
        return vec![Line { token: None, text: format!("{} tokens {}", way.tokens.len(), chance(way.p)) }];
    }
    let line = |&(token, p): &(u16, f64)| Line {
        token: Some((token, short(&tokens[usize::from(token)], 9))),
        text: chance(p),
    };
    way.tokens.iter().map(line).collect()
}

fn curves(ways: &[Way], labels: &[Vec<Line>], places: &[Point], radii: &[f64]) -> Vec<Curve> {
    let exists = |from: usize, to: usize| ways.binary_search_by_key(&(from, to), |w| (w.from, w.to)).is_ok();
    let control = |way: &Way, lines: &[Line]| {
        let (a, b) = (places[way.from], places[way.to]);
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let length = dx.hypot(dy).max(1e-6);
        let normal = (-dy / length, dx / length);
        let bend = if exists(way.to, way.from) {
            // Far enough apart for the words on both.
            let (w, h) = extent(lines);
            let words = 2.0 * (w * normal.0.abs() + h * normal.1.abs()) + 4.0;
            (0.25 * length).min(52.0).max(words).clamp(24.0, 0.6 * length.max(40.0))
        } else {
            // Around a state that is in the way, on the side where it is not.
            let between =
                |k: &usize| ![way.from, way.to].contains(k) && from_segment(places[*k], a, b) < radii[*k] + 8.0;
            (0..places.len()).find(between).map_or(0.0, |k| {
                let side = (places[k].0 - a.0) * normal.0 + (places[k].1 - a.1) * normal.1;
                -side.signum() * 2.0 * (radii[k] + 18.0 - side.abs())
            })
        };
        ((a.0 + b.0) / 2.0 + bend * normal.0, (a.1 + b.1) / 2.0 + bend * normal.1)
    };
    let middle = places.iter().fold((0.0, 0.0), |sum, p| (sum.0 + p.0, sum.1 + p.1));
    let middle = (middle.0 / places.len() as f64, middle.1 / places.len() as f64);
    ways.iter()
        .zip(labels)
        .map(|(way, lines)| {
            let here = places[way.from];
            if way.from != way.to {
                return Curve::bent(here, control(way, lines), places[way.to]);
            }
            // A loop, where the other arrows at this state leave most room.
            let taken: Vec<f64> = ways
                .iter()
                .zip(labels)
                .filter(|(w, _)| w.from != w.to && (w.from == way.from || w.to == way.from))
                .map(|(w, lines)| {
                    let c = control(w, lines);
                    (c.1 - here.1).atan2(c.0 - here.0)
                })
                .collect();
            let outward = (here.1 - middle.1).atan2(here.0 - middle.0);
            let apart = |a: f64, b: f64| {
                let d = (a - b).rem_euclid(TAU);
                d.min(TAU - d)
            };
            let room = |angle: f64| {
                let free = taken.iter().map(|&t| apart(angle, t)).fold(TAU / 3.0, f64::min);
                free - 0.15 * apart(angle, outward)
            };
            let angle = (0..24)
                .map(|k| outward + TAU * f64::from(k) / 24.0)
                .fold(outward, |best, angle| if room(angle) > room(best) + 1e-9 { angle } else { best });
            let reach = 3.2 * radii[way.from].max(14.0);
            let away = |turn: f64| (here.0 + reach * (angle + turn).cos(), here.1 + reach * (angle + turn).sin());
            Curve([here, away(-0.5), away(0.5), here])
        })
        .collect()
}

fn footprint(place: Point, radius: f64, name: &str) -> Block {
    Block { x: place.0, y: place.1, w: (width(&short(name, 10)) * 6.0 + 2.0).max(radius + 2.0), h: radius + 2.0 }
}

/// A place for each label: on its arrow, clear of states, of other labels, and if possible of other arrows.
fn place_labels(ways: &[Way], labels: &[Vec<Line>], curves: &[Curve], places: &[Point], nodes: &[Block]) -> Vec<Block> {
    let traces: Vec<Vec<Point>> = curves.iter().map(|c| (1..24).map(|k| c.at(f64::from(k) / 24.0)).collect()).collect();
    let mut blocks: Vec<Option<Block>> = vec![None; ways.len()];
    // Loops first: they have the least choice.
    let mut order: Vec<usize> = (0..ways.len()).collect();
    order.sort_by_key(|&k| ways[k].from != ways[k].to);
    for k in order {
        if labels[k].is_empty() {
            continue;
        }
        let ((w, h), curve) = (extent(&labels[k]), &curves[k]);
        let mut choices: Vec<(Block, f64)> = Vec::new();
        if ways[k].from == ways[k].to {
            let (centre, summit) = (places[ways[k].from], curve.at(0.5));
            let (dx, dy) = (summit.0 - centre.0, summit.1 - centre.1);
            let length = dx.hypot(dy).max(1e-6);
            let (ux, uy) = (dx / length, dy / length);
            for step in 0..6_i32 {
                let push = ux.abs() * w + uy.abs() * h + 1.0 + 6.0 * f64::from(step - 1);
                choices.push((
                    Block { x: summit.0 + ux * push, y: summit.1 + uy * push, w, h },
                    4.0 * f64::from((step - 1).abs()),
                ));
            }
        } else {
            for step in 0..17 {
                let t = 0.5 + 0.035 * f64::from((step + 1) / 2) * if step % 2 == 0 { 1.0 } else { -1.0 };
                let (p, next) = (curve.at(t), curve.at(t + 0.01));
                let (dx, dy) = (next.0 - p.0, next.1 - p.1);
                let length = dx.hypot(dy).max(1e-6);
                let (nx, ny) = (-dy / length, dx / length);
                for side in [0.0, 1.0, -1.0] {
                    let push = side * (nx.abs() * w + ny.abs() * h + 2.0);
                    let price = 60.0 * (t - 0.5).abs() + 14.0 * f64::abs(side);
                    choices.push((Block { x: p.0 + nx * push, y: p.1 + ny * push, w, h }, price));
                }
            }
        }
        let cost = |&(block, price): &(Block, f64)| {
            let others: f64 = blocks.iter().flatten().map(|b| block.overlap(b)).sum();
            let states: f64 = nodes.iter().map(|b| block.overlap(b)).sum();
            let crossed = traces.iter().enumerate().filter(|(j, _)| *j != k);
            let crossed = crossed.filter(|(_, trace)| trace.iter().any(|&p| block.holds(p))).count();
            price + 2.0 * others + states + 12.0 * crossed as f64
        };
        let costs = choices.iter().map(|choice| (cost(choice), choice.0));
        blocks[k] = costs.min_by(|a, b| a.0.total_cmp(&b.0)).map(|c| c.1);
    }
    blocks.into_iter().map(|b| b.unwrap_or(Block { x: 0.0, y: 0.0, w: 0.0, h: 0.0 })).collect()
}

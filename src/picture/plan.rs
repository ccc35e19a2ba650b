//! How a state graph is laid out: where states, arrows and words go.

use std::{collections::BTreeMap, f64::consts::TAU};

use charts::graph::{Bezier, Block, Edge, Graph, LINE, LabelLine, Node};

use super::layout::{Point, from_segment, layout};
use crate::world::{Hmm, stationary};

/// More ways than this carry no words: they would hide what they name.
const LABELLED: usize = 45;
/// From so many ways on, those less likely than [`FAINT`] carry none either.
const CROWDED: usize = 17;
const FAINT: f64 = 0.05;
/// Of the state that is met most.
const RADIUS: f64 = 25.0;

/// The state graph of a process, with everything's place; `states` and `tokens` are names.
pub fn graph(hmm: &Hmm, states: &[String], tokens: &[String], title: String) -> Graph {
    let n = hmm.states();
    let shares = stationary::stationary(&hmm.hidden_chain(), n);
    let top = shares.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let radius = |share: f64| (RADIUS * (share / top).sqrt()).max(8.0);
    let mut edges = edges(hmm);
    let labelled = edges.len() <= LABELLED;
    let count = edges.len();
    let words = |edge: &Edge| labelled && (count < CROWDED || edge.probability() >= FAINT);
    let labels: Vec<Vec<LabelLine>> =
        edges.iter().map(|edge| if words(edge) { edge.lines(tokens) } else { Vec::new() }).collect();
    let widest = labels.iter().flatten().map(LabelLine::width).fold(0.0, f64::max);
    let lines = labels.iter().map(Vec::len).max().unwrap_or(0) as f64;
    let crowd = if count > 2 * n + 4 { 1.25 } else { 1.0 };
    let spacing = match labelled {
        true => crowd * (2.0 * RADIUS + 28.0 + 0.75 * widest).max(2.0 * RADIUS + 45.0 + 2.2 * lines * LINE),
        false => 76.0,
    };
    let ends: Vec<(usize, usize)> = edges.iter().map(|e| (e.from, e.to)).collect();
    let places = layout(n, &ends, spacing);
    let node = |i: usize| Node { name: states[i].clone(), at: places[i], radius: radius(shares[i]), share: shares[i] };
    let nodes: Vec<Node> = (0..n).map(node).collect();
    // Half the room of an edge's words; none where it has none.
    let extents: Vec<Option<Point>> = edges.iter().map(|edge| words(edge).then(|| edge.extent(tokens))).collect();
    let curves = curves(&edges, &extents, &nodes);
    for (edge, curve) in edges.iter_mut().zip(curves) {
        edge.curve = curve;
    }
    let blocks = place_labels(&edges, &extents, &nodes);
    for (edge, block) in edges.iter_mut().zip(blocks) {
        edge.label = block.map(|b| (b.x, b.y));
    }
    Graph { title, nodes, edges, tokens: tokens.to_vec(), about: String::new() }
}

/// One for each pair of states between which there is a way, in their order.
fn edges(hmm: &Hmm) -> Vec<Edge> {
    let mut between: BTreeMap<(usize, usize), Vec<(u16, f64)>> = BTreeMap::new();
    for i in 0..hmm.states() {
        for transition in hmm.transitions(i) {
            between.entry((i, transition.next as usize)).or_default().push((transition.token, transition.p));
        }
    }
    let edge = |((from, to), mut emissions): ((usize, usize), Vec<(u16, f64)>)| {
        emissions.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        Edge { from, to, emissions, ..Edge::default() }
    };
    between.into_iter().map(edge).collect()
}

fn curves(ways: &[Edge], extents: &[Option<Point>], nodes: &[Node]) -> Vec<Bezier> {
    let exists = |from: usize, to: usize| ways.binary_search_by_key(&(from, to), |w| (w.from, w.to)).is_ok();
    let control = |way: &Edge, extent: Option<Point>| {
        let (a, b) = (nodes[way.from].at, nodes[way.to].at);
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let length = dx.hypot(dy).max(1e-6);
        let normal = (-dy / length, dx / length);
        let bend = if exists(way.to, way.from) {
            // Far enough apart for the words on both.
            let (w, h) = extent.unwrap_or((3.0, 1.0));
            let words = 2.0 * (w * normal.0.abs() + h * normal.1.abs()) + 4.0;
            (0.25 * length).min(52.0).max(words).clamp(24.0, 0.6 * length.max(40.0))
        } else {
            // Around a state that is in the way, on the side where it is not.
            let between = |k: &usize| {
                ![way.from, way.to].contains(k) && from_segment(nodes[*k].at, a, b) < nodes[*k].radius + 8.0
            };
            (0..nodes.len()).find(between).map_or(0.0, |k| {
                let side = (nodes[k].at.0 - a.0) * normal.0 + (nodes[k].at.1 - a.1) * normal.1;
                -side.signum() * 2.0 * (nodes[k].radius + 18.0 - side.abs())
            })
        };
        ((a.0 + b.0) / 2.0 + bend * normal.0, (a.1 + b.1) / 2.0 + bend * normal.1)
    };
    let middle = nodes.iter().fold((0.0, 0.0), |sum, n| (sum.0 + n.at.0, sum.1 + n.at.1));
    let middle = (middle.0 / nodes.len() as f64, middle.1 / nodes.len() as f64);
    ways.iter()
        .zip(extents)
        .map(|(way, extent)| {
            let here = nodes[way.from].at;
            if way.from != way.to {
                return Bezier::bent(here, control(way, *extent), nodes[way.to].at);
            }
            // A loop, where the other arrows at this state leave most room.
            let taken: Vec<f64> = ways
                .iter()
                .zip(extents)
                .filter(|(w, _)| w.from != w.to && (w.from == way.from || w.to == way.from))
                .map(|(w, extent)| {
                    let c = control(w, *extent);
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
            let reach = 3.2 * nodes[way.from].radius.max(14.0);
            let away = |offset: f64| (here.0 + reach * (angle + offset).cos(), here.1 + reach * (angle + offset).sin());
            Bezier([here, away(-0.5), away(0.5), here])
        })
        .collect()
}

/// A place for each label: on its arrow, clear of states, of other labels, and if possible of other arrows.
fn place_labels(ways: &[Edge], extents: &[Option<Point>], nodes: &[Node]) -> Vec<Option<Block>> {
    let footprints: Vec<Block> = nodes.iter().map(Node::footprint).collect();
    let trace = |edge: &Edge| (1..24).map(|k| edge.curve.at(f64::from(k) / 24.0)).collect();
    let traces: Vec<Vec<Point>> = ways.iter().map(trace).collect();
    let mut blocks: Vec<Option<Block>> = vec![None; ways.len()];
    // Loops first: they have the least choice.
    let mut order: Vec<usize> = (0..ways.len()).collect();
    order.sort_by_key(|&k| ways[k].from != ways[k].to);
    for k in order {
        let (Some((w, h)), curve) = (extents[k], &ways[k].curve) else { continue };
        let mut choices: Vec<(Block, f64)> = Vec::new();
        if ways[k].from == ways[k].to {
            let (centre, summit) = (nodes[ways[k].from].at, curve.at(0.5));
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
            let states: f64 = footprints.iter().map(|b| block.overlap(b)).sum();
            let crossed = traces.iter().enumerate().filter(|(j, _)| *j != k);
            let crossed = crossed.filter(|(_, trace)| trace.iter().any(|&p| block.holds(p))).count();
            price + 2.0 * others + states + 12.0 * crossed as f64
        };
        let costs = choices.iter().map(|choice| (cost(choice), choice.0));
        blocks[k] = costs.min_by(|a, b| a.0.total_cmp(&b.0)).map(|c| c.1);
    }
    blocks
}

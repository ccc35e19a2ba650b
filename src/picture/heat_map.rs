//! The transition matrix of a process too large for a graph: row from, column to, darker is more likely.

use std::collections::BTreeMap;

use super::{
    Drawing,
    svg::{AXIS, Anchor, INK, MUTED, num, paints},
};
use crate::world::Hmm;

const LEVELS: usize = 8;
/// More cells are pooled, so that the picture stays small.
const CELLS: usize = 4000;

/// Tokens are summed out; the darkest is the likeliest transition.
pub fn draw(hmm: &Hmm, side: f64) -> Drawing {
    let n = hmm.states();
    let mut chances: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    for i in 0..n {
        for exit in hmm.exits(i) {
            *chances.entry((i, exit.next as usize)).or_default() += exit.p;
        }
    }
    let top = chances.values().copied().fold(f64::MIN_POSITIVE, f64::max);
    // Whatever can happen is seen, however unlikely.
    let level = |p: f64| ((p / top).sqrt() * LEVELS as f64).round().max(1.0) as usize;
    chances.retain(|_, p| *p > 0.0);
    let mut pool = 1;
    let cells = loop {
        let mut pooled: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for (&(i, j), &p) in &chances {
            let slot = pooled.entry((i / pool, j / pool)).or_default();
            *slot = level(p).max(*slot);
        }
        if pooled.len() <= CELLS {
            break pooled;
        }
        pool += 1;
    };
    let mut picture = Drawing::default();
    let unit = side / n.div_ceil(pool) as f64;
    picture.svg.raw(&format!(
        r#"<rect width="{side}" height="{side}" stroke-width="1" {}/>"#,
        paints(&[("fill", super::svg::SURFACE), ("stroke", AXIS)])
    ));
    picture.svg.raw(&format!(r#"<g shape-rendering="crispEdges" transform="scale({unit:.4})" {}>"#, INK.fill()));
    for wanted in 1..=LEVELS {
        let d: String = cells
            .iter()
            .filter(|(_, level)| **level == wanted)
            .map(|(&(i, j), _)| format!("M{j} {i}h1v1h-1z"))
            .collect();
        if !d.is_empty() {
            picture.svg.raw(&format!(r#"<path d="{d}" opacity="{}"/>"#, num(wanted as f64 / LEVELS as f64)));
        }
    }
    picture.svg.raw("</g>");
    picture.svg.text((side / 2.0, -11.0), 12.0, MUTED, Anchor::Middle, &format!("to state (of {n})"));
    picture.svg.raw(r#"<g transform="rotate(-90)">"#);
    picture.svg.text((-side / 2.0, -11.0), 12.0, MUTED, Anchor::Middle, "from state");
    picture.svg.close();
    picture.reach((side / 2.0 - 10.0, side / 2.0 - 10.0), side / 2.0 + 12.0, side / 2.0 + 12.0);
    picture
}

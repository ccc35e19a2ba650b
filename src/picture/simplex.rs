//! All that an observer of a three-state process can believe: points in a triangle whose corners are certainty.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt::Write,
};

use super::{
    Drawing, arrange,
    layout::Point,
    svg::{AXIS, Anchor, INK, Paint, chance, num, paints, short},
};
use crate::{
    clip::Window,
    colour::Rgb,
    world::{Hmm, Purpose, Stream},
};

/// The side, in grid steps; beliefs in one cell of the grid are one point.
const GRID: f64 = 500.0;
/// Units per grid step.
const SCALE: f64 = 0.84;
/// Beliefs sampled, along so many sequences.
const SAMPLES: usize = 20_000;
const SEQUENCES: usize = 20;
/// So few points are drawn as circles that name the belief.
const FEW: usize = 60;
/// How far the first beliefs are followed exactly, so that those met only at the beginning are there too.
const FIRST: usize = 200;
/// Blue, orange and green of Okabe and Ito.
const CORNERS: [Rgb; 3] = [Rgb(0, 114, 178), Rgb(213, 94, 0), Rgb(0, 158, 115)];
/// Shades along each side.
const SHADES: f64 = 5.0;

type Belief = [f64; 3];

#[derive(Clone, Copy, Default)]
struct Spot {
    belief: Belief,
    visits: usize,
}

/// `None` where there is no more to see than certainty in each corner.
pub fn draw(hmm: &Hmm, states: &[String]) -> Option<Drawing> {
    let start: Belief = hmm.start().try_into().ok()?;
    let spots = spots(hmm, start);
    // Before the first token nothing, then certainty: nothing to see.
    if spots.len() <= 4 {
        return None;
    }
    let mut picture = Drawing::default();
    triangle(&mut picture, states, SCALE);
    if spots.len() <= FEW {
        circles(&mut picture, &spots, states)
    } else {
        cloud(&mut picture, &weighed(&spots), SCALE)
    }
    let (x, y) = place(start);
    picture.svg.open((x * SCALE, y * SCALE), &format!("Before the first token: {}", words(start, states)));
    picture.svg.raw(&format!(
        r#"<circle r="6" stroke-width="1.6" pointer-events="all" {}/>"#,
        paints(&[("fill", Paint::None), ("stroke", INK)])
    ));
    picture.svg.close();
    Some(picture)
}

/// Points that stand for beliefs, or for what was made of them, each with the colour of the belief in `truth`. Points far outside
/// the triangle are not drawn, and the caption says how many.
pub fn compare(truth: &[Belief], at: &[Belief], states: &[String], caption: &str) -> String {
    const SMALL: f64 = 0.56;
    let mut picture = Drawing::default();
    triangle(&mut picture, states, SMALL);
    // Where the picture has room beside the triangle.
    let window = Window { left: -40.0, top: -40.0, right: GRID + 40.0, bottom: GRID };
    let points: Vec<Dot> =
        truth.iter().zip(at).map(|(truth, at)| Dot { at: place(*at), shades: shades(*truth), weight: 2 }).collect();
    let (dots, outside): (Vec<Dot>, Vec<Dot>) = points.into_iter().partition(|dot| window.holds(dot.at));
    let caption = match outside.len() {
        0 => caption.to_owned(),
        n => format!("{caption} ({n} of {} points lie outside)", dots.len() + n),
    };
    cloud(&mut picture, &dots, SMALL);
    let (svg, size) = arrange(vec![(caption.clone(), picture)]);
    svg.finish("simplex", size, &caption)
}

/// The outline and its corners' names.
fn triangle(picture: &mut Drawing, states: &[String], scale: f64) {
    let side = GRID * scale;
    let corner = |k: usize| {
        let mut belief = [0.0; 3];
        belief[k] = 1.0;
        place(belief)
    };
    let outline: Vec<String> = (0..3).map(|k| point(corner(k), scale)).collect();
    picture.svg.raw(&format!(
        r#"<path d="M{}z" stroke-width="1" {}/>"#,
        outline.join("L"),
        paints(&[("fill", Paint::None), ("stroke", AXIS)])
    ));
    for (k, (dx, dy)) in [(0.0, -22.0), (-12.0, 21.0), (12.0, 21.0)].into_iter().enumerate() {
        let (x, y) = corner(k);
        let name = states.get(k).map_or("", String::as_str);
        picture.svg.text((x * scale + dx, y * scale + dy), 13.0, INK, Anchor::Middle, &short(name, 12));
    }
    picture.reach((side / 2.0, side * 0.433), side / 2.0 + 34.0, side * 0.433 + 32.0);
}

/// Every belief met, in one list: the first ones exactly, the rest as often as long filtering meets them.
fn spots(hmm: &Hmm, start: Belief) -> Vec<Spot> {
    let mut spots: BTreeMap<(i32, i32), Spot> = BTreeMap::new();
    let mut visit = |belief: Belief, visits: usize| {
        let (x, y) = place(belief);
        let fresh = Spot { belief, visits: 0 };
        let spot = spots.entry((y.round() as i32, x.round() as i32)).or_insert(fresh);
        spot.visits += visits;
    };
    let mut open = VecDeque::from([start]);
    let mut known: Vec<Belief> = vec![start];
    while let Some(belief) = open.pop_front() {
        visit(belief, 0);
        for (next, _) in steps(hmm, belief) {
            let same = |b: &Belief| b.iter().zip(&next).all(|(a, b)| (a - b).abs() < 1e-9);
            if known.len() < FIRST && !known.iter().any(same) {
                known.push(next);
                open.push_back(next);
            }
        }
    }
    for sequence in 0..SEQUENCES {
        let mut stream = Stream::new(0, Purpose::Picture, 2000 + sequence as u64);
        let mut belief = start;
        for _ in 0..SAMPLES / SEQUENCES {
            visit(belief, 1);
            let next = steps(hmm, belief);
            if next.is_empty() {
                break;
            }
            belief = next[stream.categorical(next.iter().map(|n| n.1))].0;
        }
    }
    spots.into_values().collect()
}

/// What one more token may lead to believe, and how likely.
fn steps(hmm: &Hmm, belief: Belief) -> Vec<(Belief, f64)> {
    let mut steps: Vec<(Belief, f64)> = vec![([0.0; 3], 0.0); hmm.vocab()];
    for (i, p) in belief.into_iter().enumerate().filter(|(_, p)| *p > 0.0) {
        for exit in hmm.exits(i) {
            let (next, total) = &mut steps[usize::from(exit.token)];
            next[exit.next as usize] += p * exit.p;
            *total += p * exit.p;
        }
    }
    steps.retain(|(_, total)| *total > 0.0);
    for (next, total) in &mut steps {
        next.iter_mut().for_each(|p| *p /= *total);
    }
    steps
}

/// In grid steps: the first state on top, then left and right.
fn place(belief: Belief) -> Point {
    (GRID * (belief[2] + belief[0] / 2.0), GRID * 0.866_025_4 * (1.0 - belief[0]))
}

fn point((x, y): Point, scale: f64) -> String {
    format!("{} {}", num(x * scale), num(y * scale))
}

fn words(belief: Belief, states: &[String]) -> String {
    let parts: Vec<String> = belief.iter().zip(states).map(|(p, name)| format!("{name} {}", chance(*p))).collect();
    parts.join(", ")
}

fn circles(picture: &mut Drawing, spots: &[Spot], states: &[String]) {
    let most = spots.iter().map(|s| s.visits).max().unwrap_or(0).max(1) as f64;
    for spot in spots {
        let (x, y) = place(spot.belief);
        let share = spot.visits as f64 / SAMPLES as f64;
        let often = if spot.visits == 0 { "seldom".into() } else { format!("{} of the time", chance(share)) };
        picture.svg.open((x * SCALE, y * SCALE), &format!("{}; {often}", words(spot.belief, states)));
        let radius = 2.5 + 9.5 * (spot.visits as f64 / most).sqrt();
        let colour = shade(shades(spot.belief));
        picture.svg.raw(&format!(r#"<circle r="{}" fill="{colour}" fill-opacity="0.85"/>"#, num(radius)));
        picture.svg.close();
    }
}

/// One point of a cloud, in grid steps.
struct Dot {
    at: Point,
    shades: [u8; 3],
    /// 0 to 2: how large.
    weight: u8,
}

fn weighed(spots: &[Spot]) -> Vec<Dot> {
    let mean = SAMPLES as f64 / spots.len() as f64;
    let weight = |visits: usize| match visits as f64 / mean {
        w if w < 0.5 => 0,
        w if w < 2.0 => 1,
        _ => 2,
    };
    spots.iter().map(|s| Dot { at: place(s.belief), shades: shades(s.belief), weight: weight(s.visits) }).collect()
}

/// Points of one shade and one weight are one path: a dot is a stroke of no length with a round cap.
fn cloud(picture: &mut Drawing, dots: &[Dot], scale: f64) {
    let mut paths: BTreeMap<([u8; 3], u8), String> = BTreeMap::new();
    for Dot { at: (x, y), shades, weight } in dots {
        // Writing to a string cannot fail.
        let _ = write!(paths.entry((*shades, *weight)).or_default(), "M{} {}h0", x.round(), y.round());
    }
    picture.svg.raw(&format!(r#"<g transform="scale({scale})" fill="none" stroke-linecap="round">"#));
    for ((shades, weight), d) in &paths {
        // As wide on the page at any scale.
        let wide = num([1.3, 1.9, 2.6][usize::from(*weight).min(2)] * SCALE / scale);
        picture.svg.raw(&format!(r#"<path d="{d}" stroke="{}" stroke-width="{wide}"/>"#, shade(*shades)));
    }
    picture.svg.close();
}

fn shades(belief: Belief) -> [u8; 3] {
    belief.map(|p| (p * SHADES).round() as u8)
}

/// The corners' colours, mixed as light is.
fn shade(parts: [u8; 3]) -> Rgb {
    // Weighted by more than their share, because an even mixture of three is grey.
    let weights = parts.map(|p| f64::from(p).powf(1.5));
    let total = weights.iter().sum::<f64>().max(1.0);
    let mixed = |channel: fn(&Rgb) -> u8| {
        let sum = weights.iter().zip(&CORNERS).map(|(p, c)| p / total * f64::from(channel(c)).powf(2.2));
        sum.sum::<f64>().powf(1.0 / 2.2).round() as u8
    };
    Rgb(mixed(|c| c.0), mixed(|c| c.1), mixed(|c| c.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_far_outside_are_counted_and_not_drawn() {
        let truth = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.2, 0.3, 0.5], [0.2, 0.3, 0.5]];
        let names = ["a", "b", "c"].map(String::from);
        let dots = |svg: &str| svg.matches("h0").count();
        let inside = compare(&truth, &truth, &names, "Beliefs");
        assert!(dots(&inside) == 4 && inside.contains(">Beliefs<"), "{inside}");
        let mut far = truth;
        (far[1], far[2]) = ([30.0, -9.0, -20.0], [f64::NAN; 3]);
        let svg = compare(&truth, &far, &names, "Beliefs");
        assert!(dots(&svg) == 2 && svg.contains("Beliefs (2 of 4 points lie outside)"), "{svg}");
    }
}

//! Where the states of a graph go: on a circle, or by stress where that crosses less.

use std::f64::consts::{PI, TAU};

pub type Point = (f64, f64);

/// Edges beyond this are not untangled: nobody could follow them anyway.
const UNTANGLED: usize = 60;

/// A place for each of `n` states, next ones about `spacing` apart. The same graph always gets the same places.
pub fn layout(n: usize, edges: &[(usize, usize)], spacing: f64) -> Vec<Point> {
    if n <= 2 {
        return (0..n).map(|i| (i as f64 * spacing, 0.0)).collect();
    }
    let mut lines: Vec<(usize, usize)> =
        edges.iter().filter(|(i, j)| i != j).map(|&(i, j)| (i.min(j), i.max(j))).collect();
    lines.sort_unstable();
    lines.dedup();
    let mut best = circle(&(0..n).collect::<Vec<_>>(), spacing);
    if lines.len() > UNTANGLED {
        return best;
    }
    let mut fewest = tangle(&best, &lines, spacing);
    let mut consider = |places: Vec<Point>| {
        let count = tangle(&places, &lines, spacing);
        if count < fewest - 0.5 {
            (best, fewest) = (places, count);
        }
    };
    let order = untangled(n, &lines, spacing);
    consider(circle(&order, spacing));
    let distances = distances(n, &lines);
    for stride in [1, 2, 3, 5] {
        // Other orders around the first circle lead to other ends.
        let start: Vec<usize> = (0..n).map(|i| order[(i * stride) % n]).collect();
        let distinct = (0..n).all(|i| start.contains(&i));
        if distinct {
            consider(stress(circle(&start, spacing), &distances, spacing));
        }
    }
    let hubs = if n <= 10 { n } else { 0 };
    for centre in 0..hubs {
        let around: Vec<usize> = order.iter().copied().filter(|&i| i != centre).collect();
        consider(wheel(centre, &around, spacing));
    }
    best
}

/// One state in the middle of the others.
fn wheel(centre: usize, around: &[usize], spacing: f64) -> Vec<Point> {
    let order: Vec<usize> = (0..around.len()).collect();
    // As far from the middle as from one another, at least.
    let rim = circle(&order, spacing * (2.0 * (PI / around.len() as f64).sin()).max(1.0));
    let mut places = vec![(0.0, 0.0); around.len() + 1];
    for (&i, place) in around.iter().zip(rim) {
        places[i] = place;
    }
    places[centre] = (0.0, 0.0);
    compact(&places, spacing)
}

/// In this order around a circle, the first on top.
fn circle(order: &[usize], spacing: f64) -> Vec<Point> {
    let n = order.len();
    let radius = spacing / (2.0 * (PI / n as f64).sin());
    let mut places = vec![(0.0, 0.0); n];
    for (k, &i) in order.iter().enumerate() {
        let angle = TAU * k as f64 / n as f64 - PI / 2.0;
        places[i] = (radius * angle.cos(), radius * angle.sin());
    }
    places
}

/// An order around the circle with few crossings: pairs change places as long as that helps.
fn untangled(n: usize, lines: &[(usize, usize)], spacing: f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    let mut fewest = tangle(&circle(&order, spacing), lines, spacing);
    for _ in 0..3 {
        let before = fewest;
        for a in 0..n {
            for b in a + 1..n {
                order.swap(a, b);
                let count = tangle(&circle(&order, spacing), lines, spacing);
                if count < fewest {
                    fewest = count;
                } else {
                    order.swap(a, b);
                }
            }
        }
        if fewest == before {
            break;
        }
    }
    order
}

/// Shortest ways between states, direction aside; states that are not joined are as far apart as any.
fn distances(n: usize, lines: &[(usize, usize)]) -> Vec<f64> {
    let far = n as f64;
    let mut d = vec![far; n * n];
    for i in 0..n {
        d[i * n + i] = 0.0;
    }
    for &(i, j) in lines {
        d[i * n + j] = 1.0;
        d[j * n + i] = 1.0;
    }
    for k in 0..n {
        for i in 0..n {
            for j in 0..n {
                d[i * n + j] = d[i * n + j].min(d[i * n + k] + d[k * n + j]);
            }
        }
    }
    let longest = d.iter().copied().filter(|&x| x < far).fold(1.0, f64::max);
    d.iter_mut().for_each(|x| *x = x.min(longest + 1.0));
    d
}

/// Stress majorisation (Gansner, Koren and North 2004), one state at a time: distances on paper like those in the graph.
fn stress(mut places: Vec<Point>, distances: &[f64], spacing: f64) -> Vec<Point> {
    let n = places.len();
    for _ in 0..150 {
        for i in 0..n {
            let (mut x, mut y, mut total) = (0.0, 0.0, 0.0);
            for j in (0..n).filter(|&j| j != i) {
                let ideal = distances[i * n + j] * spacing;
                let weight = 1.0 / (ideal * ideal);
                let (dx, dy) = (places[i].0 - places[j].0, places[i].1 - places[j].1);
                let pull = ideal / dx.hypot(dy).max(1e-6);
                x += weight * (places[j].0 + dx * pull);
                y += weight * (places[j].1 + dy * pull);
                total += weight;
            }
            places[i] = (x / total, y / total);
        }
    }
    compact(&places, spacing)
}

/// Turned to take the least room, rather wide than high, and wide enough for the words on the lines.
fn compact(places: &[Point], spacing: f64) -> Vec<Point> {
    let turned = |angle: f64| -> Vec<Point> {
        let (sin, cos) = angle.sin_cos();
        places.iter().map(|p| (p.0 * cos - p.1 * sin, p.0 * sin + p.1 * cos)).collect()
    };
    let room = |places: &[Point]| {
        let span = |f: fn(&Point) -> f64| {
            let (low, high) = places.iter().map(f).fold((f64::MAX, f64::MIN), |(l, h), x| (l.min(x), h.max(x)));
            high - low + 0.5 * spacing
        };
        let (w, h) = (span(|p| p.0), span(|p| p.1));
        w * h * if h > w + 1.0 { 1.2 } else { 1.0 }
    };
    // Some pair lies level.
    let mut best: Option<Vec<Point>> = None;
    for (i, a) in places.iter().enumerate() {
        for b in &places[..i] {
            let level = -(b.1 - a.1).atan2(b.0 - a.0);
            for angle in [level, level + PI / 2.0] {
                let other = turned(angle);
                if best.as_ref().is_none_or(|best| room(&other) < 0.99 * room(best)) {
                    best = Some(other);
                }
            }
        }
    }
    let best = best.unwrap_or_else(|| places.to_vec());
    let mut nearest = f64::INFINITY;
    for (i, a) in best.iter().enumerate() {
        for b in &best[..i] {
            nearest = nearest.min((a.0 - b.0).hypot(a.1 - b.1));
        }
    }
    let scale = (0.95 * spacing / nearest.max(1e-6)).clamp(1.0, 3.0);
    best.iter().map(|p| (scale * p.0, scale * p.1)).collect()
}

/// How hard the lines are to follow: crossings, lines through states, and a little for sheer length.
fn tangle(places: &[Point], lines: &[(usize, usize)], spacing: f64) -> f64 {
    let mut count = 0.0;
    for (k, &(a, b)) in lines.iter().enumerate() {
        for &(c, d) in &lines[..k] {
            if a != c && a != d && b != c && b != d && cross(places[a], places[b], places[c], places[d]) {
                count += 1.0;
            }
        }
        for (i, &place) in places.iter().enumerate() {
            if i != a && i != b && from_segment(place, places[a], places[b]) < 0.25 * spacing {
                count += 2.0;
            }
        }
        count += 0.02 * (places[a].0 - places[b].0).hypot(places[a].1 - places[b].1) / spacing;
    }
    count
}

pub fn cross(a: Point, b: Point, c: Point, d: Point) -> bool {
    let side = |p: Point, q: Point, r: Point| (q.0 - p.0) * (r.1 - p.1) - (q.1 - p.1) * (r.0 - p.0);
    side(a, b, c) * side(a, b, d) < 0.0 && side(c, d, a) * side(c, d, b) < 0.0
}

/// How far `p` is from the line between `a` and `b`.
pub fn from_segment(p: Point, a: Point, b: Point) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let t = (((p.0 - a.0) * dx + (p.1 - a.1) * dy) / (dx * dx + dy * dy).max(1e-12)).clamp(0.0, 1.0);
    (p.0 - a.0 - t * dx).hypot(p.1 - a.1 - t * dy)
}

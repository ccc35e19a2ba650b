//! A sequence of vectors of a few topics: a line for each entry.

use super::{
    Drawing, FIRST_SEQUENCE, Shown, arrange,
    svg::{AXIS, Anchor, INK, MUTED, Paint, num},
};
use crate::world::{LinearLaw, LinearSystem, Purpose, Stream, Topic};
use crate::{
    clip::{Beyond, Window},
    scale::Scale,
};

const LENGTH: usize = 40;
const WIDE: f64 = 330.0;
const HIGH: f64 = 110.0;
/// Between names at the lines' ends.
const APART: f64 = 11.0;

/// A plot per topic.
pub fn draw(law: &LinearLaw, topics: &[Shown], title: &str, notes: &mut Vec<String>) -> String {
    let mut plots = Vec::new();
    for (k, shown) in topics.iter().enumerate() {
        if let Topic::Linear(system) = &shown.topic {
            plots.push((shown.label.clone(), plot(law, system, FIRST_SEQUENCE + k as u64)));
        }
    }
    notes
        .push(format!("The samples are the first {LENGTH} vectors of a sequence from each of {} topics.", plots.len()));
    let (svg, size) = arrange(plots);
    svg.finish("samples", size, &format!("Sampled sequences: {title}"))
}

fn plot(law: &LinearLaw, system: &LinearSystem, index: u64) -> Drawing {
    let d = law.dimension();
    let mut values = vec![0.0; LENGTH * d];
    law.draw_sequence(system, &mut values, &mut Stream::new(0, Purpose::Picture, index));
    curves(&values, d)
}

/// A line for each of `d` entries of [`LENGTH`] vectors.
fn curves(values: &[f32], d: usize) -> Drawing {
    // Room for the largest but one in twenty: a first vector far out should not flatten the rest.
    let mut sizes: Vec<f32> = values.iter().map(|x| x.abs()).collect();
    sizes.sort_by(f32::total_cmp);
    let top = f64::from(sizes[sizes.len() * 19 / 20]).max(1e-6);
    let scale = Scale::linear(-1.15 * top, 1.15 * top);
    let window = Window { left: 0.0, top: 0.0, right: WIDE, bottom: HIGH };
    let place = |t: usize, x: f32| (WIDE * t as f64 / (LENGTH - 1) as f64, HIGH * (1.0 - scale.share(f64::from(x))));
    let mut picture = Drawing::default();
    picture.svg.line(&format!("M0 {0}h{WIDE}", HIGH / 2.0), 1.0, AXIS, "");
    for (sign, name) in [(1.0, ""), (-1.0, "−")] {
        let y = HIGH / 2.0 * (1.0 - sign / 1.15);
        picture.svg.line(&format!("M-4 {}h4", num(y)), 1.0, AXIS, "");
        picture.svg.text((-8.0, y), 11.0, MUTED, Anchor::End, &format!("{name}{}", significant(top)));
    }
    picture.svg.text((-8.0, HIGH / 2.0), 11.0, MUTED, Anchor::End, "0");
    let mut ends: Vec<(f64, usize)> = Vec::new();
    for j in 0..d {
        let points: Vec<(f64, f64)> = (0..LENGTH).map(|t| place(t, values[t * d + j])).collect();
        picture.svg.open((0.0, 0.0), &format!("Entry {}", j + 1));
        for piece in window.line(&points) {
            let line: Vec<String> = piece.iter().map(|p| format!("{} {}", num(p.0), num(p.1))).collect();
            picture.svg.line(&format!("M{}", line.join("L")), 1.6, colour(j, d), r#" stroke-linejoin="round""#);
        }
        picture.svg.close();
        ends.push((points[LENGTH - 1].1.clamp(0.0, HIGH), j));
    }
    let beyond = Beyond::of(&scale, values.iter().map(|x| f64::from(*x))).words();
    if !beyond.is_empty() {
        picture.svg.text((WIDE, 4.0), 11.0, MUTED, Anchor::End, &beyond);
    }
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Downwards each clear of the one above, all together about where they belong.
    let mut y = f64::NEG_INFINITY;
    let shift = 0.5 * (ends.len() - 1) as f64 * APART;
    let first = ends.iter().map(|e| e.0).sum::<f64>() / ends.len() as f64 - shift;
    let crowded = ends.windows(2).any(|pair| pair[1].0 - pair[0].0 < APART);
    for (k, (end, j)) in ends.into_iter().enumerate() {
        y = if crowded { first + k as f64 * APART } else { end.max(y + APART) };
        picture.svg.line(&format!("M{} {}h9", WIDE + 4.0, num(y)), 3.0, colour(j, d), "");
        picture.svg.text((WIDE + 16.0, y), 11.0, INK, Anchor::Start, &format!("x{}", subscript(j + 1)));
    }
    picture.reach((WIDE / 2.0, HIGH / 2.0), WIDE / 2.0 + 44.0, HIGH / 2.0 + 4.0);
    picture
}

fn colour(entry: usize, entries: usize) -> Paint {
    Paint::token_line(entry as u16, entries)
}

/// About two digits.
fn significant(x: f64) -> String {
    match x {
        1000.0.. => format!("{x:.0e}"),
        10.0.. => format!("{x:.0}"),
        1.0.. => format!("{x:.1}"),
        _ => format!("{x:.2}"),
    }
}

fn subscript(digit: usize) -> char {
    ['₀', '₁', '₂', '₃', '₄', '₅', '₆', '₇', '₈', '₉'][digit % 10]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_far_out_is_cut_off_and_said() {
        let mut values: Vec<f32> = (0..LENGTH).map(|t| if t % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let lines = |values: &[f32]| -> Vec<Vec<f64>> {
            let drawing = curves(values, 1);
            let paths = drawing.svg.markup().split("<path d=\"M").skip(1).filter(|p| p.contains("stroke-linejoin"));
            let heights = |d: &str| d.split('L').filter_map(|p| p.split(' ').nth(1)?.parse().ok()).collect();
            paths.filter_map(|p| p.split('"').next()).map(heights).collect()
        };
        let plain = lines(&values);
        assert_eq!((plain.len(), plain[0].len()), (1, LENGTH));
        assert!(!curves(&values, 1).svg.markup().contains('↑'));
        values[0] = 100.0;
        let cut = lines(&values);
        // It comes in at the top, at a crossing, and nowhere else touches the edge.
        assert_eq!((cut.len(), cut[0].len()), (1, LENGTH));
        assert!(cut[0][0].abs() < 0.1 && cut[0][1..].iter().all(|y| *y > 1.0), "{cut:?}");
        assert!(curves(&values, 1).svg.markup().contains("up to 100 ↑"));
        (values[0], values[20]) = (1.0, -50.0);
        assert_eq!(lines(&values).len(), 2);
        assert!(curves(&values, 1).svg.markup().contains("down to −50.0 ↓"));
    }
}

//! A few sequences of a few topics, token by token.

use std::fmt::Write;

use super::{
    FIRST_SEQUENCE, Shown, WIDTH,
    svg::{Anchor, INK, MUTED, Paint, Svg, chance, escape, num, short, width},
    topics,
};
use crate::world::{Purpose, Stream, World};

pub const TOPICS: usize = 6;
const SEQUENCES: usize = 3;
const LENGTH: usize = 40;
/// Letters of a token's name.
const LETTERS: usize = 3;
const SIZE: f64 = 10.5;
const ROW: f64 = 21.0;
const HEIGHT: f64 = 18.0;
const GAP: f64 = 12.0;

/// A topic and what was drawn from it.
pub struct Row {
    pub label: String,
    /// P(w); `None` in a continuum.
    pub weight: Option<f64>,
    pub sequences: Vec<Vec<u16>>,
}

/// A few sequences of a few topics of a world.
pub fn drawn(world: &World) -> Vec<Row> {
    let row = |(k, Shown { topic, label, weight }): (usize, Shown)| {
        let draw = |i: usize| {
            let index = FIRST_SEQUENCE + (k * SEQUENCES + i) as u64;
            let mut sequence = vec![0; LENGTH];
            world.draw_sequence(&topic, &mut sequence, &mut Stream::new(0, Purpose::Picture, index));
            sequence
        };
        let mut sequences: Vec<Vec<u16>> = (0..SEQUENCES).map(draw).collect();
        // A topic without chance is shown once.
        sequences.dedup();
        Row { label, weight, sequences }
    };
    topics(world, TOPICS, &|_| true).into_iter().enumerate().map(row).collect()
}

/// Rows of cells under one another, the topic at their left. `tokens` are names.
pub fn draw(rows: &[Row], tokens: &[String], title: &str, notes: &mut Vec<String>) -> String {
    let several = rows.len() > 1 || rows.iter().any(|row| row.weight.is_none());
    let names: Vec<String> = tokens.iter().map(|name| abbreviated(name)).collect();
    let labels: Vec<String> = rows.iter().map(|row| short(&row.label, 26).replace('␣', " ")).collect();
    let left = if several { labels.iter().map(|l| 12.0 * width(l)).fold(50.0, f64::max) + 14.0 } else { 0.0 };
    let widest = names.iter().map(|n| SIZE * width(n)).fold(0.0, f64::max);
    let cell = (widest + 5.0).clamp(20.0, 40.0);
    let length = LENGTH.min(((WIDTH - left - 16.0) / cell) as usize);
    let mut svg = Svg::default();
    let mut cells = vec![String::new(); tokens.len()];
    let (mut words, mut y) = (String::new(), 8.0);
    for (Row { weight, sequences, .. }, label) in rows.iter().zip(&labels) {
        if several {
            let middle = y + (ROW * sequences.len() as f64 - 3.0) / 2.0;
            let lift = if weight.is_some() { 8.0 } else { 0.0 };
            svg.text((8.0, middle - lift), 12.0, INK, Anchor::Start, label);
            if let Some(weight) = weight {
                svg.text((8.0, middle + 9.0), 11.0, MUTED, Anchor::Start, &format!("weight {}", chance(*weight)));
            }
        }
        for sequence in sequences {
            // Writing to a string cannot fail.
            let _ = write!(words, r#"<text y="{}">"#, num(y + HEIGHT / 2.0 + 0.36 * SIZE));
            for (t, &token) in sequence.iter().take(length).enumerate() {
                let x = 8.0 + left + t as f64 * cell;
                let token = usize::from(token);
                let _ = write!(cells[token], "M{} {}h{}v{HEIGHT}h-{2}z", num(x), num(y), num(cell - 1.0));
                let _ =
                    write!(words, r#"<tspan x="{}">{}</tspan>"#, num(x + (cell - 1.0) / 2.0), escape(&names[token]));
            }
            words.push_str("</text>");
            y += ROW;
        }
        y += GAP;
    }
    for (token, d) in cells.iter().enumerate().filter(|(_, d)| !d.is_empty()) {
        svg.open((0.0, 0.0), &format!("Token {}", tokens[token]));
        svg.shape(d, Paint::token(token as u16, tokens.len()));
        svg.close();
    }
    let style = format!(r#"font-size="{SIZE}" text-anchor="middle" pointer-events="none" {}"#, INK.fill());
    svg.raw(&format!("<g {style}>{words}</g>"));
    if several {
        notes.push(format!("The samples are the first {length} tokens of sequences from {} topics.", rows.len()));
    } else {
        notes.push(format!("The samples are the first {length} tokens of sequences."));
    }
    svg.finish("samples", (16.0 + left + length as f64 * cell, y - GAP + 8.0), &format!("Sampled sequences: {title}"))
}

/// The first letters of a name.
fn abbreviated(name: &str) -> String {
    let letters: String = name.chars().take(LETTERS).collect();
    short(&letters, LETTERS)
}

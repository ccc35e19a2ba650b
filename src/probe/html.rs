//! What tabs are put together from.

use std::fmt::Write;

use super::Steps;
use crate::{
    number,
    picture::svg::{Paint, escape},
    scale::Scale,
    sweep::chart::{Lines, Place, Point, Series},
};

/// A picture in its place.
pub fn figure(svg: &str) -> String {
    format!("<figure class=\"picture\">{svg}</figure>")
}

/// Pictures that flow in rows.
pub fn pictures(svgs: impl IntoIterator<Item = String>) -> String {
    let figures: String = svgs.into_iter().map(|svg| figure(&svg)).collect();
    format!("<div class=\"pictures\">{figures}</div>")
}

/// Some words on their own.
pub fn note(words: &str) -> String {
    format!("<p class=\"note\">{}</p>", escape(words))
}

pub fn paragraph(words: &str) -> String {
    format!("<p>{}</p>", escape(words))
}

/// A choice of one of several; the value is its index.
pub fn select(inside: &str, id: &str, label: &str, options: &[String], chosen: usize) -> String {
    let options: String = options
        .iter()
        .enumerate()
        .map(|(i, text)| {
            let selected = if i == chosen { " selected" } else { "" };
            format!("<option value=\"{i}\"{selected}>{}</option>", escape(text))
        })
        .collect();
    format!("<label>{} <select data-inside=\"{inside}\" data-testid=\"{id}\">{options}</select></label>", escape(label))
}

/// A table whose first column names its rows.
pub fn table(id: &str, heads: &[&str], rows: &[Vec<String>]) -> String {
    let mut html = format!(
        "<div class=\"lab-scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table class=\"lab-table\" data-testid=\"{id}\"><thead><tr>"
    );
    // Writing to a string cannot fail.
    heads.iter().for_each(|head| {
        let _ = write!(html, "<th scope=\"col\">{}</th>", escape(head));
    });
    html.push_str("</tr></thead><tbody>");
    for row in rows {
        html.push_str("<tr>");
        for (i, cell) in row.iter().enumerate() {
            let cell = escape(cell);
            let _ =
                if i == 0 { write!(html, "<th scope=\"row\">{cell}</th>") } else { write!(html, "<td>{cell}</td>") };
        }
        html.push_str("</tr>");
    }
    html + "</tbody></table></div>"
}

/// A point of a line: x is a share of the axis, `spread` half of its band.
pub fn point(x: f64, y: f64, spread: f64, title: String) -> Point {
    Point { x, y, low: y - spread, high: y + spread, title, key: String::new() }
}

/// A line with a band (no wider than nothing where points have no spread); what is not finite is a gap.
pub fn line(label: &str, paint: Paint, dash: &'static str, points: impl IntoIterator<Item = Point>) -> Series {
    let points = points.into_iter().filter(|p| p.x.is_finite()).collect();
    Series { label: label.into(), paint, dash, joined: true, band: true, points }
}

/// The same value everywhere.
pub fn level(label: &str, paint: Paint, dash: &'static str, value: f64, title: &str) -> Series {
    line(label, paint, dash, [0.0, 1.0].map(|x| point(x, value, 0.0, title.into())))
}

/// Positions 1 to T along an axis: the axis, and the share of a position counted from 0.
pub fn positions(length: usize) -> (Place, impl Fn(usize) -> f64 + Copy) {
    let scale = Scale::linear(1.0, length as f64);
    let ticks = scale.whole_ticks(6).into_iter().map(|(v, text)| (scale.share(v), text)).collect();
    (Place::of_ticks("position in the sequence".into(), ticks), move |i| scale.share((i + 1) as f64))
}

/// Lines over training steps, with a mark at the step that is shown.
pub fn over_steps(title: &str, y: &str, steps: &Steps, shown: usize, series: Vec<Series>) -> String {
    let marks = vec![(steps.share(shown), String::new())];
    let lines = Lines {
        title: String::new(),
        x: steps.place(),
        y: y.into(),
        series,
        log: false,
        like: None,
        marks,
        shrink: 0.86,
    };
    lines.draw().alone(title, title)
}

/// Lines over positions.
pub fn over_positions(title: &str, y: &str, length: usize, series: Vec<Series>) -> String {
    let lines = Lines {
        title: String::new(),
        x: positions(length).0,
        y: y.into(),
        series,
        log: false,
        like: None,
        marks: Vec::new(),
        shrink: 0.86,
    };
    lines.draw().alone(title, title)
}

/// What a point says on hover: `model, step 412: 0.836 nats per token`.
pub fn said(name: &str, axis: &str, at: usize, value: f64, unit: &str) -> String {
    let gap = if unit.is_empty() { "" } else { " " };
    format!("{name}, {axis} {}: {}{gap}{unit}", number::count(at), number::precise(value))
}

/// At most `most` characters of some words.
pub fn clipped(words: &str, most: usize) -> String {
    if words.chars().count() <= most {
        words.into()
    } else {
        words.chars().take(most.max(2) - 1).chain(['…']).collect()
    }
}

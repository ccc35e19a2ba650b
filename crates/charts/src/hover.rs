//! A picture in a file that still answers: every mark says on hover what the page's read-out would say.

use crate::{
    chart::{Chart, View},
    text::{escape, num},
};

/// Marks in one picture; with more of them a file would be mostly words, and has none.
const MOST: usize = 1500;

/// The chart as SVG with its title and, at every mark, an invisible target that holds what is said of it and the key of what it stands
/// for (`data-key`).
pub fn svg(chart: &dyn Chart, view: &View) -> String {
    let view = View { titled: true, ..*view };
    let svg = chart.scene(&view).svg(view.width, view.height, view.theme.surface);
    let targets = targets(chart, &view).unwrap_or_default();
    let end = svg.rfind("</svg>").unwrap_or(svg.len());
    format!("{}{targets}{}", &svg[..end], &svg[end..])
}

/// `None` where there are too many.
fn targets(chart: &dyn Chart, view: &View) -> Option<String> {
    let (mut out, mut count) = (String::new(), 0);
    let mut cursor = chart.cursor_moved(None, 1);
    while let Some(at) = cursor {
        if let Some(readout) = chart.readout(view, at) {
            let mut add = |(x, y): (f64, f64), shape: &str, words: &str| {
                let key = chart.pick(view, x, y);
                let key = key.map_or_else(String::new, |key| format!(" data-key=\"{}\"", escape(&key)));
                out.push_str(&format!("<g class=\"mark\"{key}><title>{}</title>{shape}</g>", escape(words)));
                count += 1;
            };
            let mut placed = false;
            for line in &readout.lines {
                let how = if line.how.is_empty() { String::new() } else { format!(" ({})", line.how) };
                let words = format!("{}; {} {}{how}", readout.title, line.name, line.value);
                if let Some((x, y)) = line.at {
                    placed = true;
                    let shape = format!("<circle cx=\"{}\" cy=\"{}\" r=\"7\" fill=\"transparent\"/>", num(x), num(y));
                    add((x, y), &shape, &words);
                }
            }
            if !placed {
                let [from, to] = readout.rule;
                let shape = format!(
                    "<path d=\"M{} {}L{} {}\" stroke=\"transparent\" stroke-width=\"14\"/>",
                    num(from.0),
                    num(from.1),
                    num(to.0),
                    num(to.1)
                );
                add(((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0), &shape, &readout.text());
            }
        }
        cursor = chart.cursor_moved(Some(at), 1).filter(|next| *next != at && count <= MOST);
    }
    (count <= MOST).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        axis::XAxis,
        line_chart::{Line, LineChart, Look, Point},
        style::predictor,
        theme::Theme,
    };

    fn chart(points: usize) -> LineChart {
        let point = |i: usize| Point::exact(i as f64, 2.0).value("<2> nats").how("one run").key(format!("seed={i}"));
        let line = Line::new("model", predictor("model"), Look::Joined, (1..=points).map(point));
        LineChart { lines: vec![line], ..LineChart::new("Loss", XAxis::positions(points), "loss, nats", "nats") }
    }

    #[test]
    fn every_mark_says_what_it_is_and_names_its_run() {
        let view = View::new(500.0, 300.0, Theme::light());
        let svg = svg(&chart(3), &view);
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</g></svg>"), "{svg}");
        assert_eq!(svg.matches("class=\"mark\"").count(), 3);
        assert!(svg.contains("data-key=\"seed=2\"><title>Position 2; model &lt;2&gt; nats (one run)</title>"), "{svg}");
    }

    #[test]
    fn a_picture_of_very_many_marks_has_no_words_on_them() {
        assert!(!svg(&chart(MOST + 1), &View::new(500.0, 300.0, Theme::light())).contains("<title>"));
    }
}

//! Distributions of tokens: a bar for each, cut into the probabilities of its tokens.

use serde::{Deserialize, Serialize};

use crate::{
    chart::{Chart, Readout, ReadoutLine, View},
    frame::{self, LABEL, TICK},
    line_chart::quoted,
    number,
    scene::{Anchor, Mark, Scene, Stroke, fit, text_width},
    style::Ink,
    text::{probability, shown},
};

/// A bar for each topic without memory: a categorical distribution over tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TokenBars {
    /// What is shown: the heading.
    pub title: String,
    /// Names of all tokens there are.
    pub tokens: Vec<String>,
    /// Label, and number and probability of each token that can be emitted.
    pub rows: Vec<(String, Vec<(u16, f64)>)>,
}

const ROW: f64 = 25.0;
const BAR: f64 = 20.0;
const MARGIN: f64 = 8.0;
/// Narrower charts have their labels above the bars.
const NARROW: f64 = 420.0;
/// Bars do not become wider than this.
const WIDEST: f64 = 560.0;

struct Layout {
    left: f64,
    right: f64,
    top: f64,
    pitch: f64,
    /// Labels stand above the bars.
    above: bool,
}

impl TokenBars {
    fn layout(&self, width: f64, top: f64) -> Layout {
        let widest = self.rows.iter().map(|r| text_width(&r.0, LABEL)).fold(0.0, f64::max);
        let above = width < NARROW && widest > 40.0;
        let left = if above || widest == 0.0 { MARGIN } else { MARGIN + (widest + 10.0).min(0.45 * width) };
        let right = (width - MARGIN).min(left + WIDEST).max(left + 10.0);
        Layout { left, right, top: top + 4.0, pitch: ROW + if above { 18.0 } else { 0.0 }, above }
    }

    fn view_layout(&self, view: &View) -> Layout {
        self.layout(view.width, frame::title_room(view))
    }

    fn name(&self, token: u16) -> String {
        self.tokens.get(usize::from(token)).cloned().unwrap_or_else(|| token.to_string())
    }

    /// Ends and top of each part of a row's bar.
    fn parts(&self, layout: &Layout, row: usize) -> impl Iterator<Item = (u16, f64, f64, f64)> {
        let y = layout.top + layout.pitch * row as f64 + layout.pitch - ROW;
        let (left, room) = (layout.left, layout.right - layout.left);
        self.rows[row].1.iter().scan(0.0, move |reached, &(token, p)| {
            let from = left + room * *reached;
            *reached += p;
            Some((token, from, left + room * reached.min(1.0), y))
        })
    }

    /// Row and part of a cursor, which counts all parts.
    fn place(&self, cursor: f64) -> Option<(usize, usize)> {
        let mut index = (cursor.is_finite() && cursor >= 0.0).then_some(cursor.round() as usize)?;
        for (r, (_, parts)) in self.rows.iter().enumerate() {
            if index < parts.len() {
                return Some((r, index));
            }
            index -= parts.len();
        }
        None
    }

    fn cursor(&self, row: usize, part: usize) -> f64 {
        (self.rows[..row].iter().map(|r| r.1.len()).sum::<usize>() + part) as f64
    }
}

impl Chart for TokenBars {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn height(&self, width: f64) -> Option<f64> {
        let layout = self.layout(width, 0.0);
        (!self.rows.is_empty()).then_some(layout.top + layout.pitch * self.rows.len() as f64 + 4.0)
    }

    fn scene(&self, view: &View) -> Scene {
        let (mut axes, mut series) = (Vec::new(), Vec::new());
        let theme = &view.theme;
        frame::title(&mut axes, view, &self.title);
        let layout = self.view_layout(view);
        for (r, (label, _)) in self.rows.iter().enumerate() {
            let top = layout.top + layout.pitch * r as f64;
            if top + layout.pitch > view.height + 2.0 {
                let text = format!("{} more bars have no room here", self.rows.len() - r);
                axes.push(frame::words(MARGIN, view.height - 7.0, &text, TICK, theme.muted, Anchor::Start));
                break;
            }
            if layout.above {
                let text = fit(label, LABEL, view.width - 2.0 * MARGIN);
                axes.push(frame::words(layout.left, top + 9.0, &text, LABEL, theme.text, Anchor::Start));
            } else {
                let text = fit(label, LABEL, layout.left - MARGIN - 8.0);
                axes.push(frame::words(layout.left - 8.0, top + BAR / 2.0, &text, LABEL, theme.text, Anchor::End));
            }
            for ((token, from, to, y), (_, p)) in self.parts(&layout, r).zip(&self.rows[r].1) {
                let colour = theme.token_tint(usize::from(token), self.tokens.len());
                series.push(Mark::Box { from: (from, y), to: (to - 0.5, y + BAR), colour, alpha: 1.0 });
                let name = shown(&self.name(token), 8);
                let full = format!("{name}: {}", probability(*p));
                if let Some(text) = [full, name].iter().find(|t| text_width(t, TICK) + 6.0 <= to - from) {
                    let (x, y) = ((from + to) / 2.0, y + BAR / 2.0);
                    series.push(frame::words(x, y, text, TICK, theme.text, Anchor::Middle));
                }
            }
        }
        Scene { axes, series }
    }

    fn cursor_at(&self, view: &View, x: f64, y: f64) -> Option<f64> {
        let layout = self.view_layout(view);
        let row = (y - layout.top) / layout.pitch;
        let row = (row >= 0.0 && (row as usize) < self.rows.len()).then_some(row as usize)?;
        let part = self.parts(&layout, row).position(|(_, from, to, _)| (from..=to).contains(&x))?;
        Some(self.cursor(row, part))
    }

    /// Arrow keys go along a bar; Page keys to the next one.
    fn cursor_moved(&self, from: Option<f64>, by: i64) -> Option<f64> {
        let last = self.rows.iter().map(|r| r.1.len()).sum::<usize>().checked_sub(1)?;
        if let (Some((row, part)), 10 | -10) = (from.and_then(|from| self.place(from)), by) {
            let next = if by > 0 { (row + 1).min(self.rows.len() - 1) } else { row.saturating_sub(1) };
            return Some(self.cursor(next, part.min(self.rows[next].1.len().saturating_sub(1))));
        }
        Some(crate::chart::moved(from, by, 0, last))
    }

    fn readout(&self, view: &View, cursor: f64) -> Option<Readout> {
        let (row, part) = self.place(cursor)?;
        let (token, from, to, y) = self.parts(&self.view_layout(view), row).nth(part)?;
        let ink = Ink::Token { token: usize::from(token), vocab: self.tokens.len() };
        let line = ReadoutLine {
            name: self.name(token),
            value: format!("probability {}", number::precise(self.rows[row].1[part].1)),
            how: String::new(),
            hue: Some(ink.hue(&view.theme)),
            at: None,
        };
        let title = match self.rows[row].0.as_str() {
            "" => self.title.clone(),
            label => label.into(),
        };
        Some(Readout { cursor, rule: [(from, y + BAR), (to.max(from + 2.0), y + BAR)], title, lines: vec![line] })
    }

    fn highlight(&self, view: &View, readout: &Readout) -> Vec<Mark> {
        let found = self.place(readout.cursor);
        let Some((_, from, to, y)) = found.and_then(|(row, part)| self.parts(&self.view_layout(view), row).nth(part))
        else {
            return Vec::new();
        };
        let points = vec![(from, y), (to, y), (to, y + BAR), (from, y + BAR), (from, y)];
        vec![Mark::Line { points, stroke: Stroke::new(view.theme.text, 2.0) }]
    }

    fn summary(&self) -> String {
        /// More bars, and more tokens of one, nobody listens to.
        const LISTED: usize = 12;
        let row = |(label, parts): &(String, Vec<(u16, f64)>)| {
            let listed = parts.iter().take(LISTED).map(|(t, p)| format!("{} {}", self.name(*t), probability(*p)));
            format!("{label}: {}", listed.collect::<Vec<_>>().join(", "))
        };
        let rows: Vec<String> = self.rows.iter().take(LISTED).map(row).collect();
        let more = self.rows.len().saturating_sub(LISTED);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        format!("{}. {}{more}.", self.title, rows.join("; "))
    }

    fn csv(&self) -> String {
        let mut csv = String::from("topic,token,probability\n");
        for (label, parts) in &self.rows {
            for (token, p) in parts {
                csv.push_str(&format!("{},{},{p}\n", quoted(label), quoted(&self.name(*token))));
            }
        }
        csv
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::Theme;

    #[test]
    fn parts_are_read_where_they_are_drawn_and_said() {
        let bars = TokenBars {
            title: "Coins".into(),
            tokens: vec!["tails".into(), "heads".into()],
            rows: vec![("fair, weight 0.5".into(), vec![(0, 0.5), (1, 0.5)]), ("bent".into(), vec![(1, 1.0)])],
        };
        for width in [320.0, 800.0] {
            let view = View::new(width, bars.height(width).expect("bars"), Theme::light());
            let layout = bars.view_layout(&view);
            for (row, part) in [(0, 0), (0, 1), (1, 0)] {
                let (_, from, to, y) = bars.parts(&layout, row).nth(part).expect("a part");
                let cursor = bars.cursor(row, part);
                assert_eq!(bars.cursor_at(&view, (from + to) / 2.0, y + 5.0), Some(cursor));
                assert!(to <= width && y + BAR <= view.height && bars.place(cursor) == Some((row, part)));
            }
            assert_eq!(bars.readout(&view, 1.0).expect("a part").text(), "fair, weight 0.5; heads probability 0.5000");
            assert!(bars.svg(&view).contains("heads: 0.5"));
        }
        assert_eq!(bars.cursor_moved(Some(1.0), 10), Some(2.0));
        assert_eq!(bars.summary(), "Coins. fair, weight 0.5: tails 0.5, heads 0.5; bent: heads 1.");
        assert_eq!(bars.csv().lines().nth(1), Some("\"fair, weight 0.5\",tails,0.5"));
    }
}

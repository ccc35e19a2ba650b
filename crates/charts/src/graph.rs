//! A directed graph of states: circles whose areas are long-run shares, arrows that carry tokens and probabilities.
//!
//! Whoever makes a [`Graph`] says where everything goes, in CSS pixels of its natural size; it is scaled down where there
//! is less room.

use serde::{Deserialize, Serialize};

use crate::{
    chart::{Chart, Readout, ReadoutLine, View, cell},
    frame,
    line_chart::quoted,
    number,
    scene::{Anchor, Dash, Label, Mark, Scene, Stroke, text_width},
    style::Ink,
    text::{probability, shown},
    theme::Theme,
};

/// (x, y); y points down.
pub type Point = (f64, f64);

/// States and the transitions between them, with their places.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// What is shown: the heading.
    pub title: String,
    /// The states, in the order that gives each its index.
    pub nodes: Vec<Node>,
    /// The transitions, one edge for each ordered pair of states that has any.
    pub edges: Vec<Edge>,
    /// Names of the tokens that edges emit.
    pub tokens: Vec<String>,
    /// More about it, in a sentence for the summary; may be empty.
    pub about: String,
}

/// A state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// The name of the state.
    pub name: String,
    /// The middle of its circle.
    pub at: Point,
    /// The radius of its circle, in the units of `at`.
    pub radius: f64,
    /// Share of the time that is spent here in the long run, 0 to 1.
    pub share: f64,
}

/// All transitions from one state to another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Edge {
    /// Index of the state that it leaves.
    pub from: usize,
    /// Index of the state that it leads to.
    pub to: usize,
    /// Number of a token, and the probability to emit it and take this way; the likeliest first.
    pub emissions: Vec<(u16, f64)>,
    /// From the middle of one state to that of the other.
    pub curve: Bezier,
    /// The middle of its words; `None` where it carries none.
    pub label: Option<Point>,
}

/// A cubic Bézier curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bezier(pub [Point; 4]);

/// A rectangle by its middle and half its size.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Block {
    /// Horizontal place of the middle.
    pub x: f64,
    /// Vertical place of the middle; y points down.
    pub y: f64,
    /// Half the width.
    pub w: f64,
    /// Half the height.
    pub h: f64,
}

/// One line of the words beside an arrow.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelLine {
    /// Number and short name, on the token's colour.
    pub token: Option<(u16, String)>,
    /// The words behind the token, for example a probability.
    pub text: String,
}

/// Of words on arrows, CSS pixels.
pub const SIZE: f64 = 11.5;
/// Of states' names.
const NAME: f64 = 12.0;
/// From one line of words to the next.
pub const LINE: f64 = 17.0;
/// Tokens named on one arrow; more are counted.
const NAMED: usize = 3;
/// Around the whole.
const MARGIN: f64 = 10.0;
/// Smaller words are left out: the read-out has them.
const LEAST: f64 = 6.5;
/// A graph of few states does not fill a wide screen.
const LARGEST: f64 = 1.2;
/// How far from an arrow it is still pointed at, CSS pixels.
const NEAR: f64 = 10.0;
/// A state that is met less often in the long run is only passed through at the beginning.
const PASSED: f64 = 1e-12;

impl Block {
    /// The area that two rectangles share; 0 where they do not overlap.
    pub fn overlap(&self, other: &Self) -> f64 {
        let side = |a: f64, b: f64, half: f64| (half - (a - b).abs()).max(0.0);
        side(self.x, other.x, self.w + other.w) * side(self.y, other.y, self.h + other.h)
    }

    /// Whether a point lies inside.
    pub fn holds(&self, p: Point) -> bool {
        (p.0 - self.x).abs() < self.w && (p.1 - self.y).abs() < self.h
    }
}

impl Bezier {
    /// The quadratic one through a single control point.
    pub fn bent(a: Point, control: Point, b: Point) -> Self {
        let toward = |p: Point| (p.0 + (control.0 - p.0) * 2.0 / 3.0, p.1 + (control.1 - p.1) * 2.0 / 3.0);
        Self([a, toward(a), toward(b), b])
    }

    /// The point at the parameter t: the curve begins at 0 and ends at 1.
    pub fn at(&self, t: f64) -> Point {
        let u = 1.0 - t;
        let weights = [u * u * u, 3.0 * u * u * t, 3.0 * u * t * t, t * t * t];
        let sum = |f: fn(&Point) -> f64| self.0.iter().zip(weights).map(|(p, w)| f(p) * w).sum();
        (sum(|p| p.0), sum(|p| p.1))
    }

    /// Points along it, both ends among them.
    pub fn points(&self, from: f64, to: f64, count: usize) -> Vec<Point> {
        (0..=count).map(|k| self.at(from + (to - from) * k as f64 / count.max(1) as f64)).collect()
    }

    /// The first t after `from`, in steps of `step`, at which the curve is `outside`; `from` where it never is.
    fn leaves(&self, outside: impl Fn(Point) -> bool, from: f64, step: f64) -> f64 {
        let mut t = from;
        while (0.0..=1.0).contains(&t) {
            if outside(self.at(t)) {
                return t;
            }
            t += step;
        }
        from
    }
}

impl Node {
    /// The room that the circle and the name take.
    pub fn footprint(&self) -> Block {
        let name = text_width(&shown(&self.name, 10), NAME) / 2.0 + 2.0;
        Block { x: self.at.0, y: self.at.1, w: name.max(self.radius + 2.0), h: self.radius + 2.0 }
    }
}

impl LabelLine {
    /// How wide the ground behind the token's name is.
    fn ground(&self) -> f64 {
        self.token.as_ref().map_or(0.0, |(_, name)| (text_width(name, SIZE) + 8.0).max(15.0))
    }

    /// The line's width, CSS pixels.
    pub fn width(&self) -> f64 {
        self.ground() + if self.token.is_some() { 4.0 } else { 0.0 } + text_width(&self.text, SIZE)
    }
}

impl Edge {
    /// P(next state | state): the sum over the tokens of this edge.
    pub fn probability(&self) -> f64 {
        self.emissions.iter().map(|e| e.1).sum()
    }

    /// What may be written beside the arrow.
    pub fn lines(&self, tokens: &[String]) -> Vec<LabelLine> {
        if self.emissions.len() > NAMED {
            let text = format!("{} tokens {}", self.emissions.len(), probability(self.probability()));
            return vec![LabelLine { token: None, text }];
        }
        let line = |&(token, p): &(u16, f64)| LabelLine {
            token: Some((token, shown(&name(tokens, token), 9))),
            text: probability(p),
        };
        self.emissions.iter().map(line).collect()
    }

    /// Half the room that its words take.
    pub fn extent(&self, tokens: &[String]) -> (f64, f64) {
        let lines = self.lines(tokens);
        let w = lines.iter().map(LabelLine::width).fold(0.0, f64::max);
        (w / 2.0 + 3.0, lines.len() as f64 * LINE / 2.0 + 1.0)
    }
}

/// A token's name; its number where it has none.
fn name(tokens: &[String], token: u16) -> String {
    tokens.get(usize::from(token)).cloned().unwrap_or_else(|| token.to_string())
}

/// From the graph's own places to the view's.
#[derive(Clone, Copy)]
struct Fit {
    scale: f64,
    by: Point,
}

impl Fit {
    fn place(&self, (x, y): Point) -> Point {
        (self.by.0 + self.scale * x, self.by.1 + self.scale * y)
    }

    fn back(&self, (x, y): Point) -> Point {
        ((x - self.by.0) / self.scale, (y - self.by.1) / self.scale)
    }
}

/// An arrow's line, and its head.
struct Arrow {
    line: Vec<Point>,
    head: [Point; 3],
    width: f64,
}

/// What a cursor is on.
enum Place<'a> {
    Node(&'a Node, usize),
    Edge(&'a Edge),
}

impl Graph {
    /// The words of an edge and the room that they take.
    pub fn block(&self, edge: &Edge) -> Option<Block> {
        let (w, h) = edge.extent(&self.tokens);
        edge.label.map(|(x, y)| Block { x, y, w, h })
    }

    /// Opposite corners of everything.
    fn corners(&self) -> Option<(Point, Point)> {
        let nodes = self.nodes.iter().map(Node::footprint);
        let labels = self.edges.iter().filter_map(|e| self.block(e));
        let curves = self.edges.iter().flat_map(|e| e.curve.points(0.0, 1.0, 16));
        let blocks = nodes.chain(labels).chain(curves.map(|(x, y)| Block { x, y, w: 4.0, h: 4.0 }));
        blocks
            .map(|b| ((b.x - b.w, b.y - b.h), (b.x + b.w, b.y + b.h)))
            .reduce(|(a, b), (c, d)| ((a.0.min(c.0), a.1.min(c.1)), (b.0.max(d.0), b.1.max(d.1))))
    }

    fn fit(&self, view: &View) -> Option<Fit> {
        let (low, high) = self.corners()?;
        let top = MARGIN + frame::title_room(view);
        let (wide, tall) = ((high.0 - low.0).max(1.0), (high.1 - low.1).max(1.0));
        let room = ((view.width - 2.0 * MARGIN).max(10.0), (view.height - top - MARGIN).max(10.0));
        let scale = (room.0 / wide).min(room.1 / tall).min(LARGEST);
        let by = (
            MARGIN + (room.0 - scale * wide) / 2.0 - scale * low.0,
            top + (room.1 - scale * tall) / 2.0 - scale * low.1,
        );
        Some(Fit { scale, by })
    }

    /// Along the curve, from the edge of its first state to that of the last one: its circle, or its name.
    fn arrow(&self, edge: &Edge) -> Option<Arrow> {
        let (first, last) = (self.nodes.get(edge.from)?, self.nodes.get(edge.to)?);
        let curve = &edge.curve;
        let far = |p: Point, q: Point| (p.0 - q.0).hypot(p.1 - q.1);
        let footprint = last.footprint();
        let named = Block { h: 8.0, ..footprint };
        let long_name = footprint.w > last.radius + 2.0;
        let beyond = |p: Point| far(p, last.at) >= last.radius + 1.5 && !(long_name && named.holds(p));
        let from = curve.leaves(|p| far(p, first.at) >= first.radius, 0.0, 0.005);
        let tip = curve.leaves(beyond, 1.0, -0.005);
        let base = curve.leaves(|p| far(p, curve.at(tip)) >= 8.0, tip, -0.005).max(from + 0.02);
        let (t, b) = (curve.at(tip), curve.at(base));
        let width = 1.0 + 1.8 * edge.probability();
        let (dx, dy) = (t.0 - b.0, t.1 - b.1);
        let length = dx.hypot(dy).max(1e-6);
        let half = 3.4 + 0.6 * width;
        let (nx, ny) = (-dy / length * half, dx / length * half);
        let head = [t, (b.0 + nx, b.1 + ny), (b.0 - nx, b.1 - ny)];
        Some(Arrow { line: curve.points(from, base, 24), head, width })
    }

    fn ink(&self, edge: &Edge) -> Ink {
        match edge.emissions[..] {
            [(token, _)] => Ink::Token { token: usize::from(token), vocab: self.tokens.len() },
            _ => Ink::Muted,
        }
    }

    fn place(&self, cursor: f64) -> Option<Place<'_>> {
        let index = (cursor.is_finite() && cursor >= 0.0).then_some(cursor.round() as usize)?;
        match self.nodes.get(index) {
            Some(node) => Some(Place::Node(node, index)),
            None => self.edges.get(index - self.nodes.len()).map(Place::Edge),
        }
    }

    fn draw_arrow(&self, marks: &mut Vec<Mark>, fit: Fit, edge: &Edge, theme: &Theme, alpha: f64, wider: f64) {
        let Some(arrow) = self.arrow(edge) else { return };
        let colour = self.ink(edge).hue(theme).line;
        let points = arrow.line.iter().map(|p| fit.place(*p)).collect();
        let width = fit.scale.max(0.7) * arrow.width + wider;
        marks.push(Mark::Line { points, stroke: Stroke::new(colour, width).alpha(alpha) });
        marks.push(Mark::Area { points: arrow.head.iter().map(|p| fit.place(*p)).collect(), colour, alpha });
    }

    fn draw_node(&self, marks: &mut Vec<Mark>, fit: Fit, node: &Node, theme: &Theme) {
        let at = fit.place(node.at);
        let radius = fit.scale * node.radius;
        if node.share < PASSED {
            marks.push(Mark::Dot { at, radius, colour: theme.surface });
            let stroke = Stroke::new(theme.axis, 1.6).dash(Dash::Short);
            marks.push(Mark::Line { points: ring(at, radius), stroke });
        } else {
            marks.push(Mark::Dot { at, radius, colour: theme.text });
            marks.push(Mark::Dot { at, radius: radius - 1.6, colour: theme.surface });
        }
        let size = fit.scale * NAME;
        if size < LEAST {
            return;
        }
        let text = shown(&node.name, 10);
        let half = text_width(&text, size) / 2.0;
        if half > radius - 2.0 {
            let (w, h) = (half, 0.55 * size);
            let (from, to) = ((at.0 - w, at.1 - h), (at.0 + w, at.1 + h));
            marks.push(Mark::Box { from, to, colour: theme.surface, alpha: 0.85 });
        }
        let (x, y) = at;
        marks.push(Mark::Text(Label { x, y, text, size, colour: theme.text, anchor: Anchor::Middle, bold: true }));
    }

    fn draw_words(&self, marks: &mut Vec<Mark>, fit: Fit, edge: &Edge, theme: &Theme) {
        let size = fit.scale * SIZE;
        let Some(block) = self.block(edge).filter(|_| size >= LEAST) else { return };
        let corner = |sign: f64| fit.place((block.x + sign * block.w, block.y + sign * block.h));
        marks.push(Mark::Box { from: corner(-1.0), to: corner(1.0), colour: theme.surface, alpha: 0.88 });
        let lines = edge.lines(&self.tokens);
        for (k, line) in lines.iter().enumerate() {
            let y = block.y + (k as f64 - (lines.len() as f64 - 1.0) / 2.0) * LINE;
            let mut x = block.x - line.width() / 2.0;
            if let Some((token, name)) = &line.token {
                let (from, to) = (fit.place((x, y - 7.5)), fit.place((x + line.ground(), y + 7.5)));
                let colour = theme.token_tint(usize::from(*token), self.tokens.len());
                marks.push(Mark::Box { from, to, colour, alpha: 1.0 });
                let (middle, high) = fit.place((x + line.ground() / 2.0, y));
                marks.push(frame::words(middle, high, name, size, theme.text, Anchor::Middle));
                x += line.ground() + 4.0;
            }
            let (left, high) = fit.place((x, y));
            marks.push(frame::words(left, high, &line.text, size, theme.text, Anchor::Start));
        }
    }

    /// `0 with probability 0.5 to B`.
    fn words(&self, edge: &Edge) -> String {
        let mut parts: Vec<String> = edge
            .emissions
            .iter()
            .take(NAMED)
            .map(|&(token, p)| format!("{} with probability {}", name(&self.tokens, token), probability(p)))
            .collect();
        if edge.emissions.len() > parts.len() {
            parts.push(format!("{} more tokens", edge.emissions.len() - parts.len()));
        }
        format!("{} to {}", parts.join(", "), self.state(edge.to))
    }

    fn state(&self, index: usize) -> &str {
        self.nodes.get(index).map_or("", |n| n.name.as_str())
    }
}

/// A circle as a line.
fn ring((x, y): Point, radius: f64) -> Vec<Point> {
    let angle = |i: i32| f64::from(i) * std::f64::consts::TAU / 48.0;
    (0..=48).map(|i| (x + radius * angle(i).cos(), y + radius * angle(i).sin())).collect()
}

impl Chart for Graph {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn height(&self, width: f64) -> Option<f64> {
        let (low, high) = self.corners()?;
        let scale = ((width - 2.0 * MARGIN).max(10.0) / (high.0 - low.0).max(1.0)).min(LARGEST);
        Some(scale * (high.1 - low.1) + 2.0 * MARGIN)
    }

    fn scene(&self, view: &View) -> Scene {
        let (mut axes, mut series) = (Vec::new(), Vec::new());
        frame::title(&mut axes, view, &self.title);
        let Some(fit) = self.fit(view) else { return Scene { axes, series } };
        let theme = &view.theme;
        let strongest = self.edges.iter().map(Edge::probability).fold(f64::MIN_POSITIVE, f64::max);
        let labelled = self.edges.iter().any(|e| e.label.is_some());
        for edge in &self.edges {
            let alpha = if labelled { 1.0 } else { 0.12 + 0.88 * (edge.probability() / strongest).sqrt() };
            self.draw_arrow(&mut series, fit, edge, theme, alpha, 0.0);
        }
        for node in &self.nodes {
            self.draw_node(&mut series, fit, node, theme);
        }
        for edge in &self.edges {
            self.draw_words(&mut series, fit, edge, theme);
        }
        Scene { axes, series }
    }

    fn cursor_at(&self, view: &View, x: f64, y: f64) -> Option<f64> {
        let fit = self.fit(view)?;
        let p = fit.back((x, y));
        let far = |q: Point| (p.0 - q.0).hypot(p.1 - q.1);
        if let Some(index) = self.nodes.iter().position(|n| far(n.at) <= n.radius) {
            return Some(index as f64);
        }
        let labelled = self.edges.iter().position(|e| self.block(e).is_some_and(|b| b.holds(p)));
        let near = || {
            let off = |e: &Edge| e.curve.points(0.0, 1.0, 40).into_iter().map(far).fold(f64::INFINITY, f64::min);
            let nearest = self.edges.iter().map(off).enumerate().min_by(|a, b| a.1.total_cmp(&b.1))?;
            (nearest.1 * fit.scale <= NEAR).then_some(nearest.0)
        };
        labelled.or_else(near).map(|index| (self.nodes.len() + index) as f64)
    }

    fn cursor_moved(&self, from: Option<f64>, by: i64) -> Option<f64> {
        Some(crate::chart::moved(from, by, 0, (self.nodes.len() + self.edges.len()).checked_sub(1)?))
    }

    fn readout(&self, view: &View, cursor: f64) -> Option<Readout> {
        let fit = self.fit(view)?;
        let line = |name: String, value: String, how: String, ink: Ink| ReadoutLine {
            name,
            value,
            how,
            hue: Some(ink.hue(&view.theme)),
            at: None,
        };
        match self.place(cursor)? {
            Place::Node(node, index) => {
                let (x, y) = fit.place(node.at);
                let radius = fit.scale * node.radius;
                let share = match node.share < PASSED {
                    true => "only passed through at the beginning".into(),
                    false => format!("{} of the time in the long run", probability(node.share)),
                };
                let mut lines = vec![line("here".into(), share, String::new(), Ink::Text)];
                for edge in self.edges.iter().filter(|e| e.from == index).take(12) {
                    let to = format!("to {}", self.state(edge.to));
                    let names = edge.emissions.iter().take(NAMED).map(|e| name(&self.tokens, e.0));
                    let how = format!("by {}", names.collect::<Vec<_>>().join(", "));
                    lines.push(line(to, number::precise(edge.probability()), how, self.ink(edge)));
                }
                let title = format!("State {}", node.name);
                Some(Readout { cursor, rule: [(x, y - radius), (x, y + radius)], title, lines })
            }
            Place::Edge(edge) => {
                let (x, y) = fit.place(edge.curve.at(0.5));
                let vocab = self.tokens.len();
                let lines = edge.emissions.iter().take(12).map(|&(token, p)| {
                    let ink = Ink::Token { token: usize::from(token), vocab };
                    line(name(&self.tokens, token), format!("probability {}", number::precise(p)), String::new(), ink)
                });
                let mut lines: Vec<ReadoutLine> = lines.collect();
                if edge.emissions.len() > lines.len() {
                    let more = format!("{} more tokens", edge.emissions.len() - lines.len());
                    lines.push(line("and".into(), more, String::new(), Ink::Muted));
                }
                let title = format!("{} to {}", self.state(edge.from), self.state(edge.to));
                Some(Readout { cursor, rule: [(x, y - 4.0), (x, y + 4.0)], title, lines })
            }
        }
    }

    fn highlight(&self, view: &View, readout: &Readout) -> Vec<Mark> {
        let mut marks = Vec::new();
        let Some((fit, place)) = self.fit(view).zip(self.place(readout.cursor)) else { return marks };
        match place {
            Place::Node(node, _) => {
                let points = ring(fit.place(node.at), fit.scale * node.radius + 3.0);
                marks.push(Mark::Line { points, stroke: Stroke::new(view.theme.model.line, 2.5) });
            }
            Place::Edge(edge) => {
                self.draw_arrow(&mut marks, fit, edge, &view.theme, 0.75, 2.5);
                self.draw_words(&mut marks, fit, edge, &view.theme);
            }
        }
        marks
    }

    fn summary(&self) -> String {
        /// More transitions than a listener follows.
        const LISTED: usize = 12;
        let mut ways: Vec<&Edge> = self.edges.iter().collect();
        let many = ways.len() > LISTED;
        if many {
            ways.sort_by(|a, b| b.probability().total_cmp(&a.probability()));
            ways.truncate(LISTED);
        }
        let described: Vec<String> =
            ways.iter().map(|e| format!("from {}: {}", self.state(e.from), self.words(e))).collect();
        let of = if many { "; the likeliest are " } else { ": " };
        let counts = format!("{} states and {} transitions", self.nodes.len(), self.edges.len());
        format!("{}. {counts}{of}{}. {}", self.title, described.join("; "), self.about).trim_end().into()
    }

    fn csv(&self) -> String {
        let mut csv = String::from("from,to,token,probability,long-run share of from\n");
        for edge in &self.edges {
            let share = cell(self.nodes.get(edge.from).map(|n| n.share));
            for &(token, p) in &edge.emissions {
                let [from, to] = [edge.from, edge.to].map(|i| quoted(self.state(i)));
                csv.push_str(&format!("{from},{to},{},{p},{share}\n", quoted(&name(&self.tokens, token))));
            }
        }
        csv
    }
}

#[cfg(test)]
mod tests;

//! The state graph of one process: states as circles whose areas are their long-run shares, ways between them as arrows that carry
//! the token and its chance.

use super::{
    Drawing,
    layout::Point,
    plan::{Block, Curve, LINE, Line, Plan, SIZE, Way},
    svg::{AXIS, Anchor, INK, MUTED, Paint, SURFACE, Svg, chance, escape, num, paints, short, width},
};

/// The graph as planned, over `vocab` tokens; `states` and `tokens` are names.
pub fn draw(plan: &Plan, vocab: usize, states: &[String], tokens: &[String]) -> Drawing {
    let mut picture = Drawing::default();
    let strongest = plan.ways.iter().map(|w| w.p).fold(0.0, f64::max);
    for (way, curve) in plan.ways.iter().zip(&plan.curves) {
        picture.svg.open((0.0, 0.0), &title(way, states, tokens));
        let paint = match way.tokens[..] {
            [(token, _)] => Paint::token_line(token, vocab),
            _ => MUTED,
        };
        let faint = match plan.labelled {
            true => String::new(),
            false => format!(r#" opacity="{:.2}""#, 0.12 + 0.88 * (way.p / strongest).sqrt()),
        };
        let end = (plan.nodes[way.to], plan.radii[way.to]);
        arrow(&mut picture.svg, curve, end, 1.0 + 1.8 * way.p, paint, &faint);
        picture.svg.close();
        (0..=16).for_each(|k| picture.reach(curve.at(f64::from(k) / 16.0), 4.0, 4.0));
    }
    for (i, state) in states.iter().enumerate() {
        node(&mut picture, plan.places[i], plan.radii[i], plan.law[i], state);
        let Block { x, y, w, h } = plan.nodes[i];
        picture.reach((x, y), w, h);
    }
    for ((way, lines), block) in plan.ways.iter().zip(&plan.labels).zip(&plan.blocks) {
        if !lines.is_empty() {
            picture.svg.open((0.0, 0.0), &title(way, states, tokens));
            write_label(&mut picture.svg, lines, block, vocab);
            picture.svg.close();
            picture.reach((block.x, block.y), block.w, block.h);
        }
    }
    picture
}

fn title(way: &Way, states: &[String], tokens: &[String]) -> String {
    let mut parts: Vec<String> = way
        .tokens
        .iter()
        .take(12)
        .map(|&(token, p)| format!("{} with chance {}", tokens[usize::from(token)], chance(p)))
        .collect();
    if way.tokens.len() > parts.len() {
        parts.push(format!("{} more tokens", way.tokens.len() - parts.len()));
    }
    format!("{} to {}: {}", states[way.from], states[way.to], parts.join(", "))
}

/// Along the curve, from its first state's edge to that of the last one: its circle of `radius`, or its name.
fn arrow(svg: &mut Svg, curve: &Curve, (node, radius): (Block, f64), wide: f64, paint: Paint, more: &str) {
    let [start, .., end] = curve.0;
    let far = |p: Point, q: Point| (p.0 - q.0).hypot(p.1 - q.1);
    let named = Block { h: 8.0, ..node };
    let beyond = |p: Point| far(p, end) >= radius + 1.5 && (node.w <= radius + 2.0 || !named.holds(p));
    let from = if start == end { curve.leaves(|p| far(p, start) >= radius, 0.0, 0.005) } else { 0.0 };
    let tip = curve.leaves(beyond, 1.0, -0.005);
    let base = curve.leaves(|p| far(p, curve.at(tip)) >= 8.0, tip, -0.005);
    let visible = curve.part(from, base.max(from + 0.05));
    svg.line(&visible.d(), wide, paint, more);
    let (t, b) = (curve.at(tip), visible.0[3]);
    let (dx, dy) = (t.0 - b.0, t.1 - b.1);
    let length = dx.hypot(dy).max(1e-6);
    let half = 3.4 + 0.6 * wide;
    let (nx, ny) = (-dy / length * half, dx / length * half);
    let point = |p: Point| format!("{} {}", num(p.0), num(p.1));
    let d = format!("M{}L{} {}z", point(t), point((b.0 + nx, b.1 + ny)), point((b.0 - nx, b.1 - ny)));
    svg.raw(&format!(r#"<path d="{d}" {}{more}/>"#, paint.fill()));
}

fn node(picture: &mut Drawing, place: Point, radius: f64, share: f64, name: &str) {
    let passing = share < 1e-12;
    let about = match passing {
        true => "only passed through at the beginning".into(),
        false => format!("{} of the time in the long run", chance(share)),
    };
    picture.svg.open((0.0, 0.0), &format!("State {name}: {about}"));
    picture.svg.raw(&format!(
        r#"<circle cx="{}" cy="{}" r="{}" stroke-width="1.6"{} {}/>"#,
        num(place.0),
        num(place.1),
        num(radius),
        if passing { r#" stroke-dasharray="3 3""# } else { "" },
        paints(&[("fill", SURFACE), ("stroke", if passing { AXIS } else { INK })]),
    ));
    let name = short(name, 10);
    let halo = match width(&name) * 12.0 > 2.0 * radius - 4.0 {
        true => r#" stroke-width="3.5" stroke-linejoin="round" paint-order="stroke""#,
        false => "",
    };
    picture.svg.raw(&format!(
        r#"<text x="{}" y="{}" font-size="12" font-weight="600" text-anchor="middle"{halo} {}>{}</text>"#,
        num(place.0),
        num(place.1 + 4.2),
        paints(&[("fill", INK), ("stroke", if halo.is_empty() { Paint::None } else { SURFACE })]),
        escape(&name),
    ));
    picture.svg.close();
}

fn write_label(svg: &mut Svg, lines: &[Line], block: &Block, vocab: usize) {
    svg.raw(&format!(
        r#"<rect x="{}" y="{}" width="{}" height="{}" rx="4" opacity="0.88" {}/>"#,
        num(block.x - block.w),
        num(block.y - block.h),
        num(2.0 * block.w),
        num(2.0 * block.h),
        SURFACE.fill(),
    ));
    for (k, line) in lines.iter().enumerate() {
        let y = block.y + (k as f64 - (lines.len() as f64 - 1.0) / 2.0) * LINE;
        let mut x = block.x - line.width() / 2.0;
        if let Some((token, name)) = &line.token {
            svg.rect((x, y - 7.5), (line.pill(), 15.0), 4.0, Paint::token(*token, vocab), "");
            svg.text((x + line.pill() / 2.0, y), SIZE, INK, Anchor::Middle, name);
            x += line.pill() + 4.0;
        }
        svg.text((x, y), SIZE, INK, Anchor::Start, &line.text);
    }
}

//! Coins and dice: a bar per topic, cut into the chances of its tokens.

use super::{
    Drawing,
    svg::{Anchor, INK, Paint, chance, short, width},
};
use crate::world::Hmm;

const BAR: f64 = 440.0;
const ROW: f64 = 25.0;
const HEIGHT: f64 = 20.0;
const SIZE: f64 = 11.0;

/// A row per process of one state, under its caption.
pub fn draw(rows: &[(String, Hmm)], tokens: &[String]) -> Drawing {
    let mut picture = Drawing::default();
    let captions: Vec<String> = rows.iter().map(|(caption, _)| short(caption, 40).replace('␣', " ")).collect();
    let left = captions.iter().map(|c| 12.0 * width(c)).fold(0.0, f64::max);
    for (k, ((_, hmm), caption)) in rows.iter().zip(&captions).enumerate() {
        let (y, mut x) = (k as f64 * ROW, 0.0);
        picture.svg.text((-10.0, y + HEIGHT / 2.0), 12.0, INK, Anchor::End, caption);
        for exit in hmm.exits(0) {
            let (name, wide) = (&tokens[usize::from(exit.token)], exit.p * BAR);
            let paint = Paint::token(exit.token, hmm.vocab());
            picture.svg.open((0.0, 0.0), &format!("{name} with chance {}", chance(exit.p)));
            picture.svg.rect((x, y), (wide, HEIGHT), 0.0, paint, "");
            let name = short(name, 8);
            let full = format!("{name}: {}", chance(exit.p));
            let fits = |text: &String| width(text) * SIZE + 6.0 <= wide;
            if let Some(text) = [full, name].iter().find(|t| fits(t)) {
                picture.svg.text((x + wide / 2.0, y + HEIGHT / 2.0), SIZE, INK, Anchor::Middle, text);
            }
            picture.svg.close();
            x += wide;
        }
    }
    let height = rows.len() as f64 * ROW;
    picture.reach(((BAR - left - 12.0) / 2.0, height / 2.0), (BAR + left + 12.0) / 2.0, height / 2.0);
    picture
}

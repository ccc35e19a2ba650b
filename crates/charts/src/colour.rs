//! Colours as numbers, and the hues of things that are many: tokens and topics. `app::theme` says what each colour means.

use std::fmt;

use serde::{Deserialize, Serialize};

/// sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl Rgb {
    /// WCAG's relative luminance, 0 to 1.
    pub fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// WCAG's contrast ratio, 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// From OKLCH: lightness 0 to 1, chroma, hue in degrees. Channels out of gamut are clipped.
    /// Björn Ottosson's matrices (2020).
    pub fn from_oklch(lightness: f64, chroma: f64, hue: f64) -> Self {
        let (a, b) = (chroma * sine(hue + 90.0), chroma * sine(hue));
        let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
        let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
        let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
        let channel = |linear: f64| {
            let c = linear.clamp(0.0, 1.0);
            let c = if c <= 0.003_130_8 { 12.92 * c } else { 1.055 * (c.ln() / 2.4).exp() - 0.055 };
            (c * 255.0).round() as u8
        };
        Self(
            channel(4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s),
            channel(-1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s),
            channel(-0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s),
        )
    }
}

/// Sine of an angle in degrees to within 0.002, which no colour shows (Bhaskara I, 629). The standard library's brings 7 kB of
/// argument reduction to the page.
fn sine(degrees: f64) -> f64 {
    let turned = turn(degrees);
    let (sign, x) = if turned < 180.0 { (1.0, turned) } else { (-1.0, turned - 180.0) };
    let product = x * (180.0 - x);
    sign * 4.0 * product / (40_500.0 - product)
}

/// The same angle from 0 to 360 degrees. The remainder of floats is 1 kB of the page, for digits that no angle has.
fn turn(degrees: f64) -> f64 {
    degrees - 360.0 * (degrees / 360.0).floor()
}

/// As CSS reads it: `#0072b2`.
impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// Degrees: successive numbers land far apart, however many there are.
pub fn golden_angle(index: usize) -> f64 {
    turn(index as f64 * 137.507_764)
}

/// The hue of a token of a vocabulary of `vocab`, degrees.
pub fn token_angle(token: usize, vocab: usize) -> f64 {
    if vocab <= 12 { 30.0 + 360.0 * token as f64 / vocab.max(1) as f64 } else { 30.0 + golden_angle(token) }
}

/// A hue to set text on.
pub fn tint(dark: bool, angle: f64) -> Rgb {
    if dark { Rgb::from_oklch(0.42, 0.075, angle) } else { Rgb::from_oklch(0.9, 0.06, angle) }
}

/// A hue for lines on the theme's background.
pub fn stroke(dark: bool, angle: f64) -> Rgb {
    if dark { Rgb::from_oklch(0.76, 0.11, angle) } else { Rgb::from_oklch(0.55, 0.13, angle) }
}

/// From little to much in one hue's family, lightness alone telling which: in the light theme darker is more, in the dark one
/// lighter is.
pub fn ramp(share: f64) -> (Rgb, Rgb) {
    let hue = 215.0 + 50.0 * share;
    (
        Rgb::from_oklch(0.965 - 0.565 * share, 0.02 + 0.11 * share, hue),
        Rgb::from_oklch(0.29 + 0.55 * share, 0.03 + 0.08 * share, hue),
    )
}

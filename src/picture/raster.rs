//! Many values at once: one image instead of a mark for each. For both themes, since the image holds only how much of the strongest
//! colour covers the weakest.

use std::fmt::Write;

use super::svg::{AXIS, Anchor, MUTED, Paint, Svg, num, paints, width};
use crate::colour::{Rgb, ramp};

/// Steps of a legend.
const STEPS: usize = 24;

/// A grid of shares of the ramp, 0 to 1; NaN where there is nothing.
pub struct Raster<'a> {
    /// [rows, columns] row-major, from the top down.
    pub shares: &'a [f64],
    pub columns: usize,
    /// Unlike any other on the page: the image is used by this name.
    pub id: &'a str,
}

impl Raster<'_> {
    /// Draws it with its upper left corner at `corner`. Nothing where there are no whole rows.
    pub fn draw(&self, svg: &mut Svg, corner: (f64, f64), size: (f64, f64)) {
        let Some(rows) = self.shares.len().checked_div(self.columns).filter(|rows| *rows > 0) else { return };
        let shares = &self.shares[..rows * self.columns];
        let (wide, high) = (size.0 / self.columns as f64, size.1 / rows as f64);
        svg.open(corner, "");
        // The weakest colour wherever there is a value.
        let mut known = String::new();
        for (i, row) in shares.chunks_exact(self.columns).enumerate() {
            let mut j = 0;
            while j < row.len() {
                let run = row[j..].iter().take_while(|v| !v.is_nan()).count();
                if run > 0 {
                    // Writing to a string cannot fail.
                    let _ = write!(known, "M{j} {i}h{run}v1h-{run}z");
                }
                j += run + 1;
            }
        }
        svg.raw(&format!(
            r#"<path d="{known}" transform="scale({wide:.4} {high:.4})" shape-rendering="crispEdges" {}/>"#,
            shade(0.0).fill()
        ));
        let bytes: Vec<u8> =
            shares.iter().map(|v| if v.is_nan() { 0 } else { (255.0 * v.clamp(0.0, 1.0)).round() as u8 }).collect();
        let (width, height) = (num(size.0), num(size.1));
        svg.raw(&format!(
            r#"<mask id="{id}" maskUnits="userSpaceOnUse" x="0" y="0" width="{width}" height="{height}"><image width="{width}" height="{height}" preserveAspectRatio="none" image-rendering="pixelated" style="image-rendering:pixelated" href="data:image/png;base64,{}"/></mask><rect width="{width}" height="{height}" mask="url(#{id})" {}/>"#,
            base64(&png(&bytes, self.columns)),
            shade(1.0).fill(),
            id = self.id,
        ));
        svg.raw(&format!(
            r#"<rect width="{width}" height="{height}" stroke-width="1" {}/>"#,
            paints(&[("fill", Paint::None), ("stroke", AXIS)])
        ));
        svg.close();
    }
}

/// The colour of a share: between the ramp's ends, mixed as the image is.
pub fn shade(share: f64) -> Paint {
    let share = share.clamp(0.0, 1.0);
    let ((from_light, from_dark), (to_light, to_dark)) = (ramp(0.0), ramp(1.0));
    let mix = |from: Rgb, to: Rgb| {
        let channel = |a: u8, b: u8| (f64::from(a) + share * (f64::from(b) - f64::from(a))).round() as u8;
        Rgb(channel(from.0, to.0), channel(from.1, to.1), channel(from.2, to.2))
    };
    Paint::Either(mix(from_light, to_light), mix(from_dark, to_dark))
}

/// The ramp with words at both ends, its left middle at `at`; gives its width.
pub fn legend(svg: &mut Svg, at: (f64, f64), low: &str, high: &str) -> f64 {
    const SIZE: f64 = 11.5;
    let start = at.0 + SIZE * width(low) + 6.0;
    svg.text(at, SIZE, MUTED, Anchor::Start, low);
    for step in 0..STEPS {
        let x = start + 4.0 * step as f64;
        svg.rect((x, at.1 - 5.0), (4.4, 10.0), 0.0, shade(step as f64 / (STEPS - 1) as f64), "");
    }
    let end = start + 4.0 * STEPS as f64 + 6.0;
    svg.text((end, at.1), SIZE, MUTED, Anchor::Start, high);
    end + SIZE * width(high) - at.0
}

/// An 8-bit greyscale PNG, not compressed (PNG specification, third edition; RFC 1950 and 1951 for what holds the rows).
fn png(bytes: &[u8], columns: usize) -> Vec<u8> {
    let rows = bytes.len() / columns;
    // Each row begins with its filter: none.
    let lines: Vec<u8> = bytes.chunks_exact(columns).flat_map(|row| [&[0], row].concat()).collect();
    let mut zlib = vec![0x78, 0x01];
    let mut blocks = lines.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        zlib.push(u8::from(blocks.peek().is_none()));
        zlib.extend(length.to_le_bytes());
        zlib.extend((!length).to_le_bytes());
        zlib.extend_from_slice(block);
    }
    zlib.extend(adler32(&lines).to_be_bytes());
    let mut header = Vec::new();
    header.extend((columns as u32).to_be_bytes());
    header.extend((rows as u32).to_be_bytes());
    // 8 bits, grey, and the only compression, filters and order there are.
    header.extend([8, 0, 0, 0, 0]);
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in [(b"IHDR", &header), (b"IDAT", &zlib), (b"IEND", &Vec::new())] {
        let chunk = [name.as_slice(), data].concat();
        out.extend((data.len() as u32).to_be_bytes());
        out.extend_from_slice(&chunk);
        out.extend(crc32(&chunk).to_be_bytes());
    }
    out
}

fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1, 0), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc: u32, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_and_base64_are_the_published_ones() {
        // The check value of CRC-32/ISO-HDLC, RFC 1950's Adler-32 of a known word, and RFC 4648's test vectors.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
        let texts = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|t| base64(t.as_bytes()));
        assert_eq!(texts, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }

    #[test]
    fn an_image_is_a_png() {
        // As `zlib.compress(level=0)` and `zlib.crc32` of Python make it: 2 x 2, greys 0, 128 above 255, 64.
        let expected =
            "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAAEUlEQVR4AQEGAPn/AACAAP9ABEQBwErcLjsAAAAASUVORK5CYII=";
        assert_eq!(base64(&png(&[0, 128, 255, 64], 2)), expected);
        // More than one block of 65535 bytes: header, chunks, 5 bytes a block, and a filter a row.
        let large = png(&vec![7; 300 * 300], 300);
        assert_eq!(large.len(), 8 + 25 + 12 + (2 + 2 * 5 + 300 * 301 + 4) + 12);
    }

    #[test]
    fn unknown_cells_stay_empty() {
        let mut svg = Svg::default();
        let shares = [0.0, f64::NAN, 1.0, f64::NAN, f64::NAN, 0.5];
        Raster { shares: &shares, columns: 3, id: "a" }.draw(&mut svg, (0.0, 0.0), (30.0, 20.0));
        assert!(svg.markup().contains(r#"d="M0 0h1v1h-1zM2 0h1v1h-1zM2 1h1v1h-1z""#), "{}", svg.markup());
        let mut nothing = Svg::default();
        Raster { shares: &[], columns: 3, id: "a" }.draw(&mut nothing, (0.0, 0.0), (30.0, 20.0));
        Raster { shares: &[1.0], columns: 0, id: "a" }.draw(&mut nothing, (0.0, 0.0), (30.0, 20.0));
        assert_eq!(nothing.markup(), "");
    }

    #[test]
    fn more_is_darker_on_light_and_lighter_on_dark() {
        let shades: Vec<Paint> = (0..=50).map(|i| shade(f64::from(i) / 50.0)).collect();
        for pair in shades.windows(2) {
            let (Paint::Either(light, dark), Paint::Either(next_light, next_dark)) = (pair[0], pair[1]) else {
                panic!("two themes");
            };
            assert!(next_light.luminance() < light.luminance() && next_dark.luminance() > dark.luminance());
        }
    }
}

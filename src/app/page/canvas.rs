//! A chart's marks on a canvas, by plotters' canvas backend.
//!
//! plotters' own axes and elements are not used: on wasm the axes measure text by adding elements to the page, and know no
//! device-pixel ratio. plotters rounds to whole pixels: on a plain screen a scale of 2 (and a canvas twice its shown size) draws slopes
//! without steps.

use leptos::prelude::{document, window};
use plotters::{
    prelude::DrawingBackend,
    style::{
        Color, FontDesc, FontFamily, FontStyle, RGBAColor, RGBColor, ShapeStyle, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};
use plotters_canvas::CanvasBackend;
use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use crate::app::{
    charts::{
        View,
        scene::{Anchor, FONT, Mark, Scene, cut, is_sound, rgba},
    },
    theme::Rgb,
};

pub fn context(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    canvas.get_context("2d").ok().flatten()?.dyn_into().ok()
}

/// Device pixels for each CSS pixel.
pub fn device_scale() -> f64 {
    window().device_pixel_ratio().clamp(0.5, 4.0)
}

/// Sizes or clears a layer.
pub fn clear(canvas: &HtmlCanvasElement, view: &View, scale: f64) {
    let (width, height) = ((view.width * scale).round() as u32, (view.height * scale).round() as u32);
    if (canvas.width(), canvas.height()) != (width, height) {
        canvas.set_width(width);
        canvas.set_height(height);
    } else if let Some(context) = context(canvas) {
        context.clear_rect(0.0, 0.0, f64::from(width), f64::from(height));
    }
}

/// A chart with its background as the URL of a PNG, twice as sharp as its size on the page.
pub fn png(scene: &Scene, view: &View) -> Option<String> {
    const SCALE: f64 = 2.0;
    let paper = document().create_element("canvas").ok()?.dyn_into::<HtmlCanvasElement>().ok()?;
    paper.set_width((view.width * SCALE) as u32);
    paper.set_height((view.height * SCALE) as u32);
    let ground = context(&paper)?;
    ground.set_fill_style_str(&view.theme.surface.to_string());
    ground.fill_rect(0.0, 0.0, f64::from(paper.width()), f64::from(paper.height()));
    draw(&scene.axes, &paper, SCALE);
    draw(&scene.series, &paper, SCALE);
    paper.to_data_url().ok()
}

/// Draws `marks` over what is there, `scale` device pixels for each CSS pixel. A canvas that refuses a mark shows one mark less.
pub fn draw(marks: &[Mark], canvas: &HtmlCanvasElement, scale: f64) {
    if let Some(mut backend) = CanvasBackend::with_canvas_object(canvas.clone()) {
        for mark in marks {
            let _ = match mark {
                Mark::Image { .. } => image(mark, canvas, scale),
                _ => draw_one(mark, &mut backend, scale),
            };
        }
    }
}

fn draw_one(mark: &Mark, backend: &mut CanvasBackend, scale: f64) -> Option<()> {
    let whole = |length: f64| (length * scale).round().max(1.0) as u32;
    let at = |(x, y): (f64, f64)| ((x * scale).round() as i32, (y * scale).round() as i32);
    match mark {
        Mark::Line { points, stroke } => {
            let style = ShapeStyle {
                color: colour(stroke.colour, stroke.alpha),
                filled: false,
                stroke_width: whole(stroke.width),
            };
            // A gap in the data is a gap in the line.
            for run in points.split(|p| !is_sound(p)) {
                for piece in cut(run, stroke.dash.pattern()) {
                    backend.draw_path(piece.into_iter().map(at), &style).ok()?;
                }
            }
        }
        Mark::Area { points, colour: rgb, alpha } => {
            let points: Vec<_> = points.iter().filter(|p| is_sound(p)).map(|p| at(*p)).collect();
            if points.len() > 2 {
                backend.fill_polygon(points, &colour(*rgb, *alpha)).ok()?;
            }
        }
        Mark::Box { from, to, colour: rgb, alpha } if is_sound(from) && is_sound(to) => {
            backend.draw_rect(at(*from), at(*to), &colour(*rgb, *alpha), true).ok()?;
        }
        Mark::Dot { at: centre, radius, colour: rgb } if is_sound(centre) => {
            backend.draw_circle(at(*centre), whole(*radius), &colour(*rgb, 1.0), true).ok()?;
        }
        Mark::Text(label) if is_sound(&(label.x, label.y)) && !label.text.is_empty() => {
            let style = if label.bold { FontStyle::Bold } else { FontStyle::Normal };
            let h_pos = match label.anchor {
                Anchor::Start => HPos::Left,
                Anchor::Middle => HPos::Center,
                Anchor::End => HPos::Right,
            };
            let font = FontDesc::new(FontFamily::Name(FONT), label.size * scale, style);
            let ink = colour(label.colour, 1.0);
            let style = TextStyle::from(font).color(&ink).pos(Pos::new(h_pos, VPos::Center));
            backend.draw_text(&label.text, &style, at((label.x, label.y))).ok()?;
        }
        Mark::Box { .. } | Mark::Dot { .. } | Mark::Image { .. } | Mark::Text(_) => {}
    }
    Some(())
}

/// Cells of an image, by way of a canvas with one pixel for each: a rectangle for each would be thousands.
fn image(mark: &Mark, canvas: &HtmlCanvasElement, scale: f64) -> Option<()> {
    let Mark::Image { corner, size, columns, pixels } = mark else { return None };
    let rows = pixels.len().checked_div(*columns).filter(|rows| *rows > 0)?;
    let bytes = rgba(&pixels[..rows * columns]);
    let data = ImageData::new_with_u8_clamped_array_and_sh(Clamped(&bytes), *columns as u32, rows as u32).ok()?;
    let cells = document().create_element("canvas").ok()?.dyn_into::<HtmlCanvasElement>().ok()?;
    cells.set_width(*columns as u32);
    cells.set_height(rows as u32);
    context(&cells)?.put_image_data(&data, 0.0, 0.0).ok()?;
    let target = context(canvas)?;
    target.set_image_smoothing_enabled(false);
    let at = |v: f64| (v * scale).round();
    let (x, y) = (at(corner.0), at(corner.1));
    let (width, height) = (at(corner.0 + size.0) - x, at(corner.1 + size.1) - y);
    target.draw_image_with_html_canvas_element_and_dw_and_dh(&cells, x, y, width, height).ok()
}

fn colour(rgb: Rgb, alpha: f64) -> RGBAColor {
    RGBColor(rgb.0, rgb.1, rgb.2).mix(alpha)
}

//! Charts as plain data: numbers become marks in CSS pixels, which a canvas or an SVG file draws.
//!
//! Start with [`chart::Chart`], what every chart can do: draw itself as a [`scene::Scene`], say what is under a cursor,
//! summarise itself in a sentence, and give its numbers as CSV. [`frame::Frame`] places axes and labels, [`clip`]
//! decides what happens outside of a frame, [`scale`] maps values to an axis, [`theme`] holds every colour.
//! Nothing here knows a browser, a model or a world.

#![warn(missing_docs)]

pub mod axis;
pub mod band_chart;
pub mod chart;
pub mod clip;
pub mod colour;
pub mod frame;
pub mod graph;
pub mod heat_map;
pub mod hover;
pub mod line_chart;
pub mod number;
pub mod report;
pub mod rows;
pub mod scale;
pub mod scene;
pub mod style;
pub mod text;
pub mod theme;
pub mod token_bars;
pub mod token_strip;
pub mod transitions;
pub mod triangle;
pub mod vectors;

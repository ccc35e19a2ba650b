//! A sequence of vectors as lines, one for each entry.

use serde::{Deserialize, Serialize};

use crate::{
    axis::XAxis,
    line_chart::{Line, LineChart, Look, Point},
    scale::Scale,
    style::{Ink, Style, dash},
};

/// A sequence of vectors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Vectors {
    /// What is shown: the heading.
    pub title: String,
    /// Entries of a vector.
    pub dimension: usize,
    /// [T, dimension] row-major.
    pub values: Vec<f32>,
}

impl Vectors {
    /// A line for each entry. The largest values may be cut, which the chart says: a first vector far out would flatten
    /// the rest.
    pub fn chart(&self) -> LineChart {
        let d = self.dimension.max(1);
        let mut sizes: Vec<f32> = self.values.iter().map(|x| x.abs()).filter(|x| x.is_finite()).collect();
        sizes.sort_by(f32::total_cmp);
        let top = sizes.get(sizes.len() * 19 / 20).map_or(1.0, |x| f64::from(*x)).max(1e-6);
        let line = |j: usize| {
            let points = self.values.iter().skip(j).step_by(d).enumerate();
            let points = points.map(|(t, x)| Point::exact((t + 1) as f64, f64::from(*x)));
            let style = Style::new(Ink::Token { token: j, vocab: d }, dash(j));
            Line::new(format!("x{}", subscript(j + 1)), style, Look::Band, points)
        };
        LineChart {
            lines: (0..d).map(line).collect(),
            like: Some(Scale::round(-1.15 * top, 1.15 * top, 4)),
            about: format!("Each line is one of {d} entries of the vectors."),
            ..LineChart::new(&self.title, XAxis::positions(self.values.len() / d), "value", "")
        }
    }
}

/// `₁₂`.
fn subscript(number: usize) -> String {
    number.to_string().bytes().filter_map(|digit| char::from_u32(0x2080 + u32::from(digit - b'0'))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Chart, View};
    use crate::theme::Theme;

    #[test]
    fn a_vector_far_out_is_cut_off_and_said() {
        let mut values: Vec<f32> = (0..80).map(|i| if i % 4 < 2 { 1.0 } else { -1.0 }).collect();
        let svg = |values: &[f32]| {
            let vectors = Vectors { title: "Vectors".into(), dimension: 2, values: values.to_vec() };
            vectors.chart().svg(&View::new(500.0, 240.0, Theme::light()))
        };
        assert!(!svg(&values).contains('↑') && svg(&values).contains("x₂"));
        values[0] = 100.0;
        assert!(svg(&values).contains('↑') && svg(&values).contains("100"));
    }
}

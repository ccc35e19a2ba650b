//! Where values stand along the horizontal axis of a probe's chart.

/// Name and ticks of an axis, the places of ticks as shares from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// With the unit, and `log scale` where it is one.
    pub name: String,
    pub ticks: Vec<(f64, String)>,
}

impl Place {
    /// A scale of its own.
    pub fn of_values(name: String, scale: &crate::scale::Scale) -> Self {
        let ticks = super::value_ticks(scale).into_iter().map(|(v, text)| (scale.share(v), text)).collect();
        Self { name: if scale.log { format!("{name} (log scale)") } else { name }, ticks }
    }

    /// Ticks that someone else placed.
    pub fn of_ticks(name: String, ticks: Vec<(f64, String)>) -> Self {
        Self { name, ticks }
    }
}

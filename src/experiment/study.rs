//! The paper's three observations as studies: sweeps with what to look at (P2).

/// A way to look at a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The losses over the grid: all three along one axis, the two-level loss over more.
    Losses,
    /// The topic gap and the sequence gap over the grid.
    Gaps,
    /// One metric, by its name (`sweep::METRICS`).
    Metric(&'static str),
    /// Power laws along K, N and T, beside those of the bound.
    Fits,
    /// Whether the bound orders the settings as the gaps do.
    Ranks,
    /// Two-level loss against step.
    Steps,
    /// Losses and gaps against training speed.
    Speed,
    /// Steps, tokens and seconds to a given loss.
    Level,
    /// How far the seeds are apart, against step.
    Spread,
}

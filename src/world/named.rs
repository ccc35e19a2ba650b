//! Constructors of the named processes.

use super::hmm::{Exit, Hmm};

fn hmm(vocab: usize, states: usize, edges: &[(u32, u16, u32, f64)], start: Option<Vec<f64>>) -> Hmm {
    let edges = edges.iter().map(|&(i, token, next, p)| (i, Exit { token, next, p })).collect();
    Hmm::new(vocab, states, edges, start)
}

/// The state is the last token, one of Mr (0), Something (1), Blah (2) or the name. Mr is followed by the name; the
/// name by Something or Blah, 1/2 each; Something by Mr (q), Blah (p) or itself; Blah by Mr (q), Something (p) or
/// itself. With `begin`, a further state comes first, which emits that token and then takes up the stationary law.
pub fn mr_name(p: f64, q: f64, name: u16, vocab: usize, begin: Option<u16>) -> Hmm {
    let stay = 1.0 - p - q;
    let mut edges = vec![
        (0, name, 3, 1.0),
        (3, 1, 1, 0.5),
        (3, 2, 2, 0.5),
        (1, 0, 0, q),
        (1, 1, 1, stay),
        (1, 2, 2, p),
        (2, 0, 0, q),
        (2, 1, 1, p),
        (2, 2, 2, stay),
    ];
    let settled = hmm(vocab, 4, &edges, None);
    let Some(begin) = begin else { return settled };
    edges.extend(settled.start().iter().enumerate().map(|(i, &p)| (4, begin, i as u32, p)));
    hmm(vocab, 5, &edges, Some(vec![0.0, 0.0, 0.0, 0.0, 1.0]))
}

/// Token 0 with chance p, else token 1.
pub fn coin(p: f64) -> Hmm {
    Hmm::memoryless(&[p, 1.0 - p])
}

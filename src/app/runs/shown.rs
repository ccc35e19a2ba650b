//! Which kept runs are drawn beside the one that the page speaks of.

use serde::{Deserialize, Serialize};

/// Runs that are drawn without being asked for, at most: the ones that were left last.
const BY_ITSELF: usize = 4;
/// Runs that are drawn, at most: more lines cannot be told apart.
pub const MAX_SHOWN: usize = 12;

/// Ids of the runs that are drawn, the latest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shown(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    id: String,
    /// The reader asked for it.
    by_hand: bool,
}

impl Shown {
    /// A run was left, and stays in the charts; the oldest of those that nobody asked for makes room.
    pub fn leave(&mut self, id: &str) {
        let by_hand = self.0.iter().any(|entry| entry.id == id && entry.by_hand);
        self.hide(id);
        self.0.insert(0, Entry { id: id.into(), by_hand });
        let mut left = 0;
        self.0.retain(|entry| {
            left += usize::from(!entry.by_hand);
            entry.by_hand || left <= BY_ITSELF
        });
        while self.0.len() > MAX_SHOWN {
            // But for the one that was just left.
            let oldest = self.0.iter().rposition(|entry| !entry.by_hand).filter(|at| *at > 0);
            let oldest = oldest.unwrap_or(self.0.len() - 1);
            self.0.remove(oldest);
        }
    }

    /// The reader wants to see a run.
    ///
    /// # Errors
    ///
    /// A sentence where there are too many already.
    pub fn show(&mut self, id: &str) -> Result<(), String> {
        if self.contains(id) {
            return Ok(());
        }
        if self.0.len() >= MAX_SHOWN {
            return Err(format!("At most {MAX_SHOWN} runs are drawn beside another: hide one of them first."));
        }
        self.0.insert(0, Entry { id: id.into(), by_hand: true });
        Ok(())
    }

    pub fn hide(&mut self, id: &str) {
        self.0.retain(|entry| entry.id != id);
    }

    pub fn hide_all(&mut self) {
        self.0.clear();
    }

    pub fn contains(&self, id: &str) -> bool {
        self.0.iter().any(|entry| entry.id == id)
    }

    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|entry| entry.id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(shown: &Shown) -> String {
        shown.ids().collect()
    }

    #[test]
    fn the_last_four_stay_and_what_was_asked_for() {
        let mut shown = Shown::default();
        for id in ["a", "b", "c"] {
            shown.leave(id);
        }
        assert_eq!(shown.show("x"), Ok(()));
        assert_eq!(shown.show("x"), Ok(()), "it is shown already");
        for id in ["d", "e", "c"] {
            shown.leave(id);
        }
        assert_eq!(ids(&shown), "cedxb", "a made room, and c came anew");
        shown.leave("x");
        shown.leave("f");
        shown.leave("g");
        assert_eq!(ids(&shown), "gfxce", "x was asked for, and does not count");
        shown.hide("c");
        assert!(!shown.contains("c") && shown.contains("x"));
        shown.hide_all();
        assert_eq!(ids(&shown), "");
    }

    #[test]
    fn there_are_never_too_many() {
        let mut shown = Shown::default();
        for i in 0..MAX_SHOWN {
            assert_eq!(shown.show(&i.to_string()), Ok(()));
        }
        assert!(shown.show("more").is_err_and(|why| why.ends_with('.')));
        shown.leave("left");
        assert!(shown.contains("left") && shown.ids().count() == MAX_SHOWN);
    }
}

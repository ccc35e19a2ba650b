//! What is typed and moved in the settings, on its way into the draft.

use leptos::prelude::*;

use super::state::App;
use crate::{
    app::{
        fields::Number,
        first,
        mixing::{self, Part},
    },
    experiment::WorldSpec,
};

impl App {
    /// Text typed into a number's entry. A readable value acts at once; an unreadable one stays to be mended.
    pub fn type_number(self, number: &Number, text: &str) {
        if let Some(value) = number.parse(text) {
            self.draft.update(|draft| {
                number.set(draft, value);
                first::follow(&number.field, draft);
            });
        }
        self.typed.update(|typed| typed.put(&number.field, text));
    }

    /// The entry was left: a readable text becomes its value's usual form.
    pub fn leave_number(self, number: &Number) {
        self.typed.update(|typed| {
            if typed.get(&number.field).is_some_and(|text| number.parse(text).is_some()) {
                typed.remove(&number.field);
            }
        });
    }

    pub fn set_number(self, number: &Number, value: f64) {
        self.typed.update(|typed| {
            typed.remove(&number.field);
        });
        self.draft.update(|draft| {
            number.set(draft, value);
            first::follow(&number.field, draft);
        });
    }

    /// Another world; texts about the old one are of no use any more.
    pub fn set_world(self, world: WorldSpec) {
        self.typed.update(|typed| typed.forget("world"));
        self.draft.update(|draft| draft.world = world);
    }

    /// Text typed into a row of the mixture; what cannot be read stays as text, to be mended.
    pub fn type_part(self, part: Part, i: usize, text: &str) {
        self.typed.update(|typed| typed.put(&part.field(i), text));
        self.draft.update(|draft| drop(part.put(&mut draft.world, i, text)));
    }

    /// The entry was left: a readable text becomes its usual form.
    pub fn leave_part(self, part: Part, i: usize, field: &str) {
        self.typed.update(|typed| {
            let reads = |text: &str| self.draft.with_untracked(|d| part.put(&mut d.world.clone(), i, text).is_ok());
            if typed.get(field).is_some_and(reads) {
                typed.remove(field);
            }
        });
    }

    pub fn remove_part(self, i: usize) {
        self.draft.update(|draft| self.typed.update(|typed| mixing::remove(&mut draft.world, typed, i)));
    }

    pub fn equal_weights(self) {
        self.draft.update(|draft| self.typed.update(|typed| mixing::equal_weights(&mut draft.world, typed)));
    }
}

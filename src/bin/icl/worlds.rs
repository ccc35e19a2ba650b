//! `icl worlds`: every named world with its parameters.

use std::fmt::Write;

use icl_playground::experiment::world::KINDS;

pub fn list() -> String {
    let mut text = String::new();
    for kind in KINDS {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}  ({})\n    {}", kind.name, kind.title, kind.about);
        for p in kind.parameters {
            let range = format!("{} to {}", p.low, p.high);
            let _ = writeln!(text, "    {:<12} {:>6}  {range:<14} {}", p.name, p.default, p.about);
        }
    }
    text.trim_end().into()
}

//! What a person calls a sweep. A name is no part of the sweep's id: whatever it is called, its results are found.

/// Most characters of a name.
pub const MOST: usize = 80;
/// Most characters of a name in the name of a file.
const MOST_IN_FILES: usize = 40;

/// A name as it is kept: one line of at most [`MOST`] characters; empty for none.
pub fn tidy(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let cut: String = words.join(" ").chars().take(MOST).collect();
    cut.trim_end().into()
}

/// The name of a file with the sweep's results, without its ending: `icl-sweep-wide-nets-ID`, or `icl-sweep-ID` without a name.
pub fn file_stem(name: &str, id: &str) -> String {
    match slug(name) {
        slug if slug.is_empty() => format!("icl-sweep-{id}"),
        slug => format!("icl-sweep-{slug}-{id}"),
    }
}

/// Letters and digits in lower case, and a dash for whatever stands between them.
pub fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let all = words.map(str::to_lowercase).collect::<Vec<_>>().join("-");
    let cut: String = all.chars().take(MOST_IN_FILES).collect();
    cut.trim_end_matches('-').into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_line_and_not_long() {
        assert_eq!(tidy("  wide\n\tnets \u{7} of  mine "), "wide nets of mine");
        assert_eq!(tidy(" \n "), "");
        assert_eq!(tidy(&"ü".repeat(200)).chars().count(), MOST);
    }

    #[test]
    fn files_are_named_after_the_sweep() {
        assert_eq!(file_stem("", "0123"), "icl-sweep-0123");
        assert_eq!(file_stem("Wide nets: 8/16, <b>", "0123"), "icl-sweep-wide-nets-8-16-b-0123");
        assert_eq!(file_stem("../..", "0123"), "icl-sweep-0123");
        assert_eq!(slug(&"abc ".repeat(40)).chars().count(), 39, "a dash at the end is cut");
        assert_eq!(slug("Größe"), "größe");
    }
}

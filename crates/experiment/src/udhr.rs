//! The bundled corpus of real text: the Universal Declaration of Human Rights, a language being a topic.
//!
//! A spec names only how many languages there are and how they are read; whoever runs it puts the texts in with [`filled`].

use super::{
    Problem, Text, WorldSpec,
    kinds::Source,
    text::{Unit, sections},
};

/// The file of the site that holds the texts (`cargo xtask build` makes it).
pub const FILE: &str = "udhr.txt";

/// Whether the spec is this world, and so needs the texts.
pub fn is_meant(spec: &WorldSpec) -> bool {
    spec.source() == Some(Source::Corpus)
}

/// Puts the texts into a spec of this world: those of the first languages of `corpus`, which is the
/// content of [`FILE`]. V stays what the spec says.
///
/// # Errors
///
/// The corpus holds fewer languages than the spec asks for.
pub fn filled(spec: &WorldSpec, corpus: &str) -> Result<WorldSpec, Problem> {
    // What comes before the first language says where the texts are from.
    let first = corpus.find("\n# ").map_or(corpus.len(), |at| at + 1);
    let mut documents = sections("corpus", &corpus[first..]);
    let languages = spec.parameter("languages") as usize;
    if documents.len() < languages {
        let most = format!("at most {}, as many as {FILE} holds", documents.len());
        return Err(Problem::new("world.languages", languages, &most, ""));
    }
    documents.truncate(languages);
    let unit = if spec.parameter("bytes") == 1.0 { Unit::Bytes } else { Unit::Characters };
    Ok(WorldSpec::Text(Text::with_alphabet(unit, spec.vocab(), documents)))
}

//! Real text as a world: a document is a topic, a character (or a byte) is a token.

use std::{cmp::Reverse, collections::BinaryHeap, fmt, sync::Arc};

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{
    problem::{Checker, Problem, clipped},
    read,
};

/// Most bytes of all documents together.
pub const MAX_BYTES: usize = 20_000_000;
/// Most documents of a text.
pub const MAX_DOCUMENTS: usize = 1000;
/// Most kinds of characters that have a token of their own; the rarer ones share the token "other".
pub const MAX_CHARACTERS: usize = 256;
/// One part in so many of each document, its end, is held out from training. It must hold a whole
/// sequence.
pub const HELD_OUT_SHARE: usize = 10;
/// Of problems that many documents may share, so many are named.
const NAMED: usize = 5;

/// What a token of a text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// A character (a Unicode scalar value).
    #[default]
    Characters,
    /// A byte of the UTF-8 encoding; V is 256.
    Bytes,
}

/// One document of a text, which is one topic.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Document {
    /// What the document is called; problems and labels name it.
    pub name: String,
    /// All of the document, its held-out end included.
    pub text: String,
}

/// Documents with the alphabet that they are read in. Built once: a copy is a pointer, and nothing is counted again.
///
/// In JSON, `{"text": {"unit": "characters", "documents": [{"name": "a", "text": "..."}]}}`.
#[derive(Clone)]
pub struct Text(Arc<Inner>);

struct Inner {
    unit: Unit,
    documents: Vec<Document>,
    /// Tokens of each document.
    lengths: Vec<usize>,
    /// The characters that have a token of their own, by how frequent they are, then by code point.
    alphabet: Vec<char>,
    vocab: usize,
    problems: Vec<Problem>,
}

impl Text {
    /// Counts the documents' characters and chooses the alphabet. Problems of the documents are
    /// kept for a later check ([`WorldSpec::validate`](crate::WorldSpec::validate)).
    pub fn new(unit: Unit, documents: Vec<Document>) -> Self {
        Self::build(unit, MAX_CHARACTERS, false, documents)
    }

    /// As [`Self::new`], with exactly `vocab` tokens where the unit is a character; some stay
    /// unused where the documents have fewer kinds.
    pub fn with_alphabet(unit: Unit, vocab: usize, documents: Vec<Document>) -> Self {
        Self::build(unit, vocab, true, documents)
    }

    fn build(unit: Unit, most: usize, exactly: bool, documents: Vec<Document>) -> Self {
        let bytes: usize = documents.iter().map(|d| d.text.len()).sum();
        let mut problems = Vec::new();
        let about = |what: &str, value: String, allowed: &str, advice: &str| {
            Problem::new(&format!("world.text{what}"), value, allowed, advice)
        };
        if bytes > MAX_BYTES {
            let size = format!("{:.1} MB in all", bytes as f64 / 1e6);
            problems.push(about("", size, &format!("at most {} MB", MAX_BYTES / 1_000_000), "Use a part of it."));
            return Self(Arc::new(Inner {
                unit,
                lengths: Vec::new(),
                alphabet: Vec::new(),
                vocab: 2,
                documents,
                problems,
            }));
        }
        if !(1..=MAX_DOCUMENTS).contains(&documents.len()) {
            let allowed = format!("1 to {MAX_DOCUMENTS}");
            problems.push(about(", documents", documents.len().to_string(), &allowed, "Each document is a topic."));
        }
        let mut counts = vec![0_u32; char::MAX as usize + 1];
        let mut lengths = Vec::with_capacity(documents.len());
        for document in &documents {
            let mut characters = 0;
            for c in document.text.chars() {
                counts[c as usize] += 1;
                characters += 1;
            }
            lengths.push(if unit == Unit::Bytes { document.text.len() } else { characters });
            let first = document.text.chars().next();
            let fault = match first {
                None => "empty".to_owned(),
                Some(c) if document.text.chars().all(|other| other == c) => format!("{c:?} throughout"),
                Some(_) => continue,
            };
            if problems.len() < NAMED {
                let allowed = "a text of several different characters";
                problems.push(about(&format!(" \"{}\"", document.name), fault, allowed, "Leave this document out."));
            }
        }
        // The most frequent first. A heap sorts as well, and is a tenth of a sort's wasm.
        let kinds = (0..=char::MAX as u32).filter_map(char::from_u32).map(|c| (Reverse(counts[c as usize]), c));
        let mut kinds = kinds.filter(|(count, _)| count.0 > 0).collect::<BinaryHeap<_>>().into_sorted_vec();
        let vocab = if exactly { most } else { kinds.len().min(most) };
        if kinds.len() > most {
            // The last token stands for all others.
            kinds.truncate(most.saturating_sub(1));
        }
        Self(Arc::new(Inner {
            unit,
            lengths,
            alphabet: kinds.into_iter().map(|(_, c)| c).collect(),
            vocab: if unit == Unit::Bytes { 256 } else { vocab },
            documents,
            problems,
        }))
    }

    /// What a token is.
    pub fn unit(&self) -> Unit {
        self.0.unit
    }

    /// The documents; index i is topic i.
    pub fn documents(&self) -> &[Document] {
        &self.0.documents
    }

    /// The same documents in another unit.
    pub fn in_unit(&self, unit: Unit) -> Self {
        if unit == self.0.unit { self.clone() } else { Self::new(unit, self.0.documents.clone()) }
    }

    /// V: how many tokens there are.
    pub fn vocab(&self) -> usize {
        self.0.vocab
    }

    /// Token names, index by index: the characters themselves, as far as they can be seen
    /// ([`shown`]).
    pub fn tokens(&self) -> Vec<String> {
        let name = |c: char| shown(c.encode_utf8(&mut [0; 4]));
        (0..self.0.vocab)
            .map(|i| match (self.0.unit, self.0.alphabet.get(i)) {
                (Unit::Bytes, _) if i < 128 => name(char::from(i as u8)),
                (Unit::Bytes, _) => format!("{i:02X}"),
                (Unit::Characters, Some(&c)) => name(c),
                (Unit::Characters, None) => "other".into(),
            })
            .collect()
    }

    /// Each document as tokens. A character without a token of its own becomes the token "other".
    pub fn encode(&self) -> Vec<Vec<u16>> {
        let other = self.0.alphabet.len().min(self.0.vocab.saturating_sub(1)) as u16;
        let mut table = vec![other; char::MAX as usize + 1];
        for (i, &c) in self.0.alphabet.iter().enumerate() {
            table[c as usize] = i as u16;
        }
        let tokens = |d: &Document| match self.0.unit {
            Unit::Bytes => d.text.bytes().map(u16::from).collect(),
            Unit::Characters => d.text.chars().map(|c| table[c as usize]).collect(),
        };
        self.0.documents.iter().map(tokens).collect()
    }

    pub(super) fn check(&self, check: &mut Checker) {
        self.0.problems.iter().for_each(|p| check.add(p.clone()));
    }

    /// Checks that sequences of `length` tokens can be cut from the held-out end of every document.
    ///
    /// # Errors
    ///
    /// The documents that are too short, the first five of them.
    pub fn fits(&self, length: usize) -> Result<(), Vec<Problem>> {
        let mut check = Checker::default();
        self.check_length(length, &mut check);
        check.finish()
    }

    /// Names the documents whose held-out part is too short for a sequence of `length` tokens.
    pub(super) fn check_length(&self, length: usize, check: &mut Checker) {
        let least = length * HELD_OUT_SHARE;
        let short = self.0.documents.iter().zip(&self.0.lengths).filter(|(_, n)| (1..least).contains(*n));
        for (document, n) in short.take(NAMED) {
            let unit = self.0.unit.name();
            check.add(Problem::new(
                &format!("world.text \"{}\"", document.name),
                format!("{n} {unit} long"),
                &format!("at least {least} {unit}, ten times T"),
                "Shorten T, or leave this document out.",
            ));
        }
    }

    /// From the value of the key `text`.
    pub(super) fn from_value(value: Value) -> Result<Self, Problem> {
        let allowed = "an object with documents, {\"documents\": [{\"name\": …, \"text\": …}]}";
        let mut fields = read::object("world.text", value, &["unit", "documents"], allowed)?;
        let unit = match fields.remove("unit") {
            None => Unit::Characters,
            Some(Value::String(unit)) if unit == Unit::Characters.name() => Unit::Characters,
            Some(Value::String(unit)) if unit == Unit::Bytes.name() => Unit::Bytes,
            other => return Err(read::lacks("world.text.unit", other, "characters or bytes")),
        };
        let list = read::list("world.text.documents", fields.remove("documents"), MAX_DOCUMENTS, "documents")?;
        let document = |(i, entry)| {
            let at = format!("world.text.documents[{i}]");
            let mut fields = read::object(&at, entry, &["name", "text"], "an object with a name and a text")?;
            let mut word = |name: &str| match fields.remove(name) {
                Some(Value::String(word)) => Ok(word),
                other => Err(read::lacks(&format!("{at}.{name}"), other, "words in quotes")),
            };
            Ok(Document { name: word("name")?, text: word("text")? })
        };
        Ok(Self::new(unit, list.into_iter().enumerate().map(document).collect::<Result<_, _>>()?))
    }
}

impl Unit {
    /// The unit's plural in JSON and in sentences.
    pub fn name(self) -> &'static str {
        match self {
            Self::Characters => "characters",
            Self::Bytes => "bytes",
        }
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (&self.0, &other.0);
        Arc::ptr_eq(a, b) || (a.unit == b.unit && a.vocab == b.vocab && a.documents == b.documents)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How much of what there is, and no more than a line; it cannot be read back.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (documents, tokens) = (self.0.documents.len(), self.0.lengths.iter().sum::<usize>());
        write!(f, "text of {documents} documents, {tokens} {}", self.0.unit.name())
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            unit: &'static str,
            documents: &'a [Document],
        }
        let fields = Fields { unit: self.0.unit.name(), documents: &self.0.documents };
        serializer.collect_map([("text", fields)])
    }
}

/// Splits one file into documents.
///
/// Form feeds separate documents. Without any, a line `# Title` that opens the file or follows an
/// empty line begins a document of that name. What comes before the first title, or a file without
/// titles, has the file's name.
pub fn sections(name: &str, text: &str) -> Vec<Document> {
    let mut found: Vec<Document> = Vec::new();
    if text.contains('\u{c}') {
        for (i, part) in text.split('\u{c}').map(str::trim).filter(|part| !part.is_empty()).enumerate() {
            let (title, body) = match part.strip_prefix("# ").and_then(|rest| rest.split_once('\n')) {
                Some((title, body)) => (title.trim().to_owned(), body.trim()),
                None => (format!("{name}, part {}", i + 1), part),
            };
            found.push(Document { name: title, text: body.into() });
        }
        return found;
    }
    let mut after_empty = true;
    found.push(Document { name: name.into(), text: String::new() });
    for line in text.split_inclusive('\n') {
        match line.strip_prefix("# ").filter(|title| after_empty && !title.trim().is_empty()) {
            Some(title) => found.push(Document { name: title.trim().into(), text: String::new() }),
            None => {
                if let Some(document) = found.last_mut() {
                    document.text.push_str(line);
                }
            }
        }
        after_empty = line.trim().is_empty();
    }
    if found.len() > 1 && found[0].text.trim().is_empty() {
        found.remove(0);
    }
    if found.len() > 1 {
        for document in &mut found {
            document.text = document.text.trim().into();
        }
    }
    found
}

/// A token's name as it can be seen.
///
/// Space, line end and tab become signs, what has no shape becomes its number (`U+200B`), and a
/// mark that stands on another character gets a ring under it.
pub fn shown(name: &str) -> String {
    let mut characters = name.chars();
    match (characters.next(), characters.next()) {
        (None, _) => "(empty)".into(),
        (Some(' '), None) => "␣".into(),
        (Some('\n'), None) => "⏎".into(),
        (Some('\t'), None) => "⇥".into(),
        (Some(c), None) if c.is_control() || c.is_whitespace() || is_invisible(c) => format!("U+{:04X}", c as u32),
        (Some(c), None) if is_mark(c) => format!("◌{c}"),
        (Some(_), None) => name.into(),
        // Of several, some can be seen: the rest must not make two names look alike.
        _ if name.trim().is_empty() || name.chars().any(|c| c.is_control() || is_invisible(c)) => name
            .chars()
            .map(|c| {
                if c.is_control() || c.is_whitespace() || is_invisible(c) {
                    format!("‹U+{:04X}›", c as u32)
                } else {
                    c.into()
                }
            })
            .collect(),
        _ => name.into(),
    }
}

/// Characters without a width or a shape: joiners, marks of direction, fillers, variation selectors, tags.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Marks that stand on the character before them.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{64b}'..='\u{65f}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// A file's text, with a note on how it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text, with `\n` as line ends and without a byte order mark.
    pub text: String,
    /// A sentence where it was guessed; empty where there was nothing to guess.
    pub note: String,
}

/// Reads a file's bytes as text: UTF-8, UTF-16 with a byte order mark, or else Windows-1252. Line
/// ends become `\n`.
///
/// # Errors
///
/// The file is binary, or in an encoding that is not known. The problem names the file.
pub fn decode(name: &str, bytes: Vec<u8>) -> Result<Decoded, Problem> {
    let refused = |value: &str, allowed: &str, advice: &str| {
        Err(Problem::new(&format!("the file \"{}\"", clipped(name)), value, allowed, advice))
    };
    let mut note = String::new();
    let mut guessed = false;
    let text = match bytes[..] {
        [0xff, 0xfe, ref rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, ref rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => match String::from_utf8(bytes.clone()) {
            Ok(text) => text,
            Err(e) => {
                let lossy = String::from_utf8_lossy(e.as_bytes());
                let broken = lossy.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count();
                let sound = lossy.chars().filter(|c| !c.is_ascii()).count() - broken;
                // Letters of other encodings hardly ever make sound UTF-8 by chance.
                if sound > 10 * broken {
                    let places = if broken == 1 { "one place".into() } else { format!("{broken} places") };
                    note = format!("The file \"{name}\" is not sound UTF-8 in {places}; \u{fffd} stands there.");
                    lossy.into_owned()
                } else {
                    guessed = true;
                    note = format!(
                        "The file \"{name}\" is not UTF-8, and was read as Western European (Windows-1252). Where letters look wrong, \
                         save it as UTF-8 and open it again."
                    );
                    e.as_bytes().iter().map(|&b| western(b)).collect()
                }
            }
        },
    };
    let odd =
        text.chars().filter(|c| matches!(c, '\u{1}'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{80}'..='\u{9f}')).count();
    if text.contains('\0') || odd > text.len() / 50 {
        return refused("binary", "text", "Where it is text, save it as UTF-8 and open it again.");
    }
    if let Some(likely) = guessed.then(|| other_script(&bytes)).flatten() {
        let value = format!("not UTF-8, and not Western European text either ({likely})");
        let advice = "Save it as UTF-8 and open it again: many editors can, or iconv -f ENCODING -t UTF-8.";
        return refused(&value, "UTF-8, UTF-16 with a byte order mark, or Windows-1252", advice);
    }
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    Ok(Decoded { text, note })
}

/// Whether bytes beyond ASCII are words of their own, as they are in Cyrillic, Greek or Chinese; then what encoding they may be in.
/// In Western European text they stand among ASCII letters, hardly ever three in a row.
fn other_script(bytes: &[u8]) -> Option<&'static str> {
    // Dashes, dots, quotes and spaces of Windows-1252 stand together in any script.
    let is_high =
        |b: &u8| *b >= 0x80 && !matches!(*b, 0x82 | 0x84 | 0x85 | 0x8b | 0x91..=0x97 | 0x9b | 0xa0 | 0xab | 0xbb);
    let (mut high, mut in_rows) = (0, 0);
    for row in bytes.chunk_by(|a, b| is_high(a) == is_high(b)).filter(|row| is_high(&row[0])) {
        high += row.len();
        in_rows += if row.len() >= 3 { row.len() } else { 0 };
    }
    if 2 * in_rows <= high {
        return None;
    }
    let within = |low: u8, top: u8| bytes.iter().filter(|b| (low..=top).contains(*b)).count();
    // Small letters, which are most: before the capitals in KOI8-R, behind them in Windows-1251.
    let (first, second) = (within(0xc0, 0xdf), within(0xe0, 0xff));
    Some(match () {
        () if 5 * (first + second) < 4 * high => "perhaps in an encoding of Chinese, Japanese or Korean",
        () if first > second => "perhaps KOI8-R",
        () => "perhaps Windows-1251, or Greek or another script",
    })
}

fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// A byte of Windows-1252: Latin-1, with letters and quotes where that has control characters.
fn western(byte: u8) -> char {
    const HIGH: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    match byte {
        0x80..=0x9f => HIGH.chars().nth(usize::from(byte - 0x80)).unwrap_or(char::REPLACEMENT_CHARACTER),
        _ => char::from(byte),
    }
}

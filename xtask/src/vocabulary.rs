//! The words that code, docs and page do not use: each has a standard term, which is named beside it.

use std::{fs, path::Path};

/// Words of earlier versions, and what is said instead. A word is also found as a part of an identifier: `law` in `topic_law` and `TopicLaw`.
const REPLACED: &[(&[&str], &str)] = &[
    (&["law", "laws"], "distribution; predictive distribution for a model's output"),
    (&["chance", "chances"], "probability"),
    (&["learner", "learners"], "model"),
    (&["told", "untold", "heard", "hear", "hears"], "event, message, report, summary"),
    (&["wish", "wishes", "wished"], "request, choice"),
    (&["obey", "obeys", "grant", "grants", "granted"], "handle, respond"),
    (&["lab", "labs"], "sweeps, or probes"),
    (&["journal", "journals"], "run record, sweep record"),
    (&["surprise_above"], "clamped_kl"),
    (&["die"], "Dirichlet-categorical"),
    (&["stranger", "strangers"], "between-topic pairs"),
    (&["twin", "twins"], "within-topic pairs"),
    (&["settle", "settles", "settled"], "stationary, converged"),
    (&["contender", "contenders"], "candidate device"),
    (&["exits"], "transitions"),
    (&["patience"], "timeout"),
    (&["read-in", "read_in"], "embedding, or input projection"),
    (&["yardstick", "yardsticks", "rival", "rivals"], "reference predictor, baseline"),
    (&["dear", "dearer", "dearest"], "expensive, most expensive"),
];

/// Phrases in which such a word stays, and why.
const ALLOWED: &[(&str, &str)] = &[
    ("power law", "the standard name of a function"),
    ("power laws", "the same"),
    ("power_law", "the same, in the names of tests"),
    ("laws of information", "the standard name of inequalities of information theory"),
    ("laws_of_information", "the same, in the name of a test"),
    ("by chance", "statistics: without a cause"),
    ("beyond chance", "statistics: not explained by a null hypothesis"),
    ("left to chance", "English: left to randomness"),
    ("told apart", "English: distinguished"),
    ("told_apart", "the same, in the names of tests"),
    ("power-told", "a test id of the page"),
    ("transitions-told", "a test id of the page"),
    ("had not settled within the budget", "a sentence in recorded curves"),
    ("view=lab", "a part of links"),
    ("patience=", "a part of addresses, for tests"),
    ("\"patience\"", "the same"),
    ("\"lab-", "test ids of the page"),
    ("'lab-", "test ids of the page"),
    ("=lab-", "test ids of the page"),
    ("\"lab\"", "a test id of the page, and a state in the browser's history"),
    ("'lab'", "a test id of the page"),
];

/// Files whose text is held to this.
const EXTENSIONS: &[&str] = &["rs", "md", "css", "html", "js", "wgsl"];

/// Folders and files that are left out: what was decided or recorded keeps its words, and this list must name the words.
const LEFT_OUT: &[&str] = &["docs/decisions", "www/maps", "www/studies", "xtask/src/vocabulary.rs"];

/// Names of folders with what was built or downloaded. Folders whose names begin with a point are left out too.
const BUILT: &[&str] = &["target", "dist", "node_modules", "build"];

/// Whether a word begins or ends between two neighbouring characters: between a letter and something else, or before a capital.
fn is_edge(before: Option<char>, after: Option<char>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) if before.is_alphabetic() && after.is_alphabetic() => {
            before.is_lowercase() && after.is_uppercase()
        }
        _ => true,
    }
}

/// Where `word` stands in `line` as a whole word or as a whole part of an identifier: byte ranges.
fn places<'a>(line: &'a str, word: &'a str) -> impl Iterator<Item = std::ops::Range<usize>> + 'a {
    // ASCII alone is made small, so that places stay those of `line`.
    let small = line.to_ascii_lowercase();
    let starts: Vec<usize> = small.match_indices(word).map(|(at, _)| at).collect();
    starts.into_iter().map(move |at| at..at + word.len()).filter(move |range| {
        let [first, last] = [line[range.clone()].chars().next(), line[range.clone()].chars().next_back()];
        is_edge(line[..range.start].chars().next_back(), first) && is_edge(last, line[range.end..].chars().next())
    })
}

/// The replaced words of a line, each with what is said instead.
fn replaced(line: &str) -> Vec<(&'static str, &'static str)> {
    let small = line.to_ascii_lowercase();
    let is_allowed = |place: &std::ops::Range<usize>| {
        ALLOWED.iter().any(|(phrase, _)| {
            let mut phrases = small.match_indices(phrase).map(|(at, _)| at..at + phrase.len());
            phrases.any(|phrase| phrase.start <= place.start && place.end <= phrase.end)
        })
    };
    let words = REPLACED.iter().flat_map(|(words, instead)| words.iter().map(move |word| (*word, *instead)));
    words.filter(|(word, _)| places(line, word).any(|place| !is_allowed(&place))).collect()
}

/// Adds a sentence for each line of each file under `folder` that has a replaced word.
fn search(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let inside = path.strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
        if LEFT_OUT.contains(&&*inside) {
            continue;
        }
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() && !name.starts_with('.') && !BUILT.contains(&&*name) {
            search(root, &path, found);
        } else if kind.is_file() && path.extension().is_some_and(|e| EXTENSIONS.iter().any(|other| e == *other)) {
            let text = fs::read_to_string(&path).expect("a text");
            for (i, line) in text.lines().enumerate() {
                let words = replaced(line).into_iter();
                found.extend(words.map(|(word, instead)| format!("{inside}:{}: \"{word}\"; say {instead}", i + 1)));
            }
        }
    }
}

#[test]
fn replaced_words_stay_away() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let mut found = Vec::new();
    search(root, root, &mut found);
    assert!(found.is_empty(), "words that have a standard term (xtask/src/vocabulary.rs):\n{}", found.join("\n"));
}

#[test]
fn words_are_found_in_text_and_in_identifiers() {
    let words = |line| replaced(line).into_iter().map(|(word, _)| word).collect::<Vec<_>>();
    assert_eq!(words("The law of x, whole_laws and TopicLaw."), ["law", "laws"]);
    assert_eq!(words("A LinearLaw { law }"), ["law"]);
    assert_eq!(words("label, lawn, studies, untolds, THRESHOLD, ReadInput"), [""; 0]);
    assert_eq!(words("A power law by chance, and told apart."), [""; 0]);
    assert_eq!(words("A power law, and another law."), ["law"]);
}

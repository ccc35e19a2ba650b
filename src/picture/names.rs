//! What the states are called.

use crate::{
    experiment::{
        WorldSpec,
        kinds::{LabelledProcess, Source},
    },
    world::Hmm,
};

/// One name per state: those of the literature, else the token that always leads there, else letters.
pub fn of(spec: &WorldSpec, hmm: &Hmm, tokens: &[String]) -> Vec<String> {
    let n = hmm.states();
    if let Some(names) = known(spec, hmm) {
        return names;
    }
    if let Some(names) = by_pair(hmm, tokens) {
        return names;
    }
    if n > 2
        && let Some(names) = by_token(hmm, tokens)
    {
        return names;
    }
    match n {
        ..=26 => ('A'..='Z').take(n).map(String::from).collect(),
        _ => (0..n).map(|i| i.to_string()).collect(),
    }
}

/// The literature's names, for a named process or one that a mixture has among its parts.
fn known(spec: &WorldSpec, hmm: &Hmm) -> Option<Vec<String>> {
    if let WorldSpec::Mixture(mixture) = spec {
        return mixture.mixture.iter().find_map(|part| known(&part.world, hmm));
    }
    let Some(Source::Processes(topics)) = spec.source() else { return None };
    let [LabelledProcess { process, .. }] = &topics[..] else { return None };
    let named = Hmm::from_edges(process, spec.vocab());
    let same = process.states.len() == hmm.states()
        && named.hidden_chain().iter().zip(hmm.hidden_chain()).all(|(a, b)| (a - b).abs() < 1e-9);
    same.then(|| process.states.iter().map(|&name| name.into()).collect())
}

/// Where the state is the last token: its name; `None` where it is not.
fn by_token(hmm: &Hmm, tokens: &[String]) -> Option<Vec<String>> {
    let mut leads: Vec<Option<u32>> = vec![None; tokens.len()];
    let mut names: Vec<Option<&String>> = vec![None; hmm.states()];
    // A state that nothing enters only begins: its token says nothing of where it leads.
    let mut entered = vec![false; hmm.states()];
    (0..hmm.states()).flat_map(|i| hmm.transitions(i)).for_each(|transition| entered[transition.next as usize] = true);
    for transition in (0..hmm.states()).filter(|&i| entered[i]).flat_map(|i| hmm.transitions(i)) {
        let (token, next) = (usize::from(transition.token), transition.next as usize);
        let name = tokens.get(token)?;
        if *leads[token].get_or_insert(transition.next) != transition.next || *names[next].get_or_insert(name) != name {
            return None;
        }
    }
    Some(names.into_iter().map(|name| name.map_or_else(|| "start".into(), String::clone)).collect())
}

/// Where the state is the last two tokens, as in chains of order 2: their names. States of waiting come after the pairs.
fn by_pair(hmm: &Hmm, tokens: &[String]) -> Option<Vec<String>> {
    let (n, k) = (hmm.states(), tokens.len());
    let pairs = k * k;
    let shifts = |i: usize| {
        hmm.transitions(i).iter().all(|e| usize::from(e.token) == e.next as usize % k && e.next as usize / k == i % k)
    };
    if k < 2 || ![pairs, pairs + k + 1].contains(&n) || !(0..pairs).all(shifts) {
        return None;
    }
    let pair = |i: usize| format!("{}{}", tokens[i / k], tokens[i % k]);
    let waiting = tokens.iter().cloned().chain(["start".into()]);
    Some((0..pairs).map(pair).chain(waiting).take(n).collect())
}

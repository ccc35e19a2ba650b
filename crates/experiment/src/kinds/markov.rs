//! Markov chains with Dirichlet rows.

use super::{CHAINS, Events, Source, TOPICS, WorldKind, numbers, real, whole};
use crate::{Observation, Problem, WorldSize};

pub const KIND: WorldKind = WorldKind {
    name: "markov",
    title: "Markov chains",
    family: CHAINS,
    about: "Each topic is a k-state chain whose rows come from a Dirichlet: bigrams must be counted in context.",
    parameters: &[
        whole("k", 3.0, 2.0, 8.0, "States of the chain, which are its tokens"),
        real("alpha", 1.0, 0.05, 100.0, "Concentration of each row's Dirichlet: small is peaked, large is even"),
        whole("order", 1.0, 1.0, 2.0, "How many tokens the next one depends on; with 2, at most 5 states"),
        whole(
            "pool",
            0.0,
            0.0,
            1000.0,
            "0: a new chain for every topic. Else: topics come from a pool of so many chains",
        ),
    ],
    topic: TOPICS,
    topic_count: |v| Some(v.count("pool")).filter(|pool| *pool > 0),
    observation: |v| Observation::Tokens(v.count("k")),
    tokens: |v| numbers(v.count("k")),
    size: |v| {
        let (k, pool) = (v.get("k"), v.get("pool"));
        match (pool > 0.0, v.get("order") == 2.0) {
            // Two tokens of waiting before there is a context.
            (true, true) => WorldSize::topics(pool, k * k + k + 1.0, k * k * k + k * k + k),
            (true, false) => WorldSize::topics(pool, k, k * k),
            (false, true) => WorldSize::continuum(2.0 * k * k * k),
            // 2048 particles, their start and their exponentials (`worlds::filter::dirichlet_chains`).
            (false, false) => WorldSize::continuum(2048.0 * (2.0 * k * (k + 1.0) + 34.0)),
        }
    },
    check: |v, at, check| {
        let (k, order) = (v.get("k"), v.get("order"));
        if order == 2.0 && k > MAX_SECOND_ORDER {
            let allowed = format!("at most {MAX_SECOND_ORDER} with order 2");
            check.add(Problem::new(&format!("{at}.k"), k, &allowed, "There are k x k contexts to learn."));
        }
    },
    source: |v| Source::Chains {
        states: v.count("k"),
        order: v.count("order"),
        alpha: v.get("alpha"),
        pool: v.count("pool"),
    },
    has_exact_bayes: |_| true,
    events: |_| Events::Repeats,
    preset: Some("markov"),
};

/// Most states of a chain of order 2.
const MAX_SECOND_ORDER: f64 = 5.0;

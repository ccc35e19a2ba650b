//! The first minute: the question, what K, N and T are, and a short tour of what they do.

use super::fields;
use crate::experiment::{Data, Experiment, WorldSpec, estimate::large};

pub const QUESTION: &str = "Why does a model get better as it reads?";

/// The story that an address without a fragment opens.
pub const FIRST_STORY: &str = "knt-markov";

/// What is seen, in three sentences. It promises no fall: with few topics the model's loss may rise along a sequence.
pub fn answer(world: &WorldSpec) -> String {
    let black = match world.has_exact_bayes() {
        true => "Black is exact Bayes, the least possible loss.",
        false => "Black is the best predictor at hand; it is no lower bound.",
    };
    format!(
        "A small model learns in this tab to predict what comes next. Blue is its loss at each position of a sequence: where it falls, \
         earlier positions have helped. {black}"
    )
}

/// What one of K, N and T is, in a few words; `vectors` where a sequence is not of tokens.
pub fn about_count(field: &str, vectors: bool) -> &'static str {
    match field {
        "data.topics" => "topics that it learns from",
        "data.sequences" => "sequences of each topic",
        _ if vectors => "vectors in each sequence",
        _ => "tokens in each sequence",
    }
}

/// What the training set is made of, and what K means in this world; two sentences.
pub fn about_data(experiment: &Experiment) -> String {
    let Data { topics, sequences, length, fresh } = &experiment.data;
    if *fresh {
        return "Now every step draws new topics and new sequences, so K and N have no limit. Move K or N to learn from a fixed \
                training set."
            .into();
    }
    let tokens = *topics as f64 * *sequences as f64 * *length as f64;
    let what = if experiment.world.observation().is_vectors() { "vectors" } else { "tokens" };
    let size = large(tokens);
    format!("The training set has K x N x T = {size} {what}. {}", about_topics(&experiment.world))
}

/// What K topics are in this world, a sentence.
pub fn about_topics(world: &WorldSpec) -> String {
    let [one, many] = world.topic_words();
    match world.topic_count() {
        None => "There are so many topics that no two of the K are likely to be the same.".into(),
        Some(1) => format!("This world has one {one} only, so K topics are K times the same."),
        Some(all) => format!("This world has {all} {many} in all: K topics are K draws from them, and some repeat."),
    }
}

/// With fresh draws K and N mean nothing: whoever sets one of them asks for a training set.
pub fn wakes(field: &str) -> bool {
    matches!(field, "data.topics" | "data.sequences")
}

/// What setting a field brings with it: a training set for K and N, and a context that is long enough for T.
pub fn follow(field: &str, experiment: &mut Experiment) {
    if wakes(field) {
        experiment.data.fresh = false;
    }
    if field == "data.length"
        && let Some(roomier) = fields::with_room(experiment)
    {
        *experiment = roomier;
    }
}

/// One stop of the tour.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// What to do, and the name of the button that does it; empty where there is only something to look at.
    pub gesture: &'static str,
    /// K, N and T after it.
    pub place: [usize; 3],
    /// What to think of before the curve is shown.
    pub predict: &'static str,
    /// What to look at.
    pub look: &'static str,
}

/// The tour of the first story. Its places were chosen after the map was recorded, to show each case clearly; what it says of them is
/// held against the record by a test.
pub const TOUR: [Stop; 4] = [
    Stop {
        gesture: "Start with 128 topics",
        place: [128, 128, 32],
        predict: "128 topics to learn from: how near will the blue curve come to the black one, on topics that the model never saw? Draw it into the chart.",
        look: "The blue curve sinks close to the black one, on topics that the model never saw: it has learned to read the topic from earlier tokens.",
    },
    Stop {
        gesture: "Set K to 2 topics",
        place: [2, 128, 32],
        predict: "Two topics to learn from: where will the blue curve lie on topics that the model never saw? Draw it into the chart.",
        look: "On new topics the loss stays far above the black curve, late positions too. Most of that is the topic gap: new sequences of its two topics cost the model much less.",
    },
    Stop {
        gesture: "Set K to 32 and N to 2 sequences",
        place: [32, 2, 32],
        predict: "64 sequences, read again and again: where will the blue curve lie on new topics? Draw it into the chart.",
        look: "Now the model has learned 64 sequences by heart. The sequence gap is wide: even other sequences of the same topics cost it far more.",
    },
    Stop {
        gesture: "Set K and N to 128, T to 8 tokens",
        place: [128, 128, 8],
        predict: "Eight tokens in each sequence: where will the blue curve begin, and where will it end? Draw it into the chart.",
        look: "Short sequences: both gaps are small again, but there are only eight positions to read a topic from.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        experiment::{MapDesign, Preset, WorldKind, preset::PRESETS},
        map::{Estimate, Metric, Place, RecordedMap},
        world::World,
    };

    #[test]
    fn the_first_story_is_one_of_those_with_a_map() {
        let preset = Preset::named(FIRST_STORY).unwrap();
        assert!(MapDesign::of(&preset.experiment()).is_some());
    }

    #[test]
    fn a_moved_count_asks_for_a_training_set() {
        let mut experiment = Experiment::default();
        assert!(experiment.data.fresh);
        follow("data.length", &mut experiment);
        assert!(experiment.data.fresh && about_data(&experiment).contains("no limit"));
        follow("data.topics", &mut experiment);
        assert!(!experiment.data.fresh && about_data(&experiment).contains("= 131"));
    }

    /// Where the page speaks of a least possible loss, the world has one.
    #[test]
    fn exact_bayes_is_promised_where_the_source_is_known() {
        let kinds = experiment::world::KINDS.iter().filter(|kind| kind.name != "udhr");
        let rescaled: WorldSpec = "lds:radius=0.9".parse().unwrap();
        for spec in kinds.map(WorldSpec::named).chain([rescaled]) {
            assert_eq!(spec.has_exact_bayes(), World::new(&spec).unwrap().is_exact(), "{spec}");
        }
        let text: WorldSpec = "udhr".parse().unwrap();
        assert!(
            answer(&text).contains("no lower bound") && answer(&WorldSpec::default()).contains("least possible loss")
        );
    }

    /// As many topics as the world itself has.
    #[test]
    fn worlds_say_how_many_topics_they_have() {
        for kind in experiment::world::KINDS.iter().filter(|kind| kind.name != "udhr") {
            let spec = WorldSpec::named(kind);
            assert_eq!(spec.topic_count(), World::new(&spec).unwrap().topics().count(), "{}", kind.name);
        }
        for text in ["markov:pool=7", "markov:order=2,pool=3", "coins:n=31", "ginc:concepts=4,random=1"] {
            let spec: WorldSpec = text.parse().unwrap();
            assert_eq!(spec.topic_count(), World::new(&spec).unwrap().topics().count(), "{text}");
        }
        assert!(about_topics(&WorldKind::named("udhr").map(WorldSpec::named).unwrap()).contains("10 languages"));
        for preset in PRESETS {
            assert!(about_data(&preset.experiment()).ends_with('.'), "{}", preset.name);
        }
    }

    /// A question gives no answer away.
    #[test]
    fn a_curve_is_asked_for_before_it_is_shown() {
        let opened = Preset::named(FIRST_STORY).unwrap().experiment().data;
        for stop in TOUR {
            assert!(stop.predict.contains('?') && !stop.predict.contains("gap"), "{}", stop.predict);
            // The page opens with another run: nothing was seen yet.
            assert_ne!(stop.place, [opened.topics, opened.sequences, opened.length]);
        }
    }

    /// Every sentence of the tour, with the numbers that were recorded.
    #[test]
    fn the_tour_says_what_was_recorded() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("www/maps");
        let map = RecordedMap::from_json(&std::fs::read_to_string(folder.join("markov.json")).unwrap()).unwrap();
        let at = |stop: usize| {
            let [topics, sequences, length] = TOUR[stop].place;
            map.at(Place { topics, sequences, length }).unwrap()
        };
        let mean = |found: &Estimate, metric| Estimate::spread(&found.metric(metric)).0;
        let excess =
            |found: &Estimate, l: usize| found.excess.iter().map(|run| run[l]).sum::<f64>() / found.excess.len() as f64;
        let fall = map.bayes[0] - map.bayes[31];
        // Close: within a fifth of what there is to gain from context; far: above it.
        assert!(TOUR.iter().enumerate().all(|(i, _)| at(i).on_grid));
        assert!(excess(&at(0), 31) < 0.2 * fall, "{} of {fall}", excess(&at(0), 31));
        assert!(excess(&at(1), 31) > fall && excess(&at(1), 15) > fall);
        let gap = |stop: usize, metric| mean(&at(stop), metric);
        let (topic, sequence) = (Metric::TopicGap, Metric::SequenceGap);
        assert!(gap(1, topic) > 10.0 * gap(0, topic).abs() && gap(1, topic) > 2.0 * gap(1, sequence));
        assert!(gap(2, sequence) > 10.0 * gap(0, sequence).abs() && gap(2, sequence) > 2.0 * gap(2, topic));
        assert!(gap(3, topic).abs() < 0.1 * gap(1, topic) && gap(3, sequence).abs() < 0.1 * gap(2, sequence));
    }
}

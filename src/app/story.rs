//! A story beside a run. What a story claims was seen in its own run: where settings differ it steps back, and what is seen now is said
//! from the run's own numbers.

use super::history::{History, Spread, differences};
use crate::{experiment::Experiment, number, protocol::Evaluation};

/// In a story's HTML, the class of a paragraph that says what came out of the story's own run.
const CLAIM: &str = "claim";

/// A story's paragraphs as they stand beside a run. The paragraphs are the story's own HTML.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoryText {
    /// What the run has that the story's has not: `K = 4`, `N = 2`. Empty where the settings are the story's.
    pub differs: Vec<String>,
    /// The paragraphs that hold beside this run.
    pub paragraphs: String,
    /// Those that say what came out of the story's own run, where this one differs.
    pub claims: String,
}

/// Sorts a story's paragraphs for a run of `run`: with the story's settings they stay as they are, else its claims are put apart.
pub fn adapted(html: &str, story: &Experiment, run: &Experiment) -> StoryText {
    let differs = differing(story, run);
    if differs.is_empty() {
        return StoryText { paragraphs: html.into(), ..StoryText::default() };
    }
    let (claims, rest): (Vec<&str>, Vec<&str>) = paragraphs(html).partition(|paragraph| is_claim(paragraph));
    StoryText { differs, paragraphs: rest.concat(), claims: claims.concat() }
}

/// What a run has that the story's has not: `K = 4`, `N = 2`.
fn differing(story: &Experiment, run: &Experiment) -> Vec<String> {
    let mut out = differences(story, run);
    // Of a text, links and names say nothing.
    if story.world != run.world && !out.iter().any(|part| part.starts_with("world")) {
        out.insert(0, "world".into());
    }
    out
}

/// Each `<p …>…</p>`.
fn paragraphs(html: &str) -> impl Iterator<Item = &str> {
    const END: &str = "</p>";
    html.split_inclusive(END)
        .filter_map(|part| part.find("<p").map(|start| &part[start..]))
        .filter(|p| p.ends_with(END))
}

fn is_claim(paragraph: &str) -> bool {
    let tag = paragraph.split('>').next().unwrap_or_default();
    tag.split_once("class=\"")
        .and_then(|(_, rest)| rest.split('"').next())
        .is_some_and(|classes| classes.split(' ').any(|class| class == CLAIM))
}

/// What the run shows at the step that is looked at, from its own numbers; empty before its first evaluation.
pub fn seen(history: &History) -> String {
    let Some(evaluation) = history.evaluation() else { return String::new() };
    let Evaluation { step, model, excess, .. } = evaluation;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let (loss, over) = (mean(model), mean(excess));
    let furthest = excess.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    let (reference, unit) = (history.reference(), format!("nats per {}", history.per()));
    let side = |v: f64| if v < 0.0 { "below" } else { "above" };
    if let Some(text) = seen_of_seeds(history) {
        return text;
    }
    let most = furthest.map_or_else(String::new, |(i, most)| {
        format!(", and {} {} it at position {}, the highest of all", number::short(most.abs()), side(*most), i + 1)
    });
    format!(
        "This run at step {}: over all positions the loss on fresh topics is {} {unit} on average, {} {} {reference}{most}.",
        number::count(*step),
        number::short(loss),
        number::short(over.abs()),
        side(over)
    )
}

/// The same of several seeds, at a step that all have reached; `None` where there is one.
fn seen_of_seeds(history: &History) -> Option<String> {
    let all = history.evaluations_of_seeds()?;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let loss = Spread::over(all.iter().map(|e| mean(&e.model)))?;
    let over = Spread::over(all.iter().map(|e| mean(&e.excess)))?;
    Some(format!(
        "This run at step {}: over all positions the loss on fresh topics is {} nats per {} on average; less that of {} it is {}.",
        number::count(all.first()?.step),
        loss.whole_text(),
        history.per(),
        history.reference(),
        over.text()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::charts::fixtures,
        experiment::{Preset, preset::PRESETS},
    };

    const STORIES: &str = include_str!("../../www/stories.html");

    fn story(name: &str) -> &'static str {
        let start = format!("<template id=\"story-{name}\">");
        STORIES.split(&start).nth(1).and_then(|rest| rest.split("</template>").next()).expect(name)
    }

    /// A number that was measured has decimals, or is counted in steps; and some words say what a run did.
    fn speaks_of_a_result(paragraph: &str) -> bool {
        let text: Vec<char> = paragraph.chars().collect();
        let decimal = text.windows(3).any(|w| w[0].is_ascii_digit() && w[1] == '.' && w[2].is_ascii_digit());
        const WORDS: [&str; 13] = [
            "Measured",
            "at step ",
            "by step ",
            "after 400 steps",
            " steps the ",
            "sinks",
            "rests",
            " rest ",
            "drops",
            " drop ",
            "is learned before",
            "The model follows",
            "hundred steps",
        ];
        decimal || WORDS.iter().any(|word| paragraph.contains(word))
    }

    #[test]
    fn every_result_in_a_story_is_marked_as_a_claim() {
        let mut claims = 0;
        for preset in PRESETS {
            for paragraph in paragraphs(story(preset.name)) {
                claims += usize::from(is_claim(paragraph));
                assert!(is_claim(paragraph) || !speaks_of_a_result(paragraph), "{}: {paragraph}", preset.name);
            }
            // What is measured with some seed says so, and nothing stands outside of paragraphs.
            let all: usize = paragraphs(story(preset.name)).map(str::len).sum();
            assert_eq!(story(preset.name).split_whitespace().collect::<String>().len(), {
                paragraphs(story(preset.name)).collect::<String>().split_whitespace().collect::<String>().len()
            });
            assert!(all > 0);
        }
        assert!(claims >= 10, "{claims}");
        assert!(speaks_of_a_result("<p>The loss is 0.001 nats above exact Bayes.</p>"));
        assert!(!speaks_of_a_result("<p>Eight random tokens, repeated to the end: 1/(2L).</p>"));
    }

    #[test]
    fn claims_step_back_where_settings_differ() {
        for preset in PRESETS {
            let (html, own) = (story(preset.name), preset.experiment());
            let same = StoryText { paragraphs: html.into(), ..StoryText::default() };
            assert_eq!(adapted(html, &own, &own), same, "{}", preset.name);
            for suggestion in preset.tries {
                let fields: Vec<(String, serde_json::Value)> = suggestion
                    .changes
                    .iter()
                    .map(|(field, json)| (field.to_string(), serde_json::from_str(json).expect("JSON")))
                    .collect();
                let tried = experiment::link::with_fields(&own, &fields).expect("a suggestion");
                let now = adapted(html, &own, &tried);
                assert!(!now.differs.is_empty(), "{}", preset.name);
                assert!(!paragraphs(&now.paragraphs).any(is_claim), "{}: {now:?}", preset.name);
                // Nothing is lost.
                let all = now.paragraphs.clone() + &now.claims;
                assert!(paragraphs(html).all(|paragraph| all.contains(paragraph)), "{}", preset.name);
            }
        }
        // The case of a first visitor: few topics, and the story of fresh draws.
        let preset = Preset::named("dursley-wonka").expect("a story");
        let mut few = preset.experiment();
        (few.data.fresh, few.data.topics, few.data.sequences) = (false, 4, 2);
        let now = adapted(story(preset.name), &preset.experiment(), &few);
        assert_eq!(now.differs, ["K = 4", "N = 2"]);
        // Another world, and another seed.
        let (mut other, mut seed) = (preset.experiment(), preset.experiment());
        other.world = "coins:n=3".parse().expect("a world");
        seed.seed = 2;
        let differs = |run: &Experiment| adapted(story(preset.name), &preset.experiment(), run).differs;
        assert_eq!(differs(&other), ["world = coins:n=3"]);
        assert_eq!(differs(&seed), ["seed = 2"]);
    }

    #[test]
    fn what_is_seen_comes_from_the_run() {
        let mut history = fixtures::history(&Experiment::default(), 40);
        let words = seen(&history);
        let evaluation = history.evaluation().expect("an evaluation").clone();
        let over = evaluation.excess.iter().sum::<f64>() / evaluation.excess.len() as f64;
        assert!(words.contains(&format!("{} above exact Bayes", number::short(over))), "{words}");
        // A loss of four nats is not called near.
        let far = Evaluation {
            step: evaluation.step + 1,
            model: evaluation.model.iter().map(|_| 4.5).collect(),
            excess: evaluation.excess.iter().map(|_| 3.5).collect(),
            ..evaluation
        };
        history.apply(&crate::protocol::Event::Evaluation(far));
        let words = seen(&history);
        assert!(words.contains("is 4.50 nats per token on average, 3.50 above exact Bayes"), "{words}");
        assert_eq!(seen(&History::new(history.experiment())), "");
    }
}

//! Small pieces of HTML and of sentences.

use crate::picture::svg::escape;

/// An option of a select.
pub fn option(value: &str, label: &str, selected: bool) -> String {
    let selected = if selected { " selected" } else { "" };
    format!("<option value=\"{}\"{selected}>{}</option>", escape(value), escape(label))
}

/// `1 run`, `2 runs`.
pub fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// What a field is called where there is little room.
pub fn short_name(field: &str) -> &str {
    match field {
        "data.topics" => "K",
        "data.sequences" => "N",
        "data.length" => "T",
        "bound.topics" => "K′",
        "bound.sequences" => "N′",
        "training.learning_rate" => "learning rate",
        "prior.steps" => "prior steps",
        "evaluation.prompt_length" => "prompt length",
        _ => field.rsplit('.').next().unwrap_or(field),
    }
}

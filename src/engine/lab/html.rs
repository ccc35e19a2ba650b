//! Small pieces of HTML and of sentences.

/// Text as HTML, in an element or in an attribute between double quotes.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// An option of a select.
pub fn option(value: &str, label: &str, selected: bool) -> String {
    let selected = if selected { " selected" } else { "" };
    format!("<option value=\"{}\"{selected}>{}</option>", escape(value), escape(label))
}

/// `1 run`, `2 runs`.
pub fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => "1 s".into(),
        s if s < 100.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.0} days", s / 86_400.0),
    }
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

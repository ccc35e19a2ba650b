//! The keys, and the page's own settings.

use leptos::prelude::*;

use super::{controls::Switch, dialog::Dialog, preferences, state::use_app};

const KEYS: &[(&str, &str)] = &[
    ("Space", "Run or pause"),
    ("S", "One training step"),
    ("R", "Back to step 0, with the settings as they are now"),
    ("← →", "Move the crosshair of the chart that has the focus"),
    ("↑ ↓", "Change your guess at the crosshair, while one is drawn"),
    ("Home, End", "To the first or last point of that chart"),
    ("Esc", "Close what is open"),
    ("?", "This list"),
];

#[component]
pub fn Help(open: RwSignal<bool>) -> impl IntoView {
    let app = use_app();
    let keys = KEYS.iter().map(|(key, what)| {
        view! {
            <tr>
                <th scope="row"><kbd>{*key}</kbd></th>
                <td>{*what}</td>
            </tr>
        }
    });
    view! {
        <Dialog open title="Keys and settings of this page" testid="help-dialog">
            <table class="keys"><tbody>{keys.collect_view()}</tbody></table>
            <Switch
                label="Pause while this tab is hidden"
                about="Training goes on at the exact step when you come back."
                testid="pause-hidden"
                on=app.pause_hidden
                set=move |on| {
                    app.pause_hidden.set(on);
                    preferences::write_flag("pause-hidden", on);
                }
            />
            <p class="note">
                "Double-click a slider to bring back the story's own value. Drop a JSON file anywhere on the page to open it. Everything runs in this tab; nothing is sent anywhere."
            </p>
        </Dialog>
    }
}

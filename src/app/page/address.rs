//! The page's address: what a link asks for, and how the address is written. What follows the draft is in `navigation`.

use std::{cell::RefCell, time::Duration};

use leptos::{
    leptos_dom::helpers::TimeoutHandle,
    prelude::{set_timeout_with_handle, window},
};
use wasm_bindgen::JsValue;

use super::preferences;
use crate::{
    app::{
        first::FIRST_STORY,
        view_state::{self, ViewState},
    },
    experiment::{Experiment, Preset, WorldSpec, json, link, preset::PRESETS, problem::sentences},
};

/// The part of a fragment that asks for the view of sweeps.
const SWEEPS: &str = "view=lab";
/// The part of a fragment that names a text of one's own, which is too long for a link; behind it comes the text's mark.
const TEXT: &str = "own-text=";

/// An address's fragment, taken apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fragment {
    /// The experiment, as `link` writes it.
    pub experiment: String,
    /// It asks for the view of sweeps.
    pub sweeps: bool,
    /// The mark of the text that the experiment's world is made of, where it is one's own.
    pub text: String,
    /// What is looked at, as `view_state` writes it; empty where nothing is said of it.
    pub view: String,
}

impl Fragment {
    /// What the address says now.
    pub fn now() -> Self {
        Self::parse(&link::plain(&window().location().hash().unwrap_or_default()))
    }

    /// Takes a fragment apart, with or without its `#`.
    pub fn parse(hash: &str) -> Self {
        let mut fragment = Self::default();
        let (mut kept, mut view): (Vec<&str>, Vec<&str>) = Default::default();
        for part in hash.trim_start_matches('#').split('&') {
            match part.strip_prefix(TEXT) {
                Some(mark) => fragment.text = mark.into(),
                None if part == SWEEPS => fragment.sweeps = true,
                None if part.starts_with(view_state::PREFIX) => view.push(part),
                None => kept.push(part),
            }
        }
        fragment.experiment = kept.join("&");
        fragment.view = view.join("&");
        fragment
    }

    /// The settings of `experiment` against a story's; `text` is [`text_mark`] of its world.
    pub fn new(preset: &Preset, experiment: &Experiment, text: String) -> Self {
        Self { experiment: link::to_fragment(preset, experiment), text, ..Self::default() }
    }

    /// The same experiment, looked at like this.
    pub fn with_view(self, view: String) -> Self {
        Self { view, ..self }
    }

    /// With its `#`.
    pub fn joined(&self) -> String {
        let text = if self.text.is_empty() { String::new() } else { format!("{TEXT}{}", self.text) };
        let sweeps = if self.sweeps { SWEEPS } else { "" };
        let parts = [self.experiment.as_str(), &text, &self.view, sweeps];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        format!("#{}", parts.join("&"))
    }

    /// The whole address with this fragment.
    pub fn address(&self) -> String {
        let base = window().location().href().unwrap_or_default();
        let base = base.split('#').next().unwrap_or_default();
        format!("{base}{}", self.joined())
    }
}

/// Tells one's own text from others; empty for other worlds. The bundled texts are part of every link.
pub fn text_mark(world: &WorldSpec) -> String {
    if !matches!(world, WorldSpec::Text(_)) {
        return String::new();
    }
    // FNV-1a over what the world is written as.
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", written(world).into_bytes().into_iter().fold(0xcbf2_9ce4_8422_2325, mix))
}

/// What this tab remembers, until it is closed: a text of one's own, with its mark.
const KEPT_TEXT: &str = "own-text";
/// The same of an edit that is not in the address yet: the fragment that is, and the one that will be.
const KEPT_EDIT: &str = "edit";

/// A world as JSON, texts included; its short form only counts them.
fn written(world: &WorldSpec) -> String {
    // Plain data with string keys: serialisation cannot fail.
    serde_json::to_value(world).map(|value| json::text(&value)).unwrap_or_default()
}

/// Keeps one's own text for a reload. A text too large for the browser is forgotten, which a reload then says.
pub fn keep_text(world: &WorldSpec, mark: &str) {
    preferences::keep(KEPT_TEXT, &format!("{mark}\n{}", written(world)));
}

/// The text of this mark, where this tab still has it.
fn kept_text(mark: &str) -> Option<WorldSpec> {
    let kept = preferences::kept(KEPT_TEXT)?;
    let (of, world) = kept.split_once('\n')?;
    (of == mark).then(|| WorldSpec::from_value(json::read(world).ok()?).ok()).flatten()
}

/// What a fragment asks for.
pub struct Opened {
    pub preset: &'static Preset,
    pub experiment: Experiment,
    /// What the link says of the view; `None` where it leaves it to the reader.
    pub view: Option<ViewState>,
    /// What must be said of it.
    pub notice: Option<String>,
}

/// What the page's address asks for. A broken one opens the first story, and the notice says why.
pub fn open() -> Opened {
    let mut now = Fragment::now();
    // An edit just before the page was left or loaded anew.
    if let Some(edit) = preferences::kept(KEPT_EDIT) {
        preferences::keep(KEPT_EDIT, "");
        if let Some((before, after)) = edit.split_once('\n')
            && Fragment::parse(before).experiment == now.experiment
        {
            now = Fragment { sweeps: now.sweeps, ..Fragment::parse(after) };
            replace(&now);
        }
    }
    read(&now).unwrap_or_else(|why| Opened {
        preset: first_story(),
        experiment: first_story().experiment(),
        view: None,
        notice: Some(format!("The link could not be read, so the first story is open instead.\n{why}")),
    })
}

/// What an address without a fragment opens.
fn first_story() -> &'static Preset {
    Preset::named(FIRST_STORY).unwrap_or(&PRESETS[0])
}

/// The story, the experiment and the view of a fragment.
///
/// # Errors
/// What is wrong with the experiment, a sentence a line. What is wrong with the view is left out, and the notice says so.
pub fn read(fragment: &Fragment) -> Result<Opened, String> {
    let link = link::from_fragment(&fragment.experiment).map_err(|problems| sentences(&problems))?;
    let is_bare = fragment.experiment.is_empty() && fragment.text.is_empty();
    let preset = if is_bare { first_story() } else { Preset::named(link.preset).unwrap_or(&PRESETS[0]) };
    let plain = if is_bare { preset.experiment() } else { link.experiment };
    let (experiment, foreign) = with_text(plain, &fragment.text);
    let (view, left_out) = match fragment.view.as_str() {
        "" => (None, Vec::new()),
        text => {
            let (view, left_out) = ViewState::from_fragment(text);
            (Some(view), left_out)
        }
    };
    let notice: Vec<String> = foreign.into_iter().chain(left_out).collect();
    Ok(Opened { preset, experiment, view, notice: (!notice.is_empty()).then(|| notice.join("\n")) })
}

/// The experiment with the text of this mark as its world; without a mark, and where this tab does not have it, the experiment as it is,
/// and what must be said then.
fn with_text(plain: Experiment, mark: &str) -> (Experiment, Option<String>) {
    if mark.is_empty() {
        return (plain, None);
    }
    if let Some(world) = kept_text(mark) {
        let experiment = Experiment { world, ..plain.clone() };
        if experiment.validate().is_ok() {
            return (experiment, None);
        }
    }
    let notice = format!(
        "This link is of text files of someone's own, which are too long for a link and are not kept in this tab. The world shown \
         instead is the story's, {}. Open the files again, or an exported experiment, to see that run.",
        plain.world
    );
    (plain, Some(notice))
}

/// How long the draft must rest before it is written into the address: browsers refuse to write it at every turn of a slider.
const REST: Duration = Duration::from_millis(250);

thread_local! {
    /// The address is about to be written: the timer, and what it will say. A debounce of leptos-use cannot be made to act early, and
    /// what waits must be in the address before the browser's history gets another place. A page has one address.
    static WAITING: RefCell<Option<(TimeoutHandle, Fragment)>> = const { RefCell::new(None) };
}

/// Writes the fragment into the address once no other came for a while. Whoever loads the page anew before gets the edit from this
/// tab's memory; writing the address as the page is left would come too late.
pub fn write_soon(fragment: Fragment) {
    preferences::keep(KEPT_EDIT, &format!("{}\n{}", Fragment::now().joined(), fragment.joined()));
    if let Some((old, _)) = WAITING.take() {
        old.clear();
    }
    if let Ok(timer) = set_timeout_with_handle(flush, REST) {
        WAITING.set(Some((timer, fragment)));
    }
}

/// Writes what waits to be written into the address, at once.
pub fn flush() {
    let Some((timer, fragment)) = WAITING.take() else { return };
    timer.clear();
    let now = Fragment::now();
    let wanted = Fragment { sweeps: now.sweeps, ..fragment };
    if now != wanted {
        replace(&wanted);
    }
    preferences::keep(KEPT_EDIT, "");
}

fn replace(fragment: &Fragment) {
    if let Ok(history) = window().history() {
        let state = history.state().unwrap_or_default();
        // Refused when called too often; the next change tries again.
        let _ = history.replace_state_with_url(&state, "", Some(&fragment.joined()));
    }
}

/// Leaves a place in the browser's history to come back to, before another experiment replaces what is there.
pub fn leave_mark() {
    flush();
    if let Ok(history) = window().history() {
        // Refused when called too often: Back then leads further.
        let _ = history.push_state_with_url(&JsValue::NULL, "", Some(&window().location().href().unwrap_or_default()));
    }
}

/// State of the browser's history where the view of sweeps was opened from the page: Back then leads out of it.
const OPENED: &str = "lab";

/// Makes the address ask for the view of sweeps, or no more. Opening makes a place in the browser's history; leaving goes back to the
/// one before, so that Back never opens it again.
pub fn ask_for_sweeps(open: bool) {
    flush();
    let Ok(history) = window().history() else { return };
    let url = Fragment { sweeps: open, ..Fragment::now() }.joined();
    let was_opened = history.state().is_ok_and(|state| state.as_string().as_deref() == Some(OPENED));
    // Refused when called too often: the view opens nonetheless.
    let _ = match (open, was_opened) {
        (true, _) => history.push_state_with_url(&OPENED.into(), "", Some(&url)),
        (false, true) => history.back(),
        // A link or a reload led here.
        (false, false) => history.replace_state_with_url(&JsValue::NULL, "", Some(&url)),
    };
}

//! How an experiment leaves and enters the page: the link, JSON by file, paste and drop.

use std::cell::RefCell;

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::{
    controls::{Switch, effect, memo, truth, words},
    preferences,
    state::{App, use_app},
};
use crate::experiment::{
    Experiment, Preset, Problem, Text, WorldSpec, json, link,
    preset::PRESETS,
    problem::sentences,
    text::{self, Decoded, Document, Unit},
};

/// Sets a field of `window.icl` to JSON text, for curious users and tests.
pub fn publish(name: &str, value: &impl Serialize) {
    let text = serde_json::to_string(value).unwrap_or_default();
    let icl = js_sys::Reflect::get(&js_sys::global(), &"icl".into()).unwrap_or_default();
    if icl.is_object() {
        // A frozen object would only cost the curious their copy.
        let _ = js_sys::Reflect::set(&icl, &name.into(), &text.into());
    }
}

/// The part of a fragment that asks for the view of sweeps.
const LAB: &str = "view=lab";
/// The part of a fragment that names a text of one's own, which is too long for a link; behind it comes the text's mark.
const TEXT: &str = "own-text=";

/// An address's fragment, taken apart.
#[derive(Clone, Debug, Default, PartialEq)]
struct Fragment {
    /// The experiment, as `link` writes it.
    experiment: String,
    /// It asks for the view of sweeps.
    lab: bool,
    /// The mark of the text that the experiment's world is made of, where it is one's own.
    text: String,
}

impl Fragment {
    /// What the address says now.
    fn now() -> Self {
        Self::parted(&link::plain(&window().location().hash().unwrap_or_default()))
    }

    fn parted(hash: &str) -> Self {
        let mut fragment = Self::default();
        let mut kept: Vec<&str> = Vec::new();
        for part in hash.trim_start_matches('#').split('&') {
            match part.strip_prefix(TEXT) {
                Some(mark) => fragment.text = mark.into(),
                None if part == LAB => fragment.lab = true,
                None => kept.push(part),
            }
        }
        fragment.experiment = kept.join("&");
        fragment
    }

    /// The story's settings as they are in the controls.
    fn of_draft(app: App) -> Self {
        let preset = app.preset.get();
        let (experiment, text) = app.draft.with(|draft| (link::to_fragment(preset, draft), text_mark(&draft.world)));
        Self { experiment, text, lab: false }
    }

    /// With its `#`.
    fn joined(&self) -> String {
        let text = if self.text.is_empty() { String::new() } else { format!("{TEXT}{}", self.text) };
        let lab = if self.lab { LAB } else { "" };
        let parts = [self.experiment.as_str(), &text, lab];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        format!("#{}", parts.join("&"))
    }
}

/// Tells one's own text from others; empty for other worlds. The bundled texts are part of every link.
fn text_mark(world: &WorldSpec) -> String {
    thread_local! {
        /// Of the text seen last: texts are long, and asked for at every edit of anything.
        static LAST: RefCell<Option<(Text, String)>> = const { RefCell::new(None) };
    }
    let WorldSpec::Text(text) = world else { return String::new() };
    LAST.with_borrow_mut(|last| match last {
        Some((known, mark)) if known == text => mark.clone(),
        _ => {
            // FNV-1a over what the world is written as.
            let bytes = written(world).into_bytes();
            let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            let mark = format!("{:016x}", bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix));
            *last = Some((text.clone(), mark.clone()));
            mark
        }
    })
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
fn keep_text(world: &WorldSpec, mark: &str) {
    thread_local! {
        static KEPT: RefCell<String> = const { RefCell::new(String::new()) };
    }
    if KEPT.replace(mark.into()) == mark {
        return;
    }
    preferences::keep(KEPT_TEXT, &format!("{mark}\n{}", written(world)));
}

/// The text of this mark, where this tab still has it.
fn kept_text(mark: &str) -> Option<WorldSpec> {
    let kept = preferences::kept(KEPT_TEXT)?;
    let (of, world) = kept.split_once('\n')?;
    (of == mark).then(|| WorldSpec::from_value(json::read(world).ok()?).ok()).flatten()
}

/// Whether the address asks for the view of sweeps.
pub fn asks_for_lab() -> bool {
    Fragment::now().lab
}

/// State of the browser's history where the view of sweeps was opened from the page: Back then leads out of it.
const OPENED: &str = "lab";

/// Opens or leaves the view of sweeps. Opening makes a place in the browser's history; leaving goes back to the one before, so that Back
/// never opens it again.
pub fn show_lab(app: App, open: bool) {
    flush();
    let Ok(history) = window().history() else { return };
    let url = Fragment { lab: open, ..Fragment::now() }.joined();
    let was_opened = history.state().is_ok_and(|state| state.as_string().as_deref() == Some(OPENED));
    // Refused when called too often: the view opens nonetheless.
    let _ = match (open, was_opened) {
        (true, _) => history.push_state_with_url(&OPENED.into(), "", Some(&url)),
        (false, true) => history.back(),
        // A link or a reload led here.
        (false, false) => history.replace_state_with_url(&JsValue::NULL, "", Some(&url)),
    };
    app.lab.set(open);
}

/// What the page's address asks for. A broken one opens the first story, and the notice says why.
pub fn from_address() -> (&'static Preset, Experiment, Option<String>) {
    let mut now = Fragment::now();
    // An edit just before the page was left or loaded anew.
    if let Some(edit) = preferences::kept(KEPT_EDIT) {
        preferences::keep(KEPT_EDIT, "");
        if let Some((before, after)) = edit.split_once('\n')
            && Fragment::parted(before).experiment == now.experiment
        {
            now = Fragment { lab: now.lab, ..Fragment::parted(after) };
            replace(&now);
        }
    }
    match read(&now) {
        Ok((preset, experiment, notice)) => (preset, experiment, notice),
        Err(why) => (&PRESETS[0], PRESETS[0].experiment(), Some(why)),
    }
}

/// The story and the experiment of a fragment, and what must be said of them.
fn read(fragment: &Fragment) -> Result<(&'static Preset, Experiment, Option<String>), String> {
    let link = link::from_fragment(&fragment.experiment).map_err(|problems| {
        format!("The link could not be read, so the first story is open instead.\n{}", sentences(&problems))
    })?;
    let preset = Preset::named(link.preset).unwrap_or(&PRESETS[0]);
    let mut experiment = link.experiment;
    if fragment.text.is_empty() {
        return Ok((preset, experiment, None));
    }
    if let Some(world) = kept_text(&fragment.text) {
        experiment.world = world;
        if experiment.validate().is_ok() {
            return Ok((preset, experiment, None));
        }
        experiment = link::from_fragment(&fragment.experiment).map(|link| link.experiment).unwrap_or_default();
    }
    let notice = format!(
        "This link is of text files of someone's own, which are too long for a link and are not kept in this tab. The world shown \
         instead is the story's, {}. Open the files again, or an exported experiment, to see that run.",
        experiment.world
    );
    Ok((preset, experiment, Some(notice)))
}

thread_local! {
    /// The address is about to be written: the timer, and what it will say.
    static WAITING: RefCell<Option<(TimeoutHandle, Fragment)>> = const { RefCell::new(None) };
}

/// Writes what waits to be written into the address, at once.
fn flush() {
    let Some((timer, fragment)) = WAITING.take() else { return };
    timer.clear();
    let now = Fragment::now();
    if now != (Fragment { lab: now.lab, ..fragment.clone() }) {
        replace(&Fragment { lab: now.lab, ..fragment });
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

/// Keeps the address in step with the draft, and follows when the address changes.
pub fn follow_address(app: App) {
    Effect::new(move |first: Option<()>| {
        let fragment = Fragment::of_draft(app);
        let sound = app.problems.with(Vec::is_empty);
        // What was opened stays in the address until something is changed; so does a broken link, to be mended.
        if first.is_none() || !sound {
            return;
        }
        if !fragment.text.is_empty() {
            app.draft.with_untracked(|draft| keep_text(&draft.world, &fragment.text));
        }
        // Browsers refuse to write it at every turn of a slider. Whoever loads the page anew before it is written gets the edit from here;
        // writing it as the page is left would come too late.
        preferences::keep(KEPT_EDIT, &format!("{}\n{}", Fragment::now().joined(), fragment.joined()));
        if let Some((old, _)) = WAITING.take() {
            old.clear();
        }
        if let Ok(timer) = set_timeout_with_handle(flush, std::time::Duration::from_millis(250)) {
            WAITING.set(Some((timer, fragment)));
        }
    });
    window_event_listener_untyped("hashchange", move |e| {
        let now = Fragment::now();
        app.lab.set(now.lab);
        // From one view to the other and back, the run goes on.
        let old = js_sys::Reflect::get(&e, &"oldURL".into()).ok().and_then(|url| url.as_string()).unwrap_or_default();
        let old = Fragment::parted(&link::plain(old.split_once('#').unwrap_or_default().1));
        if (&old.experiment, &old.text) == (&now.experiment, &now.text) {
            return;
        }
        match read(&now) {
            Ok((preset, experiment, notice)) => {
                app.preset.set(preset);
                app.open(experiment);
                app.notice.set(notice);
            }
            Err(why) => app.notice.set(Some(why.replace("the first story is open instead", "nothing was changed"))),
        }
    });
}

/// Leaves a place in the browser's history to come back to, before another experiment replaces what is there.
pub fn leave_mark() {
    flush();
    if let Ok(history) = window().history() {
        let _ = history.push_state_with_url(&JsValue::NULL, "", Some(&window().location().href().unwrap_or_default()));
    }
}

/// The whole address, with the draft in it.
fn address(app: App) -> String {
    let location = window().location();
    let base = location.href().unwrap_or_default();
    let base = base.split('#').next().unwrap_or_default();
    format!("{base}{}", untrack(|| Fragment::of_draft(app)).joined())
}

/// Puts text on the clipboard and says through `done` whether that worked.
pub fn copy(text: &str, done: impl Fn(bool) + 'static) {
    // Absent on pages that are not served securely.
    let clipboard = js_sys::Reflect::get(&window().navigator(), &"clipboard".into()).unwrap_or_default();
    if clipboard.is_undefined() {
        done(false);
        return;
    }
    let promise = window().navigator().clipboard().write_text(text);
    spawn_local(async move { done(JsFuture::from(promise).await.is_ok()) });
}

/// Offers text as a file.
pub fn download(name: &str, kind: &str, text: &str) {
    let options = web_sys::BlobPropertyBag::new();
    options.set_type(kind);
    let parts = js_sys::Array::of1(&text.into());
    let url = web_sys::Blob::new_with_str_sequence_and_options(&parts, &options)
        .and_then(|blob| web_sys::Url::create_object_url_with_blob(&blob));
    if let Ok(url) = url {
        download_url(name, &url);
        // Released once the browser has surely begun.
        set_timeout(move || drop(web_sys::Url::revoke_object_url(&url)), std::time::Duration::from_secs(10));
    }
}

pub fn download_url(name: &str, url: &str) {
    let anchor = document().create_element("a").ok().and_then(|a| a.dyn_into::<web_sys::HtmlAnchorElement>().ok());
    if let Some(anchor) = anchor {
        anchor.set_href(url);
        anchor.set_download(name);
        anchor.click();
    }
}

/// Takes JSON of an experiment, a process or a mixture, whichever it is.
fn take_in(app: App, text: &str) -> Result<(), String> {
    let value = json::given("experiment", text).map_err(|problem| refuse(vec![problem]))?;
    if ["transitions", "mixture", "text"].iter().any(|key| value.get(key).is_some()) {
        let world = WorldSpec::from_value(value).map_err(|problem| refuse(vec![problem]))?;
        world.validate().map_err(refuse)?;
        let mut experiment = app.draft.get_untracked();
        experiment.world = world;
        experiment.validate().map_err(refuse)?;
        app.open_beside(experiment);
    } else {
        app.open_beside(Experiment::from_value(value).map_err(refuse)?);
    }
    Ok(())
}

fn refuse(problems: Vec<Problem>) -> String {
    format!("This could not be taken, so nothing was changed.\n{}", sentences(&problems))
}

/// Files dropped anywhere on the page, and JSON pasted outside of entries.
pub fn listen_for_files(app: App) {
    let body = document();
    let over = |e: web_sys::DragEvent| {
        if e.data_transfer().is_some_and(|d| d.types().includes(&"Files".into(), 0)) {
            // Without this the browser would open the file in place of the page.
            e.prevent_default();
        }
    };
    listen(&body, "dragover", over);
    listen(&body, "drop", move |e: web_sys::DragEvent| {
        let files = e.data_transfer().and_then(|d| d.files()).filter(|files| files.length() > 0);
        if let Some(files) = files {
            e.prevent_default();
            take_in_files(app, &files, move |outcome| app.note(outcome.err().into_iter().collect()));
        }
    });
    listen(&body, "paste", move |e: web_sys::ClipboardEvent| {
        let typing = e.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
        let typing = typing.is_some_and(|t| matches!(t.tag_name().as_str(), "INPUT" | "TEXTAREA"));
        let text = e.clipboard_data().and_then(|d| d.get_data("text").ok()).unwrap_or_default();
        if !typing && json::is_meant(&text) {
            e.prevent_default();
            app.notice.set(take_in(app, &text).err());
        }
    });
}

/// A listener that lives as long as the page.
pub fn listen<E: JsCast + 'static>(target: &web_sys::EventTarget, name: &str, heard: impl Fn(E) + 'static) {
    let heard = wasm_bindgen::closure::Closure::<dyn Fn(web_sys::Event)>::new(move |event: web_sys::Event| {
        if let Ok(event) = event.dyn_into::<E>() {
            heard(event);
        }
    });
    // Fails only for names that are no events.
    let _ = target.add_event_listener_with_callback(name, heard.as_ref().unchecked_ref());
    heard.forget();
}

/// One file of JSON, or text files: one with sections, or several that are a topic each.
fn take_in_files(app: App, files: &web_sys::FileList, done: impl Fn(Result<(), String>) + 'static) {
    let files: Vec<web_sys::File> = (0..files.length()).filter_map(|i| files.get(i)).collect();
    let size: f64 = files.iter().map(|file| file.size()).sum();
    // Other encodings may take thrice the space; the rest is for validation to judge.
    if size > 3.0 * text::MAX_BYTES as f64 {
        let most = text::MAX_BYTES / 1_000_000;
        done(Err(format!("That is {:.0} MB of files; at most {most} can be read. Nothing was changed.", size / 1e6)));
        return;
    }
    spawn_local(async move { done(read_files(app, &files).await) });
}

/// Asks for files as the browser does.
pub fn choose_files(app: App) {
    let input = document().create_element("input").ok().and_then(|i| i.dyn_into::<web_sys::HtmlInputElement>().ok());
    if let Some(input) = input {
        input.set_type("file");
        input.set_multiple(true);
        listen(&input, "change", move |e: web_sys::Event| {
            if let Some(files) = event_target::<web_sys::HtmlInputElement>(&e).files() {
                take_in_files(app, &files, move |outcome| app.note(outcome.err().into_iter().collect()));
            }
        });
        input.click();
    }
}

async fn read_files(app: App, files: &[web_sys::File]) -> Result<(), String> {
    let (mut documents, mut notes) = (Vec::new(), Vec::new());
    for file in files {
        let name = file.name();
        let Ok(buffer) = JsFuture::from(file.array_buffer()).await else {
            return Err(format!("{name} could not be read. Nothing was changed."));
        };
        let Decoded { text, note } = text::decode(&name, js_sys::Uint8Array::new(&buffer).to_vec())
            .map_err(|problem| format!("{problem} Nothing was changed."))?;
        if !note.is_empty() {
            notes.push(note);
        }
        match files.len() {
            1 if name.ends_with(".json") || json::is_meant(&text) => {
                take_in(app, &text)?;
                app.note(notes);
                return Ok(());
            }
            1 => documents = text::sections(&name, &text),
            _ => documents.push(Document { name, text }),
        }
    }
    let mut experiment = app.draft.get_untracked();
    experiment.world = WorldSpec::Text(Text::new(Unit::Characters, documents));
    experiment.validate().map_err(refuse)?;
    app.open_beside(experiment);
    app.note(notes);
    Ok(())
}

/// Characters or bytes, of a world that is a text.
#[component]
pub fn TextUnit() -> impl IntoView {
    let app = use_app();
    let is_bytes = |draft: &Experiment| matches!(&draft.world, WorldSpec::Text(text) if text.unit() == Unit::Bytes);
    let set = move |bytes: bool| {
        let unit = if bytes { Unit::Bytes } else { Unit::Characters };
        if let WorldSpec::Text(text) = app.draft.with_untracked(|draft| draft.world.clone()) {
            app.set_world(WorldSpec::Text(text.in_unit(unit)));
        }
    };
    view! {
        <Switch
            label="Read as bytes"
            about="Tokens are the 256 bytes of UTF-8 instead of characters."
            testid="text-bytes"
            on=truth(move || app.draft.with(is_bytes))
            set
        />
    }
}

/// A dialog that follows a signal, and closes by Escape or a click outside.
#[component]
pub fn Dialog(
    open: RwSignal<bool>,
    title: &'static str,
    #[prop(into)] testid: String,
    children: Children,
) -> impl IntoView {
    let node = NodeRef::<leptos::html::Dialog>::new();
    effect(move || {
        let open = open.get();
        if let Some(dialog) = node.get() {
            if open && !dialog.open() {
                // Throws only while the dialog is open already, or is not in the page.
                let _ = dialog.show_modal();
                // WebKit gives the entry the focus, and then takes back what the entry selected.
                if let Ok(Some(entry)) = dialog.query_selector("input[autofocus]") {
                    entry.unchecked_into::<web_sys::HtmlInputElement>().select();
                }
            } else if !open && dialog.open() {
                dialog.close();
            }
        }
    });
    let outside = move |e: leptos::ev::MouseEvent| {
        // The dialog's own box is filled by its content: a click that hits the dialog itself hit the backdrop.
        if e.target().is_some_and(|t| t.dyn_ref::<web_sys::HtmlDialogElement>().is_some()) {
            open.set(false);
        }
    };
    view! {
        <dialog node_ref=node data-testid=testid aria-label=title on:close=move |_| open.set(false) on:click=outside>
            <div class="dialog-body">
                <div class="dialog-head">
                    <h2>{title}</h2>
                    <button type="button" class="quiet" on:click=move |_| open.set(false)>"Close"</button>
                </div>
                {children()}
            </div>
        </dialog>
    }
}

/// Link, files and paste, behind the Share button.
#[component]
pub fn Share(open: RwSignal<bool>) -> impl IntoView {
    let app = use_app();
    let link = memo(move || {
        app.draft.track();
        app.preset.track();
        address(app)
    });
    let said = RwSignal::new(String::new());
    let copied = move |worked: bool| {
        said.set(
            if worked { "Copied." } else { "The browser did not allow copying: select the text and copy it." }.into(),
        );
    };
    let save = move |_| {
        let text = app.draft.with_untracked(Experiment::to_json);
        download("icl-experiment.json", "application/json", &text);
    };
    let sound = move || app.problems.with(Vec::is_empty);
    view! {
        <Dialog open title="Share this experiment" testid="share-dialog">
            <p>"The link holds every setting that differs from the story, and the seed: whoever opens it sees the same tokens and, on the CPU of the same kind of machine with the same number of cores, the same losses to the last bit. Other machines round differently. Only text files of your own are too long for a link; export those as a file."</p>
            <div class="row">
                <input
                    type="text"
                    readonly
                    autofocus
                    data-testid="share-link"
                    aria-label="Link to this experiment"
                    prop:value=words(move || link.get())
                    on:focus=move |e| { event_target::<web_sys::HtmlInputElement>(&e).select() }
                />
                <button type="button" class="primary" data-testid="copy-link" prop:disabled=truth(move || !sound()) on:click=move |_| copy(&link.get_untracked(), copied)>
                    "Copy link"
                </button>
            </div>
            <p class="said" role="status">{words(move || if sound() { said.get() } else { "Some settings are out of range: mend them first.".into() })}</p>
            <h3>"As a file"</h3>
            <button type="button" data-testid="export" prop:disabled=truth(move || !sound()) on:click=save>"Export JSON"</button>
            <Import open name="import" />
        </Dialog>
    }
}

/// Opening a file or pasted text. Test ids begin with `name`.
#[component]
pub fn Import(open: RwSignal<bool>, name: &'static str) -> impl IntoView {
    let app = use_app();
    let problem = RwSignal::new(String::new());
    let text = NodeRef::<leptos::html::Textarea>::new();
    let done = move |outcome: Result<(), String>| {
        open.set(outcome.is_err());
        problem.set(outcome.err().unwrap_or_default());
    };
    let pick = move |e: leptos::ev::Event| {
        let input = event_target::<web_sys::HtmlInputElement>(&e);
        if let Some(files) = input.files().filter(|files| files.length() > 0) {
            take_in_files(app, &files, done);
        }
        // So that the same file can be picked again.
        input.set_value("");
    };
    view! {
        <label class="file">
            "Open a file of JSON, or text files to learn from: each is a topic "
            <input type="file" multiple accept=".json,application/json,text/*" data-testid=format!("{name}-file") on:change=pick />
        </label>
        <label class="stack">
            <span>"Or paste JSON of an experiment, a process or a mixture"</span>
            <textarea node_ref=text rows="7" spellcheck="false" data-testid=format!("{name}-text")></textarea>
        </label>
        <div class="problem" role="alert" data-testid=format!("{name}-problems")>{words(move || problem.get())}</div>
        <button
            type="button"
            data-testid=name
            on:click=move |_| {
                if let Some(area) = text.get_untracked() {
                    done(take_in(app, &area.value()));
                }
            }
        >
            "Open and run"
        </button>
    }
}

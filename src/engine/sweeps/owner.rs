//! One tab at a time runs a sweep, by the Web Locks API: a lock goes with its tab, however that ends. And tabs notify each other when
//! something was stored or deleted. Browsers without locks, and pages that are not served securely, go without.

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;

/// Of the locks' names and of the channel between tabs.
const NAME: &str = "icl-sweep";

/// The right to run or to delete a sweep, until it is dropped.
pub struct Owned {
    /// Gives the lock back.
    release: Option<Function>,
}

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(release) = &self.release {
            // Resolves a promise, which cannot fail.
            let _ = release.call0(&JsValue::NULL);
        }
    }
}

fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or_default()
}

fn lock_name(id: &str) -> String {
    format!("{NAME}-{id}")
}

/// The browser's locks, and one of their functions.
fn locks(function: &str) -> Option<(JsValue, Function)> {
    let locks = get(&get(&js_sys::global(), "navigator"), "locks");
    let function = if locks.is_object() { get(&locks, function).dyn_into().ok()? } else { return None };
    Some((locks, function))
}

/// Asks for a sweep; `None` where another tab has it.
pub async fn claim(id: &str) -> Option<Owned> {
    let Some((locks, request)) = locks("request") else { return Some(Owned { release: None }) };
    let name = lock_name(id);
    // Resolved with null where the lock is taken, with a function where it is ours, and with undefined where there are no locks.
    let answered = Promise::new(&mut |resolve: Function, _| {
        let answer = resolve.clone();
        let with_lock = Closure::once_into_js(move |lock: JsValue| -> JsValue {
            if lock.is_null() {
                let _ = answer.call1(&JsValue::NULL, &JsValue::NULL);
                return JsValue::UNDEFINED;
            }
            // The lock is held until this promise is resolved.
            Promise::new(&mut |release, _| {
                let _ = answer.call1(&JsValue::NULL, &release);
            })
            .into()
        });
        let options = Object::new();
        // An object of one's own takes any field.
        let _ = Reflect::set(&options, &"ifAvailable".into(), &JsValue::TRUE);
        match request.call3(&locks, &name.as_str().into(), &options, &with_lock).map(JsCast::dyn_into::<Promise>) {
            Ok(Ok(promise)) => {
                let refused =
                    Closure::once_into_js(move |_: JsValue| resolve.call0(&JsValue::NULL).unwrap_or_default());
                // Refused where a page has no storage of its own.
                if let Ok(catch) = get(&promise, "catch").dyn_into::<Function>() {
                    let _ = catch.call1(&promise, &refused);
                }
            }
            _ => drop(resolve.call0(&JsValue::NULL)),
        }
    });
    match JsFuture::from(answered).await {
        Ok(taken) if taken.is_null() => None,
        answer => Some(Owned { release: answer.ok().and_then(|release| release.dyn_into().ok()) }),
    }
}

/// Whether some tab has this sweep.
pub async fn is_taken(id: &str) -> bool {
    let Some((locks, query)) = locks("query") else { return false };
    let Ok(Ok(promise)) = query.call0(&locks).map(JsCast::dyn_into::<Promise>) else { return false };
    let Ok(snapshot) = JsFuture::from(promise).await else { return false };
    let name = lock_name(id);
    Array::from(&get(&snapshot, "held")).iter().any(|lock| get(&lock, "name").as_string().as_ref() == Some(&name))
}

/// The way to the other tabs.
pub struct Tabs(Option<JsValue>);

impl Tabs {
    /// `changed` is called when another tab has stored or deleted something.
    pub fn new(changed: impl Fn() + 'static) -> Self {
        let channel = get(&js_sys::global(), "BroadcastChannel").dyn_into::<Function>().ok();
        let channel = channel.and_then(|channel| Reflect::construct(&channel, &Array::of1(&NAME.into())).ok());
        if let Some(channel) = &channel {
            let on_message = Closure::<dyn FnMut(JsValue)>::new(move |_: JsValue| changed());
            let _ = Reflect::set(channel, &"onmessage".into(), on_message.as_ref());
            // It lives as long as its worker.
            on_message.forget();
        }
        Self(channel)
    }

    pub fn notify(&self) {
        if let Some(channel) = &self.0
            && let Ok(post) = get(channel, "postMessage").dyn_into::<Function>()
        {
            // A string can always be posted.
            let _ = post.call1(channel, &"changed".into());
        }
    }
}

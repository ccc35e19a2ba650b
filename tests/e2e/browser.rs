//! One headless Chromium, driven over the WebDriver protocol.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::request;

/// What the browser can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gpu {
    /// `navigator.gpu` is there, and gives no adapter: most machines without a GPU.
    None,
    /// WebGPU on SwiftShader, a CPU pretending to be a GPU.
    SwiftShader,
}

/// A browser with a fresh profile; gone when dropped.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Browser {
    pub fn start(gpu: Gpu) -> Self {
        Self::with_options(gpu, &json!({}))
    }

    /// A phone's screen: 390 x 844 CSS pixels, 3 device pixels each.
    pub fn phone() -> Self {
        let metrics = json!({ "width": 390, "height": 844, "pixelRatio": 3.0, "touch": true, "mobile": true });
        Self::with_options(Gpu::None, &json!({ "mobileEmulation": { "deviceMetrics": metrics } }))
    }

    fn with_options(gpu: Gpu, more: &Value) -> Self {
        let (driver, port) = start_driver();
        let mut browser = Self { driver, port, session: String::new() };
        let mut options = json!({ "args": flags(gpu) });
        if let Ok(binary) = env::var("CHROME") {
            options["binary"] = json!(binary);
        }
        for (key, value) in more.as_object().into_iter().flatten() {
            options[key] = value.clone();
        }
        let wanted = json!({
            "goog:chromeOptions": options,
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "script": 3_600_000, "pageLoad": 120_000 },
        });
        let session = browser.send("POST", "/session", &json!({ "capabilities": { "alwaysMatch": wanted } }));
        browser.session = session["sessionId"].as_str().expect("a session").to_owned();
        browser
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if method == "GET" { String::new() } else { body.to_string() };
        let text = request(self.port, method, path, &body)
            .unwrap_or_else(|error| panic!("ChromeDriver did not answer {method} {path}: {error}"));
        let mut answer: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"));
        let value = answer["value"].take();
        if let Some(error) = value.get("error").filter(|error| error.is_string()) {
            panic!("{method} {path}: {error}: {}", value["message"].as_str().unwrap_or_default());
        }
        value
    }

    fn session(&self, method: &str, path: &str, body: &Value) -> Value {
        self.send(method, &format!("/session/{}/{path}", self.session), body)
    }

    pub fn open(&self, url: &str) {
        self.session("POST", "url", &json!({ "url": url }));
    }

    /// Runs the body of a JavaScript function; what it returns. A promise is waited for.
    pub fn script(&self, script: &str, arguments: &[Value]) -> Value {
        self.session("POST", "execute/sync", &json!({ "script": script, "args": arguments }))
    }

    /// The tab that commands go to.
    pub fn tab(&self) -> String {
        self.session("GET", "window", &Value::Null).as_str().unwrap_or_default().to_owned()
    }

    /// Opens another tab; commands go there from now on.
    pub fn new_tab(&self) -> String {
        let opened = self.session("POST", "window/new", &json!({ "type": "tab" }));
        let tab = opened["handle"].as_str().unwrap_or_default().to_owned();
        self.to_tab(&tab);
        tab
    }

    pub fn to_tab(&self, tab: &str) {
        self.session("POST", "window", &json!({ "handle": tab }));
    }

    /// Commands go to the first frame of this page, until another one is opened.
    pub fn to_first_frame(&self) {
        self.session("POST", "frame", &json!({ "id": 0 }));
    }

    /// Presses a key as a person does, wherever the focus is.
    pub fn press(&self, key: &str) {
        let action = |kind: &str| json!({ "type": kind, "value": key });
        let keys = json!({ "type": "key", "id": "keyboard", "actions": [action("keyDown"), action("keyUp")] });
        self.session("POST", "actions", &json!({ "actions": [keys] }));
    }

    /// Clicks on a point of the window, in CSS pixels.
    pub fn click_at(&self, x: f64, y: f64) {
        let mouse = json!({ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": [
            { "type": "pointerMove", "duration": 0, "x": x.round(), "y": y.round() },
            { "type": "pointerDown", "button": 0 },
            { "type": "pointerUp", "button": 0 },
        ] });
        self.session("POST", "actions", &json!({ "actions": [mouse] }));
    }

    /// A command of the DevTools protocol.
    pub fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.session("POST", "goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// Runs `script` in every page before the page's own scripts.
    pub fn before_load(&self, script: &str) {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": script }));
    }

    /// What the console holds of errors since the last call.
    pub fn console_errors(&self) -> Vec<String> {
        let entries = self.session("POST", "se/log", &json!({ "type": "browser" }));
        let errors = entries.as_array().into_iter().flatten().filter(|entry| entry["level"] == "SEVERE");
        errors.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Waits until `script` gives something other than null and false.
    pub fn wait(&self, what: &str, limit: Duration, script: &str, arguments: &[Value]) -> Value {
        let start = Instant::now();
        loop {
            let value = self.script(script, arguments);
            if !value.is_null() && value != json!(false) {
                return value;
            }
            if start.elapsed() > limit {
                panic!(
                    "waited {limit:?} for {what}; the page says:\n{}\n{:?}",
                    self.page_text(),
                    self.console_errors()
                );
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn page_text(&self) -> String {
        let text = self.script("return document.body.innerText", &[]);
        text.as_str().unwrap_or_default().to_owned()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Closes the browser; the driver is stopped either way.
        let path = format!("/session/{}", self.session);
        request(self.port, "DELETE", &path, "").ok();
        self.driver.kill().ok();
        self.driver.wait().ok();
    }
}

/// webdriver.json's, which the wasm tests use too; without a GPU those that grant one are left out.
fn flags(gpu: Gpu) -> Vec<String> {
    let file: Value = serde_json::from_str(include_str!("../../webdriver.json")).expect("webdriver.json is JSON");
    let flags = file["goog:chromeOptions"]["args"].as_array().cloned().unwrap_or_default();
    let flags = flags.iter().filter_map(Value::as_str).map(str::to_owned);
    let grants_gpu = |flag: &String| flag.contains("webgpu") || flag.contains("swiftshader");
    let size = ["--window-size=1440,900".to_owned()];
    flags.filter(|flag| gpu == Gpu::SwiftShader || !grants_gpu(flag)).chain(size).collect()
}

/// ChromeDriver on a free port that it chose. It asks for the same port on IPv4 and IPv6 and gives up where another program has
/// one of them, so it is asked again.
fn start_driver() -> (Child, u16) {
    (0..10).find_map(|_| try_start_driver()).expect("ChromeDriver says its port")
}

fn try_start_driver() -> Option<(Child, u16)> {
    let program = env::var("CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".to_owned());
    let mut driver =
        Command::new(&program).arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap_or_else(
            |error| panic!("{program} could not be started ({error}). `cargo xtask doctor` says how to get it."),
        );
    // "ChromeDriver was started successfully on port 40123."
    let mut lines = BufReader::new(driver.stdout.take().expect("its output")).lines();
    let port = loop {
        let Some(line) = lines.next() else {
            driver.wait().ok();
            return None;
        };
        if let Some((_, port)) = line.expect("readable output").split_once("successfully on port ") {
            break port.trim_end_matches('.').parse().expect("a port number");
        }
    };
    // What it says later must go somewhere, or it stops.
    thread::spawn(move || lines.for_each(drop));
    Some((driver, port))
}

//! One browser without a window, driven over the WebDriver protocol: Chromium, Firefox or WebKitGTK.
//!
//! | | Chromium | Firefox | WebKitGTK |
//! |---|---|---|---|
//! | driver | chromedriver | geckodriver | WebKitWebDriver |
//! | without a window | its own mode | its own mode | inside Xvfb, a display in memory |
//! | WebGPU | on SwiftShader, if asked for | no `navigator.gpu` (the ESR on Linux) | no `navigator.gpu` |
//! | a phone's screen, another pixel ratio | by the DevTools protocol | no | no |
//! | errors of the console | the driver's log: page and workers | a script in the page: the page alone | as in Firefox |
//! | long tasks, first paint | both | first paint | first paint |
//! | `navigator.hardwareConcurrency` | the machine's | the machine's | 4 or 8, whatever the machine has |
//! | relaxed SIMD in wasm | yes | yes | no |

use std::cell::RefCell;
use std::env;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::request;

/// What Chromium offers of WebGPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gpu {
    /// `navigator.gpu` is there, and gives no adapter: most machines without a GPU.
    None,
    /// WebGPU on SwiftShader, a CPU pretending to be a GPU.
    SwiftShader,
}

/// Which browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Chromium(Gpu),
    Firefox,
    WebKit,
}

impl Kind {
    /// All of them, as they are on a machine without a GPU.
    pub const ALL: [Self; 3] = [Self::Chromium(Gpu::None), Self::Firefox, Self::WebKit];

    /// As ICL_BROWSERS and the names of tests write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chromium(_) => "chromium",
            Self::Firefox => "firefox",
            Self::WebKit => "webkit",
        }
    }

    /// Whether tests are to run in it: ICL_BROWSERS may name some of the browsers, with commas between them.
    pub fn is_asked_for(self) -> bool {
        let Ok(names) = env::var("ICL_BROWSERS") else { return true };
        let asked = names.split(',').any(|name| name.trim() == self.name());
        if !asked {
            println!("NOT RUN in {}: ICL_BROWSERS={names} leaves it out.", self.name());
        }
        asked
    }

    fn has_devtools(self) -> bool {
        matches!(self, Self::Chromium(_))
    }

    fn capabilities(self) -> Value {
        match self {
            Self::Chromium(gpu) => {
                let mut options = json!({ "args": flags(gpu) });
                if let Ok(binary) = env::var("CHROME") {
                    options["binary"] = json!(binary);
                }
                json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } })
            }
            Self::Firefox => {
                let mut options = json!({ "args": ["-headless"] });
                if let Ok(binary) = env::var("FIREFOX") {
                    options["binary"] = json!(binary);
                }
                json!({ "moz:firefoxOptions": options })
            }
            Self::WebKit => {
                let binary = env::var("MINIBROWSER")
                    .expect("MINIBROWSER names WebKitGTK's MiniBrowser; `cargo xtask test e2e` sets it");
                json!({ "webkitgtk:browserOptions": { "binary": binary, "args": ["--automation"] } })
            }
        }
    }
}

impl From<Gpu> for Kind {
    fn from(gpu: Gpu) -> Self {
        Self::Chromium(gpu)
    }
}

/// A browser with a fresh profile; gone when dropped.
pub struct Browser {
    kind: Kind,
    driver: Driver,
    session: String,
    /// Errors of pages that were left since, in browsers whose driver has no log.
    earlier_errors: RefCell<Vec<String>>,
}

impl Browser {
    pub fn start(kind: impl Into<Kind>) -> Self {
        Self::with_options(kind.into(), &json!({}))
    }

    /// A phone's screen: 390 x 844 CSS pixels, 3 device pixels each. In Chromium.
    pub fn phone() -> Self {
        let metrics = json!({ "width": 390, "height": 844, "pixelRatio": 3.0, "touch": true, "mobile": true });
        Self::with_options(Gpu::None.into(), &json!({ "mobileEmulation": { "deviceMetrics": metrics } }))
    }

    /// `more` are options of ChromeDriver.
    fn with_options(kind: Kind, more: &Value) -> Self {
        let driver = Driver::start(kind);
        let mut browser = Self { kind, driver, session: String::new(), earlier_errors: RefCell::default() };
        let mut wanted = kind.capabilities();
        for (key, value) in more.as_object().into_iter().flatten() {
            wanted["goog:chromeOptions"][key] = value.clone();
        }
        wanted["timeouts"] = json!({ "script": 3_600_000, "pageLoad": 120_000 });
        let session = browser.send("POST", "/session", &json!({ "capabilities": { "alwaysMatch": wanted } }));
        browser.session = session["sessionId"].as_str().expect("a session").to_owned();
        if !kind.has_devtools() {
            // Chromium has a flag for it.
            browser.session("POST", "window/rect", &json!({ "width": 1440, "height": 900 }));
        }
        browser
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if method == "GET" { String::new() } else { body.to_string() };
        let text = request(self.driver.port, method, path, &body)
            .unwrap_or_else(|error| panic!("{}'s driver did not answer {method} {path}: {error}", self.kind.name()));
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
        self.keep_errors();
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

    /// A command of the DevTools protocol, which Chromium alone has.
    pub fn devtools(&self, command: &str, parameters: &Value) -> Value {
        assert!(self.kind.has_devtools(), "{} has no DevTools protocol", self.kind.name());
        self.session("POST", "goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// What the console holds of errors since the last call. In Chromium those of workers too; elsewhere those that `SEE_ERRORS`
    /// saw in the page.
    pub fn console_errors(&self) -> Vec<String> {
        if !self.kind.has_devtools() {
            self.keep_errors();
            return self.earlier_errors.take();
        }
        let entries = self.session("POST", "se/log", &json!({ "type": "browser" }));
        let errors = entries.as_array().into_iter().flatten().filter(|entry| entry["level"] == "SEVERE");
        errors.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Takes the errors out of a page that is about to be left.
    fn keep_errors(&self) {
        if !self.kind.has_devtools() {
            let seen = self.script("return globalThis.seenErrors?.splice(0) ?? []", &[]);
            let seen = seen.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned));
            self.earlier_errors.borrow_mut().extend(seen);
        }
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
        request(self.driver.port, "DELETE", &path, "").ok();
    }
}

/// Run in the page before its own scripts, in browsers whose driver has no log: uncaught errors, refused promises, files that did not
/// arrive, what the policy forbids, and what is written with `console.error`.
pub const SEE_ERRORS: &str = "
    globalThis.seenErrors = [];
    const see = (text) => globalThis.seenErrors.push(String(text));
    addEventListener('error', (event) =>
      see(event.message || `${event.target.src ?? event.target.href} did not arrive`), true);
    addEventListener('unhandledrejection', (event) => see(event.reason));
    addEventListener('securitypolicyviolation', (event) => see(`${event.violatedDirective}: ${event.blockedURI}`));
    const write = console.error;
    console.error = (...words) => { see(words.join(' ')); write.apply(console, words); };";

/// webdriver.json's, which the wasm tests use too; without a GPU those that enable one are left out.
fn flags(gpu: Gpu) -> Vec<String> {
    let file: Value = serde_json::from_str(include_str!("../../webdriver.json")).expect("webdriver.json is JSON");
    let flags = file["goog:chromeOptions"]["args"].as_array().cloned().unwrap_or_default();
    let flags = flags.iter().filter_map(Value::as_str).map(str::to_owned);
    let enables_gpu = |flag: &String| flag.contains("webgpu") || flag.contains("swiftshader");
    let size = ["--window-size=1440,900".to_owned()];
    flags.filter(|flag| gpu == Gpu::SwiftShader || !enables_gpu(flag)).chain(size).collect()
}

/// A driver that answers on a port of this machine; stopped when dropped.
struct Driver {
    process: Child,
    port: u16,
    /// Xvfb, on which WebKitGTK draws.
    display: Option<Child>,
}

impl Driver {
    /// ChromeDriver asks for the same port on IPv4 and IPv6 and gives up where another program has one of them, and a port that was
    /// free may be taken by another program: so a driver is started again.
    fn start(kind: Kind) -> Self {
        let started = (0..10).find_map(|_| match kind {
            // "ChromeDriver was started successfully on port 40123."
            Kind::Chromium(_) => Self::on_its_own_port("CHROMEDRIVER", "chromedriver", "successfully on port "),
            // "1796056802523 geckodriver INFO Listening on 127.0.0.1:42073"
            Kind::Firefox => Self::on_its_own_port("GECKODRIVER", "geckodriver", "Listening on 127.0.0.1:"),
            Kind::WebKit => Self::webkit(),
        });
        started.unwrap_or_else(|| panic!("the driver of {} did not start", kind.name()))
    }

    /// A driver that chooses a free port and says which, behind the words `before`.
    fn on_its_own_port(variable: &str, name: &str, before: &str) -> Option<Self> {
        let mut process = spawn(program(variable, name).arg("--port=0").stdout(Stdio::piped()));
        let port = said(&mut process, |line| {
            line.split_once(before).and_then(|(_, port)| port.trim().trim_end_matches('.').parse().ok())
        });
        if port.is_none() {
            process.kill().ok();
            process.wait().ok();
        }
        Some(Self { process, port: port?, display: None })
    }

    /// WebKitWebDriver does not say which port it chose, so it is given one that was free a moment ago.
    fn webkit() -> Option<Self> {
        let arguments = ["-displayfd", "1", "-screen", "0", "1600x1200x24", "-nolisten", "tcp"];
        let mut display = spawn(program("XVFB", "Xvfb").args(arguments).stdout(Stdio::piped()));
        let number = said(&mut display, |line| line.trim().parse::<u32>().ok())?;
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).ok()?.port();
        let process = spawn(
            program("WEBKITWEBDRIVER", "WebKitWebDriver")
                .arg(format!("--port={port}"))
                .env("DISPLAY", format!(":{number}"))
                // Its sandbox needs rights that containers do not give; the only page it opens is ours.
                .env("WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS", "1")
                .stdout(Stdio::null()),
        );
        let mut driver = Self { process, port, display: Some(display) };
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) && matches!(driver.process.try_wait(), Ok(None)) {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(driver);
            }
            thread::sleep(Duration::from_millis(20));
        }
        None
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        for process in [Some(&mut self.process), self.display.as_mut()].into_iter().flatten() {
            process.kill().ok();
            process.wait().ok();
        }
    }
}

/// The program that the environment variable names, or the one of this name on PATH.
fn program(variable: &str, name: &str) -> Command {
    Command::new(env::var_os(variable).unwrap_or_else(|| name.into()))
}

fn spawn(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap_or_else(|error| {
        let name = command.get_program().display();
        panic!("{name} could not be started ({error}). `cargo xtask doctor` says how to get it.")
    })
}

/// What `read` finds in the first line in which it finds something; `None` if the program ends before.
fn said<T>(process: &mut Child, read: impl Fn(&str) -> Option<T>) -> Option<T> {
    let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
    let found = loop {
        if let Some(found) = read(&lines.next()?.ok()?) {
            break found;
        }
    };
    // What it says later must go somewhere, or it stops.
    thread::spawn(move || lines.for_each(drop));
    Some(found)
}

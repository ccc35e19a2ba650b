//! A static server, under a sub-path: every URL of the site must be relative.

use std::io::{self, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use super::http::read_head;

/// Where the site lies on the server.
pub const PREFIX: &str = "/some/path/";

/// Serves until the process ends.
pub struct Server {
    port: u16,
    files: Arc<Files>,
}

/// What can go wrong with a file on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// It is not there, which is said after so long.
    Missing(Duration),
    /// Only its first half arrives.
    Cut,
    /// It comes as plain text.
    PlainText,
}

/// A line between server and browser, as a visitor has one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    pub bytes_per_second: f64,
    /// From a request to the first byte of its answer.
    pub latency: Duration,
}

/// What is served.
struct Files {
    root: PathBuf,
    /// More files, by name, beside those in `root` or instead of them.
    extra: Vec<(String, String)>,
    /// By name, what does not arrive as it should.
    faults: Mutex<Vec<(String, Fault)>>,
    /// The line, and when all that was sent through it so far has arrived.
    line: Mutex<Option<(Line, Instant)>>,
    /// Scripts that the page runs before its own.
    before: Mutex<String>,
    /// With the headers that let a page share memory among threads.
    isolated: bool,
}

impl Server {
    /// Serves the built site. `extra` are more files, by name, beside the site's own or instead of them.
    pub fn start(extra: &[(&str, &str)]) -> Self {
        let dist = dist();
        assert!(
            dist.join("index.html").is_file(),
            "There is no built site in {}. Run `cargo xtask build` first.",
            dist.display()
        );
        Self::serve(dist, extra, false)
    }

    /// The same for any directory; where `isolated`, with the headers that let a page share memory among threads.
    pub fn serve(root: PathBuf, extra: &[(&str, &str)], isolated: bool) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("the port").port();
        let extra = extra.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
        let files = Arc::new(Files {
            root,
            extra,
            faults: Mutex::default(),
            line: Mutex::default(),
            before: Mutex::default(),
            isolated,
        });
        let served = files.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let files = served.clone();
                // A browser that goes away in the middle of an answer is no failure.
                thread::spawn(move || answer(stream, &files).ok());
            }
        });
        Self { port, files }
    }

    /// From now on these files go wrong, and no others.
    pub fn faults(&self, faults: &[(&str, Fault)]) {
        let faults = faults.iter().map(|(name, fault)| (name.to_string(), *fault)).collect();
        *self.files.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// From now on the page runs this script before its own, too: it is put into index.html in front of the policy that forbids
    /// scripts in the page.
    pub fn before_load(&self, script: &str) {
        let element = format!("<script>{{ {script} }}</script>");
        self.files.before.lock().unwrap_or_else(PoisonError::into_inner).push_str(&element);
    }

    /// From now on everything goes through this line, compressed as hosts do it.
    pub fn through(&self, line: Option<Line>) {
        *self.files.line.lock().unwrap_or_else(PoisonError::into_inner) = line.map(|line| (line, Instant::now()));
    }

    /// The URL of a file of the site (with query or fragment if need be).
    pub fn url(&self, file: &str) -> String {
        format!("http://127.0.0.1:{}{PREFIX}{file}", self.port)
    }
}

/// The built site.
pub fn dist() -> PathBuf {
    env::var_os("ICL_DIST").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("dist"), PathBuf::from)
}

fn answer(mut stream: TcpStream, files: &Files) -> io::Result<()> {
    let (first, _) = read_head(&mut BufReader::new(&stream))?;
    let path = first.split_whitespace().nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let content = path.strip_prefix(PREFIX).and_then(|name| {
        let name = if name.is_empty() { "index.html" } else { name };
        let own = files.extra.iter().find(|(extra, _)| extra == name).map(|(_, text)| text.clone().into_bytes());
        let file = (!name.contains("..")).then(|| files.root.join(name))?;
        let mut body = own.or_else(|| fs::read(file).ok())?;
        let before = files.before.lock().unwrap_or_else(PoisonError::into_inner);
        if name == "index.html" && !before.is_empty() {
            body = String::from_utf8_lossy(&body).replacen("<head>", &format!("<head>{before}"), 1).into_bytes();
        }
        Some((name.to_owned(), body))
    });
    let name = path.strip_prefix(PREFIX).unwrap_or_default();
    let faults = files.faults.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let fault = faults.iter().find(|(faulty, _)| faulty == name).map(|(_, fault)| *fault);
    let content = match fault {
        Some(Fault::Missing(after)) => {
            thread::sleep(after);
            None
        }
        _ => content,
    };
    let (status, kind, body) = match content {
        Some((name, body)) => {
            ("200 OK", if fault == Some(Fault::PlainText) { "text/plain" } else { mime(&name) }, body)
        }
        None => ("404 Not Found", "text/plain", b"There is no such file.".to_vec()),
    };
    let slow = files.line.lock().unwrap_or_else(PoisonError::into_inner).map(|(line, _)| line);
    // Deflate at the level that servers use unless set otherwise.
    let (body, encoding) = match slow {
        Some(_) => (miniz_oxide::deflate::compress_to_vec_zlib(&body, 6), "Content-Encoding: deflate\r\n"),
        None => (body, ""),
    };
    let length = body.len();
    let more = if files.isolated {
        "Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Embedder-Policy: require-corp\r\n"
    } else {
        ""
    };
    // Such servers mean what they say, or nobody would notice a wrong type.
    let strict = if fault.is_some() { "X-Content-Type-Options: nosniff\r\n" } else { "" };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{encoding}{more}{strict}\
         Connection: close\r\n\r\n"
    );
    if let Some(line) = slow {
        thread::sleep(line.latency);
    }
    stream.write_all(head.as_bytes())?;
    let body = if fault == Some(Fault::Cut) { &body[..length / 2] } else { &body[..] };
    for part in body.chunks(16_384) {
        wait_for_line(files, part.len());
        stream.write_all(part)?;
    }
    Ok(())
}

/// Waits until so many more bytes have come through the line, which all answers share.
fn wait_for_line(files: &Files, bytes: usize) {
    let arrived = {
        let mut line = files.line.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((line, free)) = line.as_mut() else { return };
        *free = (*free).max(Instant::now()) + Duration::from_secs_f64(bytes as f64 / line.bytes_per_second);
        *free
    };
    thread::sleep(arrived.saturating_duration_since(Instant::now()));
}

fn mime(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript",
        "css" => "text/css",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "json" | "webmanifest" => "application/json",
        _ => "application/octet-stream",
    }
}

//! As much HTTP/1.1 as drivers and a static site take.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// One request to a server on this machine, and the body of its answer.
pub fn request(port: u16, method: &str, path: &str, body: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n");
    let kind = format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all((head + &kind + body).as_bytes())?;
    let mut reader = BufReader::new(stream);
    let (_, length) = read_head(&mut reader)?;
    let mut text = vec![0; length];
    reader.read_exact(&mut text)?;
    String::from_utf8(text).map_err(io::Error::other)
}

/// The first line, and the length of the body.
pub fn read_head(reader: &mut impl BufRead) -> io::Result<(String, usize)> {
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    Ok((first, length))
}

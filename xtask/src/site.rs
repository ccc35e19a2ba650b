//! The site: built by Trunk into dist/, or served while it is worked on.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use crate::place::{command, find, run, run_aside};
use crate::tools::{FOR_SITE, ensure};

const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

fn trunk() -> Result<std::process::Command, String> {
    let mut trunk = command(find(&["trunk"]).ok_or("trunk is not installed.")?);
    // Trunk 0.21 takes no value but true or false here, and many environments set 1.
    trunk.env_remove("NO_COLOR");
    Ok(trunk)
}

/// Leaves the site in dist/.
pub fn build() -> Result<(), String> {
    ensure(FOR_SITE)?;
    run_aside(trunk()?.arg("build"))
}

/// Builds, serves, and builds again when a source changes; further arguments go to Trunk.
pub fn serve(arguments: &[String]) -> Result<(), String> {
    let listening = || TcpStream::connect_timeout(&ADDRESS, Duration::from_millis(200)).is_ok();
    if listening() {
        return Err(format!("Something is serving on http://{ADDRESS} already; stop it first."));
    }
    let (fast, others): (Vec<_>, Vec<_>) = arguments.iter().partition(|argument| *argument == "--fast");
    if !fast.is_empty() {
        return match others.first() {
            Some(unknown) => Err(format!("--fast takes no \"{unknown}\" beside it.")),
            None => crate::fast::serve(ADDRESS),
        };
    }
    ensure(FOR_SITE)?;
    println!("Building; the first time takes some minutes (`cargo xtask serve --fast` compiles less).");
    thread::spawn(move || {
        while !listening() {
            thread::sleep(Duration::from_millis(500));
        }
        println!("\nICL Playground is served on http://{ADDRESS} (stop with Ctrl-C).\n");
    });
    run(trunk()?.arg("serve").args(arguments))
}

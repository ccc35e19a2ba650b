//! WGSL with sizes filled in: what a shader knows when it is compiled, its loops are unrolled by.

/// A kernel's text with `consts` before it (u32 where they are written without a point, else f32).
///
/// Lines that start with `#` are ours: `#if NAME`, `#else` and `#endif` keep lines where NAME is among `flags`; `#each r N` to `#end`
/// repeats lines N times (no nesting), `$r` being 0, 1, ... and `$q` 4 more than that.
pub fn expand(text: &str, consts: &[(&str, Value)], flags: &[&str]) -> String {
    let mut out = String::new();
    for (name, value) in consts {
        out.push_str(&match value {
            Value::Size(n) => format!("const {name} = {n}u;\n"),
            Value::Number(x) => format!("const {name} = f32({x:?});\n"),
        });
    }
    // Whether lines are kept, for each #if that is open.
    let mut kept = Vec::new();
    let mut repeat: Option<(usize, String)> = None;
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("#if") => kept.push(words.next().is_some_and(|name| flags.contains(&name))),
            Some("#else") => {
                if let Some(last) = kept.last_mut() {
                    *last = !*last;
                }
            }
            Some("#endif") => {
                kept.pop();
            }
            _ if kept.contains(&false) => {}
            Some("#each") => {
                let times = words.nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
                repeat = Some((times, String::new()));
            }
            Some("#end") => {
                if let Some((times, body)) = repeat.take() {
                    for r in 0..times {
                        out.push_str(&body.replace("$r", &r.to_string()).replace("$q", &(r + 4).to_string()));
                    }
                }
            }
            _ => {
                let to = repeat.as_mut().map_or(&mut out, |(_, body)| body);
                to.push_str(line);
                to.push('\n');
            }
        }
    }
    out
}

/// A constant of a kernel.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    Size(usize),
    Number(f32),
}

//! The names that wasm and its JavaScript call each other by. wasm-bindgen's end in 16 random digits, which no compression shortens, and
//! stand in both files: wasm-opt gives short ones, and says which.

use std::collections::HashMap;

/// What wasm-bindgen calls the module that the imports are from, and what wasm-opt makes of it.
const MODULE: (&str, &str) = ("_bg.js", "a");

/// Exports that nobody calls, as wasm-opt's wildcard: server_fn's streams, which come with Leptos.
pub const UNUSED: &str = "*intounderlying*";

/// Old names and new ones, as wasm-opt prints them: `["./app_bg.js", "__wbg_add_cf82c8d153d93ae1", "$a"]` for imports, `["memory", "b"]`
/// for exports, a line each.
pub struct Names<'a> {
    imports: HashMap<&'a str, &'a str>,
    exports: HashMap<&'a str, &'a str>,
    module: Option<&'a str>,
}

impl<'a> Names<'a> {
    pub fn read(printed: &'a str) -> Result<Self, String> {
        let mut names = Self { imports: HashMap::new(), exports: HashMap::new(), module: None };
        for line in printed.lines().filter(|line| line.trim_start().starts_with("[\"")) {
            match line.split('"').skip(1).step_by(2).collect::<Vec<_>>()[..] {
                [module, old, new] => {
                    if !module.ends_with(MODULE.0) || names.module.is_some_and(|known| known != module) {
                        return Err(format!(
                            "The wasm imports {old} from {module}, where one module of wasm-bindgen's is known."
                        ));
                    }
                    names.module = Some(module);
                    names.imports.insert(old, new);
                }
                [old, new] => {
                    names.exports.insert(old, new);
                }
                _ => return Err(format!("wasm-opt says of names what is not understood: {line}.")),
            }
        }
        let whole = names.module.is_some() && !names.exports.is_empty();
        if whole { Ok(names) } else { Err("wasm-opt says nothing of names.".to_owned()) }
    }

    /// The script with the new names in place of the old ones.
    pub fn apply(&self, script: &str) -> Result<String, String> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
        let mut made = String::with_capacity(script.len());
        let mut rest = script;
        while let Some(start) = rest.find(is_name) {
            made.push_str(&rest[..start]);
            rest = &rest[start..];
            let (name, after) = rest.split_at(rest.find(|c| !is_name(c)).unwrap_or(rest.len()));
            let is_export = made.ends_with("wasm.");
            let new = if is_export { self.exports.get(name) } else { self.imports.get(name) };
            if is_export && new.is_none() && !name.contains(UNUSED.trim_matches('*')) {
                return Err(format!("The script calls wasm.{name}, which the wasm does not have."));
            }
            made.push_str(new.unwrap_or(&name));
            rest = after;
        }
        made.push_str(rest);
        let module = self.module.unwrap_or_default();
        if !made.contains(&format!("\"{module}\"")) {
            return Err(format!("The script gives the wasm no {module}."));
        }
        Ok(made.replace(&format!("\"{module}\""), &format!("\"{}\"", MODULE.1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "{\n \"imports\": [\n  [\"./app_bg.js\", \"__wbg_add_cf82\", \"$\"],\n  [\"./app_bg.js\", \"__wbg_add\", \"A\"]\n ],\n\
                           \"exports\": [\n  [\"memory\", \"b\"],\n  [\"run\", \"c\"]\n ]\n}\n";

    #[test]
    fn imports_and_exports_are_renamed_and_nothing_else() {
        let names = Names::read(PRINTED).unwrap();
        let script = "const memory = wasm.memory;\nconst import0 = { __wbg_add_cf82: (a) => wasm.run(a), __wbg_add: run };\n\
                      return { \"./app_bg.js\": import0 };";
        let wanted =
            "const memory = wasm.b;\nconst import0 = { $: (a) => wasm.c(a), A: run };\nreturn { \"a\": import0 };";
        assert_eq!(names.apply(script).unwrap(), wanted);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(Names::read("").is_err());
        assert!(Names::read(&PRINTED.replacen("./app_bg.js", "./snippets/x.js", 1)).is_err());
        let names = Names::read(PRINTED).unwrap();
        assert!(names.apply("wasm.gone(); \"./app_bg.js\"").unwrap_err().contains("wasm.gone"));
        assert!(names.apply("wasm.run()").is_err());
        assert!(names.apply("wasm.intounderlyingsink_close(ptr); \"./app_bg.js\"").is_ok());
    }
}

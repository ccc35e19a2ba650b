//! What recorded studies say, as one Markdown file: `icl results` writes it, so that no number is copied by hand.

use charts::report::Table;

use super::Recorded;
use crate::experiment::study::Study;

/// The words of every report, studies in the order in which they are given.
pub fn results(studies: &[Recorded]) -> String {
    let mut out = vec![
        "# What the recorded studies say".to_owned(),
        "Written by `icl results` from `www/studies/`; nothing in here is copied by hand. The same words and tables, with pictures, stand in the browser's view of sweeps.".into(),
    ];
    for recorded in studies {
        let Some(study) = Study::named(&recorded.study) else { continue };
        out.push(format!("## {}", study.title));
        out.extend(study.about.iter().map(|text| plain(text)));
        out.push(format!(
            "Recorded, with the settings of {}, by `{}` on {}.",
            recorded.settings, recorded.command, recorded.machine
        ));
        for (part, report) in recorded.reports() {
            let of_study = study.sweeps.iter().find(|sweep| sweep.name == part.name);
            out.push(format!("### {}", of_study.map_or(part.name.as_str(), |sweep| sweep.title)));
            out.push(format!("Grid: `{}`", part.sweep.grid()));
            out.extend(of_study.map(|sweep| plain(sweep.note)).filter(|note| !note.is_empty()));
            for section in report.sections {
                out.push(format!("#### {}", section.title));
                out.extend(section.paragraphs().map(plain));
                out.extend(section.tables().map(table));
            }
        }
    }
    out.join("\n\n") + "\n"
}

fn table(table: &Table) -> String {
    let line = |cells: &[String]| format!("| {} |", cells.iter().map(|c| plain(c)).collect::<Vec<_>>().join(" | "));
    let mut lines = vec![line(&table.heads), format!("|{}", "---|".repeat(table.heads.len()))];
    lines.extend(table.rows.iter().map(|row| line(&row.cells)));
    lines.join("\n")
}

/// Words as they are, whatever Markdown would make of them.
fn plain(text: &str) -> String {
    text.replace('|', "\\|").replace('*', "\\*").replace('_', "\\_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(path: &str) -> std::path::PathBuf {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
    }

    /// docs/results.md is what `icl results` makes of the recorded studies: after recording, run it again.
    #[test]
    fn the_results_are_written_by_the_command() {
        let read = |study: &Study| {
            let file = root("www/studies").join(format!("{}.json", study.name));
            Recorded::from_json(&std::fs::read_to_string(file).unwrap()).unwrap()
        };
        let studies: Vec<Recorded> = experiment::study::STUDIES.iter().map(read).collect();
        let written = std::fs::read_to_string(root("docs/results.md")).unwrap_or_default();
        assert!(
            written == results(&studies),
            "docs/results.md is out of date: run `icl results --out docs/results.md`"
        );
    }

    #[test]
    fn tables_are_tables() {
        let words = Table::new("t", &["a|b", "c"], [vec!["1".into(), "T_p".into()]]);
        assert_eq!(table(&words), "| a\\|b | c |\n|---|---|\n| 1 | T\\_p |");
    }
}

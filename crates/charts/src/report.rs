//! What a view says, as data: sentences, charts, tables, explanations. The page draws it with components, the terminal
//! prints it, a file holds it as HTML.

use std::{fmt, sync::Arc};

use crate::{
    chart::{Chart, View},
    hover,
    line_chart::quoted,
    text::escape,
    theme::Theme,
};

/// A chart that can be kept and shared.
pub type SharedChart = Arc<dyn Chart + Send + Sync>;

/// One part of a report.
#[derive(Clone, Debug)]
pub enum Block {
    /// The sentence that matters most; `id` names it for tests.
    Lead {
        /// A name that is found by tests.
        id: &'static str,
        /// The sentence.
        text: String,
    },
    /// A paragraph of plain text.
    Paragraph(String),
    /// Smaller: how something was obtained, or what is missing.
    Note(String),
    /// Something is wrong in the playground itself.
    Problem(String),
    /// Charts side by side, as many as there is room for.
    Charts(Vec<Drawn>),
    /// A table.
    Table(Table),
    /// Terms and what they mean, behind a fold.
    Terms {
        /// What is read while the fold is closed.
        summary: String,
        /// Pairs of a term and its meaning.
        terms: Vec<(String, String)>,
    },
    /// Short lines behind a fold.
    List {
        /// A name that is found by tests.
        id: &'static str,
        /// What is read while the fold is closed.
        summary: String,
        /// The lines.
        items: Vec<String>,
    },
}

/// A chart in a report.
#[derive(Clone)]
pub struct Drawn {
    /// Unlike any other in its report: the name of its files, and what its canvas is found by.
    pub id: String,
    /// How much room it wants.
    pub size: Size,
    /// The chart itself.
    pub chart: SharedChart,
}

impl fmt::Debug for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.id, self.chart.title())
    }
}

impl Drawn {
    /// A chart of half a row.
    pub fn new(id: impl Into<String>, chart: impl Chart + Send + Sync + 'static) -> Self {
        Self { id: id.into(), size: Size::Half, chart: Arc::new(chart) }
    }

    /// The same chart over the whole row.
    pub fn wide(self) -> Self {
        Self { size: Size::Wide, ..self }
    }

    /// The same chart in another size.
    pub fn sized(self, size: Size) -> Self {
        Self { size, ..self }
    }

    /// A picture of its natural size for a file, whose marks say on hover what they are.
    pub fn svg(&self, theme: &Theme) -> String {
        let (width, height) = self.size.natural();
        hover::svg(&*self.chart, &View::new(width, height, *theme))
    }
}

/// How much room a chart wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Size {
    /// Of the whole row.
    Wide,
    /// About half of a row on a wide screen.
    Half,
    /// One of many.
    Small,
    /// As high as it is wide.
    Square,
}

impl Size {
    /// Width and height in a file, CSS pixels; on the page the width follows from the room.
    pub fn natural(self) -> (f64, f64) {
        match self {
            Self::Wide => (980.0, 340.0),
            Self::Half => (520.0, 320.0),
            Self::Small => (150.0, 166.0),
            Self::Square => (480.0, 520.0),
        }
    }
}

/// Words in rows; the first column names its row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// For tests and files.
    pub id: String,
    /// What the table shows; may be empty.
    pub caption: String,
    /// The columns' headings.
    pub heads: Vec<String>,
    /// The rows, from the top.
    pub rows: Vec<Row>,
}

/// One row of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// The cells' texts, one for each column.
    pub cells: Vec<String>,
    /// What pressing the row chooses; may be empty.
    pub key: String,
    /// Said on hover; may be empty.
    pub title: String,
}

impl Table {
    /// A table without a caption, whose rows choose nothing.
    pub fn new(id: impl Into<String>, heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Self {
        let row = |cells| Row { cells, ..Row::default() };
        Self {
            id: id.into(),
            caption: String::new(),
            heads: heads.iter().map(|head| (*head).into()).collect(),
            rows: rows.into_iter().map(row).collect(),
        }
    }

    /// The table as CSV: a header row, then the rows.
    pub fn csv(&self) -> String {
        let line = |cells: &[String]| cells.iter().map(|c| quoted(c)).collect::<Vec<_>>().join(",") + "\n";
        let rows: String = self.rows.iter().map(|row| line(&row.cells)).collect();
        line(&self.heads) + &rows
    }
}

/// The whole as HTML, with the charts as pictures; every text is escaped.
pub fn html(blocks: &[Block], theme: &Theme) -> String {
    blocks.iter().map(|block| block_html(block, theme)).collect()
}

fn block_html(block: &Block, theme: &Theme) -> String {
    match block {
        Block::Lead { text, .. } => format!("<p><b>{}</b></p>", escape(text)),
        Block::Paragraph(text) => format!("<p>{}</p>", escape(text)),
        Block::Note(text) => format!("<p class=\"note\">{}</p>", escape(text)),
        Block::Problem(text) => format!("<p class=\"problem\">{}</p>", escape(text)),
        Block::Charts(charts) => {
            let figure = |drawn: &Drawn| format!("<figure class=\"picture\">{}</figure>", drawn.svg(theme));
            format!("<div class=\"pictures\">{}</div>", charts.iter().map(figure).collect::<String>())
        }
        Block::Table(table) => {
            let heads: String = table.heads.iter().map(|h| format!("<th scope=\"col\">{}</th>", escape(h))).collect();
            let row = |row: &Row| {
                let cell = |(i, text): (usize, &String)| match i {
                    0 => format!("<th scope=\"row\">{}</th>", escape(text)),
                    _ => format!("<td>{}</td>", escape(text)),
                };
                format!("<tr>{}</tr>", row.cells.iter().enumerate().map(cell).collect::<String>())
            };
            let rows: String = table.rows.iter().map(row).collect();
            let caption = match table.caption.as_str() {
                "" => String::new(),
                text => format!("<caption>{}</caption>", escape(text)),
            };
            format!("<table>{caption}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>")
        }
        Block::Terms { summary, terms } => {
            let terms: String =
                terms.iter().map(|(a, b)| format!("<dt>{}</dt><dd>{}</dd>", escape(a), escape(b))).collect();
            format!("<details><summary>{}</summary><dl>{terms}</dl></details>", escape(summary))
        }
        Block::List { summary, items, .. } => {
            let items: String = items.iter().map(|item| format!("<li>{}</li>", escape(item))).collect();
            format!("<details><summary>{}</summary><ul>{items}</ul></details>", escape(summary))
        }
    }
}

/// The sentences, and of each table at most `most_rows` rows, as lines for a terminal. Charts are left out.
pub fn lines(blocks: &[Block], most_rows: usize) -> Vec<String> {
    let mut out = Vec::new();
    for block in blocks {
        match block {
            Block::Lead { text, .. } | Block::Paragraph(text) | Block::Problem(text) => out.push(text.clone()),
            Block::Table(table) => {
                out.extend(aligned(table, most_rows));
                if table.rows.len() > most_rows {
                    out.push(format!("… and {} more rows", table.rows.len() - most_rows));
                }
            }
            Block::Note(_) | Block::Charts(_) | Block::Terms { .. } | Block::List { .. } => {}
        }
    }
    out
}

/// Columns under each other: the first to the left, the others, mostly numbers, to the right.
fn aligned(table: &Table, most_rows: usize) -> Vec<String> {
    let rows = || std::iter::once(&table.heads).chain(table.rows.iter().take(most_rows).map(|row| &row.cells));
    let width = |j: usize| rows().filter_map(|row| row.get(j)).map(|text| text.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..table.heads.len()).map(width).collect();
    let line = |cells: &Vec<String>| {
        let cell = |(j, (text, width)): (usize, (&String, &usize))| match j {
            0 => format!("{text:<width$}"),
            _ => format!("{text:>width$}"),
        };
        let cells: Vec<String> = cells.iter().zip(&widths).enumerate().map(cell).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        axis::XAxis,
        line_chart::{Line, LineChart, Look, Point},
        style::predictor,
    };

    #[test]
    fn a_report_is_escaped_and_complete_in_a_file_and_short_in_a_terminal() {
        let chart = LineChart {
            lines: vec![Line::new(
                "a < b",
                predictor("model"),
                Look::Band,
                [Point::exact(1.0, 2.0), Point::exact(2.0, 3.0)],
            )],
            ..LineChart::new("A chart", XAxis::positions(2), "loss, nats", "nats")
        };
        let blocks = [
            Block::Lead { id: "lead", text: "x < y & z".into() },
            Block::Charts(vec![Drawn::new("chart", chart)]),
            Block::Table(Table::new("t", &["head"], (0..5).map(|i| vec![i.to_string()]))),
        ];
        let html = html(&blocks, &Theme::light());
        assert!(
            html.contains("<b>x &lt; y &amp; z</b>") && html.contains("a &lt; b") && html.contains("A chart"),
            "{html}"
        );
        assert_eq!(html.matches("<tr>").count(), 6);
        assert_eq!(lines(&blocks, 2), ["x < y & z", "head", "0", "1", "… and 3 more rows"]);
    }

    #[test]
    fn columns_stand_under_each_other() {
        let row = |cells: [&str; 3]| cells.map(String::from).to_vec();
        let table = Table::new("t", &["what", "K", "gap"], [row(["a", "4", "0.031"]), row(["longer", "16", "1"])]);
        assert_eq!(lines(&[Block::Table(table)], 9), ["what     K    gap", "a        4  0.031", "longer  16      1"]);
    }
}

//! What the finished runs say: sentences, charts and tables, computed here as runs come in, a section a task.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use leptos::{ev, prelude::*};

use super::{focus_soon, growing, store::Live};
use crate::{
    app::{
        page::{files::download, report::Report as ReportView},
        sweeps::{
            compare::{main_metrics, text},
            file,
        },
    },
    experiment::study::View,
    sweep::{
        METRICS, Metric, Report, Run,
        name::file_stem,
        report::{Part, Section, parts, section},
        words::{named, symbol},
    },
};

/// Between two computations of the results, ms.
const REST: f64 = 400.0;
/// And at least so many times what the last one took: most of the time is for whoever uses the page.
const SHARE: f64 = 4.0;

#[component]
pub fn Results(live: Arc<Live>) -> impl IntoView {
    let report = follow(&live);
    let is_empty = {
        let progress = live.progress.clone();
        Memo::new(move |_| progress.with(|progress| progress.done == 0))
    };
    let metric = live.metric.clone();
    let options = METRICS.iter().map(|one| {
        let metric = metric.clone();
        let is_chosen = move || metric.with(|metric| metric.is_some_and(|metric| metric.name == one.name));
        view! { <option value=one.name prop:selected=is_chosen>{one.title}</option> }
    });
    let options = options.collect_view();
    let choose = move |e: ev::Event| metric.set(Metric::named(&event_target_value(&e)));
    let save = {
        let live = live.clone();
        move |ending: &str, kind: &str, write: &dyn Fn(&Live, &[Run]) -> String| {
            let name = format!("{}.{ending}", file_stem(&live.name.get_untracked(), &live.open.id));
            download(&name, kind, &write(&live, &live.finished()));
        }
    };
    let save = StoredValue::new(save);
    let csv = move |_| save.with_value(|save| save("csv", "text/csv", &|live, runs| file::csv(&live.open, runs)));
    let json = move |_| {
        save.with_value(|save| {
            save("json", "application/json", &|live, runs| file::json(&live.open, &live.name.get_untracked(), runs))
        })
    };
    let html = move |_| {
        save.with_value(|save| {
            save("html", "text/html", &|live, _| {
                report.with_untracked(|report| file::html(&live.open, &live.name.get_untracked(), report))
            });
        });
    };
    let pick = {
        let live = live.clone();
        Callback::new(move |key: String| {
            if let Some(point) = live.open.keys.iter().position(|known| *known == key) {
                live.chosen.set(Some(point));
                focus_soon("[data-testid=lab-detail]");
            }
        })
    };
    let titles = Memo::new(move |_| {
        report.with(|report| report.sections.iter().map(|s| s.title.clone()).enumerate().collect::<Vec<_>>())
    });
    let section = move |(i, title): (usize, String)| {
        let blocks = Signal::derive(move || {
            report.with(|report| report.sections.get(i).map(|section| section.blocks.clone()).unwrap_or_default())
        });
        view! {
            <section>
                <h4>{title}</h4>
                <ReportView blocks on_pick=pick />
            </section>
        }
    };
    let live = StoredValue::new(live);
    view! {
        <section class="sweeps-card">
            <h3>"Results"</h3>
            <div class="row">
                <label class="sweeps-metric">
                    <span>"One more metric"</span>
                    <select data-testid="lab-metric" on:change=choose>
                        <option value="">"–"</option>
                        {options}
                    </select>
                </label>
                <button type="button" data-testid="lab-csv" on:click=csv>"Save CSV"</button>
                <button type="button" data-testid="lab-json" on:click=json>"Save JSON"</button>
                <button type="button" data-testid="lab-html" on:click=html>"Save HTML"</button>
            </div>
            <div class="sweeps-results" data-testid="lab-results">
                <Show
                    when=move || !is_empty.get()
                    fallback=|| view! { <p class="note">"They appear here as runs finish."</p> }
                >
                    <For each=move || titles.get() key=Clone::clone children=section />
                    <RunsTable live=live.get_value() />
                </Show>
            </div>
        </section>
    }
}

/// Every run's main numbers.
#[component]
fn RunsTable(live: Arc<Live>) -> impl IntoView {
    let axes: Vec<String> = live.open.sweep.axes.iter().map(|axis| symbol(&axis.field).into_owned()).collect();
    let heads = axes.into_iter().chain(main_metrics().map(|metric| metric.title.to_owned()));
    let heads = heads.map(|head| view! { <th scope="col">{head}</th> }).collect_view();
    let built = growing(live.open.len());
    let runs = live.runs.clone();
    let finished = move || {
        runs.with(|runs| {
            let finished = runs.iter().enumerate().filter(|(_, run)| run.is_some()).map(|(point, _)| point);
            finished.take(built.get()).collect::<Vec<_>>()
        })
    };
    let row = move |point: usize| {
        // A finished run does not change.
        let cells = live.runs.with_untracked(|runs| {
            let run = runs.get(point)?.as_ref()?;
            let values = run.coordinates.iter().map(named);
            Some(values.chain(main_metrics().map(|metric| text(run.metrics.get(metric.name)))).collect::<Vec<_>>())
        });
        let cells = cells.unwrap_or_default().into_iter().map(|cell| view! { <td>{cell}</td> });
        view! { <tr>{cells.collect_view()}</tr> }
    };
    view! {
        <section>
            <h4>"Every run"</h4>
            <div class="sweeps-scroll" tabindex="0" role="group" aria-label="Table">
                <table class="sweeps-table" data-testid="lab-runs">
                    <thead>
                        <tr>{heads}</tr>
                    </thead>
                    <tbody>
                        <For each=finished key=|point| *point children=row />
                    </tbody>
                </table>
            </div>
        </section>
    }
}

/// The computation under way.
#[derive(Default)]
struct Work {
    is_busy: bool,
    /// Runs have come, or another metric was chosen, since it began.
    is_stale: bool,
    runs: Vec<Run>,
    parts: VecDeque<Part>,
    sections: Vec<Section>,
    /// What it has taken so far, ms.
    took: f64,
}

/// The results of the runs so far: computed when they change, at most every [`REST`] milliseconds.
fn follow(live: &Arc<Live>) -> RwSignal<Report> {
    let report = RwSignal::new(Report::default());
    let work = StoredValue::new(Work::default());
    let live = live.clone();
    Effect::new(move |_| {
        live.runs.track();
        live.metric.track();
        let was_busy = work.try_update_value(|work| {
            work.is_stale = true;
            std::mem::replace(&mut work.is_busy, true)
        });
        if was_busy == Some(false) {
            begin(live.clone(), work, report);
        }
    });
    report
}

fn begin(live: Arc<Live>, work: StoredValue<Work>, report: RwSignal<Report>) {
    let extra = live.metric.with_untracked(|metric| metric.map(|metric| View::Metric(metric.name)));
    let views: Vec<View> = extra.into_iter().chain(live.open.views.iter().copied()).collect();
    let runs = live.finished();
    let begun = work.try_update_value(|work| {
        *work = Work { is_busy: true, runs, parts: parts(&views).into(), ..Work::default() };
    });
    if begun.is_some() {
        set_timeout(move || step(live, work, report), Duration::ZERO);
    }
}

/// Computes one section; then the next one in a task of its own, or all are shown.
fn step(live: Arc<Live>, work: StoredValue<Work>, report: RwSignal<Report>) {
    let is_done = work.try_update_value(|work| {
        let start = now();
        if let Some(part) = work.parts.pop_front() {
            work.sections.extend(section(&live.open.sweep, part, live.open.level, &work.runs));
        }
        work.took += now() - start;
        work.parts.is_empty()
    });
    // None where the view is gone.
    let Some(is_done) = is_done else { return };
    // The first time every section is shown as it comes.
    if is_done
        || report.try_with_untracked(|report| report.sections.len() < work.with_value(|work| work.sections.len()))
            == Some(true)
    {
        report.set(Report::new(work.with_value(|work| work.sections.clone())));
    }
    if !is_done {
        set_timeout(move || step(live, work, report), Duration::ZERO);
        return;
    }
    let rest = work.with_value(|work| REST.max(SHARE * work.took));
    let again = move || {
        let is_stale = work.try_update_value(|work| {
            work.is_busy = work.is_stale;
            work.is_stale
        });
        if is_stale == Some(true) {
            begin(live, work, report);
        }
    };
    set_timeout(again, Duration::from_secs_f64(rest / 1000.0));
}

fn now() -> f64 {
    window().performance().map_or(0.0, |performance| performance.now())
}

//! The run's history and the canvases it is drawn on, outside the reactive graph.
//!
//! Events mark charts as dirty; one animation-frame callback draws those that are dirty, visible and have a size.
//! Nothing is scheduled while nothing changes.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use leptos::prelude::*;
use web_sys::HtmlCanvasElement;

use super::canvas::{clear, device_scale, draw};
use crate::{
    app::{
        charts::{self, Axis, Chart, ChartKind, Options, Readout, View},
        history::{Changed, History},
        theme::Theme,
    },
    experiment::Experiment,
    protocol::Event,
};

/// Handle to the one board of the page.
#[derive(Clone)]
pub struct Board(Rc<Inner>);

struct Inner {
    history: RefCell<History>,
    /// The settings in the controls: the bound's terms follow them.
    draft: RefCell<Experiment>,
    options: RefCell<Options>,
    theme: Cell<Theme>,
    charts: RefCell<Vec<Rc<Canvas>>>,
    /// Where the reader points, for each axis.
    cursors: [RwSignal<Option<f64>>; 3],
    frame_requested: Cell<bool>,
    /// Device pixels for each CSS pixel, when anything was drawn last.
    scale: Cell<f64>,
    /// Counts the changes of the sample rows, which are HTML and renewed about once a second.
    samples: RwSignal<usize>,
    samples_stale: Cell<bool>,
}

/// A chart's two layers, and what the page shows around them.
pub struct Canvas {
    pub kind: ChartKind,
    pub axes: HtmlCanvasElement,
    pub series: HtmlCanvasElement,
    pub title: RwSignal<String>,
    pub summary: RwSignal<String>,
    pub readout: RwSignal<Option<Readout>>,
    size: Cell<(f64, f64)>,
    visible: Cell<bool>,
    dirty: Cell<bool>,
    summary_stale: Cell<bool>,
    /// Of the axes layer as it is drawn: its key, and device pixels per CSS pixel.
    drawn: Cell<Option<(u64, f64)>>,
    /// The pointer or the focus is here: the read-out opens here.
    active: Cell<bool>,
}

impl Board {
    pub fn new() -> Self {
        let first = Experiment::default();
        Self(Rc::new(Inner {
            history: RefCell::new(History::new(&first)),
            draft: RefCell::new(first),
            options: RefCell::new(Options::default()),
            theme: Cell::new(Theme::light()),
            charts: RefCell::new(Vec::new()),
            cursors: [RwSignal::new(None), RwSignal::new(None), RwSignal::new(None)],
            frame_requested: Cell::new(false),
            scale: Cell::new(device_scale()),
            samples: RwSignal::new(0),
            samples_stale: Cell::new(false),
        }))
    }

    /// A new run begins; the last curve of the one before stays, paler.
    pub fn start(&self, experiment: &Experiment) {
        let changed = self.0.history.borrow_mut().reset_for(experiment);
        self.0.cursors.iter().for_each(|cursor| cursor.set(None));
        self.mark(changed);
    }

    pub fn apply(&self, event: &Event) {
        let changed = self.0.history.borrow_mut().apply(event);
        self.mark(changed);
    }

    pub fn forget_earlier(&self) {
        let changed = self.0.history.borrow_mut().forget_earlier();
        self.mark(changed);
    }

    /// Looks at one of the recorded steps, or at the latest; gives the step, where it is not the latest.
    pub fn show(&self, index: Option<usize>) -> Option<usize> {
        let changed = self.0.history.borrow_mut().show(index);
        self.mark(changed);
        self.0.history.borrow().shown()
    }

    /// Steps that can be looked at.
    pub fn recorded(&self) -> Vec<usize> {
        self.0.history.borrow().recorded().collect()
    }

    /// The controls moved: only the bound follows without a run.
    pub fn set_draft(&self, draft: &Experiment) {
        *self.0.draft.borrow_mut() = draft.clone();
        self.mark(Changed { bound: true, ..Changed::NONE });
    }

    pub fn set_options(&self, options: Options) {
        *self.0.options.borrow_mut() = options;
        self.mark(Changed::ALL);
    }

    pub fn set_theme(&self, theme: Theme) {
        self.0.theme.set(theme);
        self.mark(Changed::ALL);
    }

    /// Draws every chart again, at another number of device pixels for each CSS pixel.
    pub fn redraw(&self) {
        self.0.charts.borrow().iter().for_each(|canvas| canvas.dirty.set(true));
        self.request_frame();
    }

    /// Tracks the sample rows, and reads them.
    pub fn with_samples<T>(&self, read: impl FnOnce(&History, Options, Theme) -> T) -> T {
        self.0.samples.track();
        read(&self.0.history.borrow(), self.0.options.borrow().clone(), self.0.theme.get())
    }

    /// Reads the run's history; tracks nothing.
    pub fn with_history<T>(&self, read: impl FnOnce(&History) -> T) -> T {
        read(&self.0.history.borrow())
    }

    /// Positions (from 1) where the model seems better than possible, by more than `errors` standard errors.
    pub fn positions_below_bayes(&self, errors: f64) -> Vec<usize> {
        self.0.history.borrow().positions_below_bayes(errors)
    }

    fn mark(&self, changed: Changed) {
        for canvas in self.0.charts.borrow().iter().filter(|c| c.kind.is_changed(changed)) {
            canvas.dirty.set(true);
            canvas.summary_stale.set(true);
        }
        if changed.samples {
            self.0.samples_stale.set(true);
        }
        if changed.any() {
            self.request_frame();
        }
    }

    /// Draws what is dirty at the next animation frame.
    pub fn request_frame(&self) {
        if !self.0.frame_requested.replace(true) {
            let this = self.clone();
            request_animation_frame(move || {
                this.0.frame_requested.set(false);
                this.draw();
            });
        }
    }

    /// Adds a chart; it is drawn once it has a size and is on screen.
    pub fn add(
        &self,
        kind: ChartKind,
        axes: HtmlCanvasElement,
        series: HtmlCanvasElement,
        signals: ChartSignals,
    ) -> Rc<Canvas> {
        let canvas = Rc::new(Canvas {
            kind,
            axes,
            series,
            title: signals.title,
            summary: signals.summary,
            readout: signals.readout,
            size: Cell::new((0.0, 0.0)),
            visible: Cell::new(false),
            dirty: Cell::new(true),
            summary_stale: Cell::new(true),
            drawn: Cell::new(None),
            active: Cell::new(false),
        });
        self.0.charts.borrow_mut().push(canvas.clone());
        self.tell_summary(&canvas);
        canvas
    }

    pub fn resized(&self, canvas: &Canvas, width: f64, height: f64) {
        if canvas.size.replace((width, height)) != (width, height) {
            canvas.drawn.set(None);
            canvas.dirty.set(true);
            self.request_frame();
        }
    }

    pub fn shown(&self, canvas: &Canvas, visible: bool) {
        canvas.visible.set(visible);
        if visible {
            self.request_frame();
        }
    }

    /// Runs `ask` with the chart as it stands.
    pub fn ask<T>(&self, kind: ChartKind, ask: impl FnOnce(&dyn Chart) -> T) -> T {
        let (history, draft) = (self.0.history.borrow(), self.0.draft.borrow());
        ask(kind.chart(&history, &draft, self.0.options.borrow().clone()).as_ref())
    }

    pub fn view(&self, canvas: &Canvas) -> View {
        let (width, height) = canvas.size.get();
        View::new(width, height, self.0.theme.get())
    }

    /// Moves the crosshair of the chart's axis; `None` takes it away.
    pub fn point(&self, canvas: &Canvas, cursor: Option<f64>) {
        canvas.active.set(cursor.is_some());
        self.set_cursor(canvas.kind.axis(), cursor);
    }

    /// Moves the crosshair of every chart with this axis.
    pub fn set_cursor(&self, axis: Axis, cursor: Option<f64>) {
        if let Some(signal) = self.cursor(axis) {
            signal.set(cursor);
        }
        for canvas in self.0.charts.borrow().iter().filter(|c| c.kind.axis() == axis) {
            canvas.dirty.set(true);
        }
        self.request_frame();
    }

    /// Where the reader points along an axis; `None` for a chart that shares its axis with no other.
    pub fn cursor(&self, axis: Axis) -> Option<RwSignal<Option<f64>>> {
        match axis {
            Axis::Position => Some(self.0.cursors[0]),
            Axis::Step => Some(self.0.cursors[1]),
            Axis::Row => Some(self.0.cursors[2]),
            Axis::Own => None,
        }
    }

    /// Renews what is written about charts that have changed; called about once a second. Not every browser tells of another pixel
    /// ratio, so that it is looked at here too.
    pub fn refresh_words(&self) {
        if self.0.scale.get() != device_scale() {
            self.redraw();
        }
        if self.0.samples_stale.take() {
            self.0.samples.update(|n| *n += 1);
        }
        for canvas in self.0.charts.borrow().iter().filter(|c| c.summary_stale.get()) {
            self.tell_summary(canvas);
        }
    }

    fn tell_summary(&self, canvas: &Canvas) {
        canvas.summary_stale.set(false);
        let summary = self.ask(canvas.kind, |chart| chart.summary());
        if canvas.summary.with_untracked(|old| *old != summary) {
            canvas.summary.set(summary);
        }
    }

    fn draw(&self) {
        let scale = device_scale();
        self.0.scale.set(scale);
        for canvas in self.0.charts.borrow().iter() {
            let (width, height) = canvas.size.get();
            if canvas.dirty.get() && canvas.visible.get() && width >= 1.0 && height >= 1.0 {
                canvas.dirty.set(false);
                self.draw_one(canvas, scale);
            }
        }
    }

    fn draw_one(&self, canvas: &Canvas, scale: f64) {
        let view = self.view(canvas);
        let cursor = self.cursor(canvas.kind.axis()).and_then(|cursor| cursor.get_untracked());
        let (title, scene, readout) = self.ask(canvas.kind, |chart| {
            (chart.title(), chart.scene(&view), cursor.and_then(|cursor| chart.readout(&view, cursor)))
        });
        let key = (scene.axes_key(), scale);
        if canvas.drawn.replace(Some(key)) != Some(key) {
            clear(&canvas.axes, &view, scale);
            draw(&scene.axes, &canvas.axes, scale);
        }
        clear(&canvas.series, &view, scale);
        draw(&scene.series, &canvas.series, scale);
        if let Some(readout) = &readout {
            draw(&charts::crosshair(&view, readout), &canvas.series, scale);
        }
        if canvas.title.with_untracked(|old| *old != title) {
            canvas.title.set(title);
        }
        let readout = readout.filter(|_| canvas.active.get());
        if canvas.readout.with_untracked(|old| *old != readout) {
            canvas.readout.set(readout);
        }
    }
}

/// What a chart tells the page around it.
#[derive(Clone, Copy)]
pub struct ChartSignals {
    pub title: RwSignal<String>,
    pub summary: RwSignal<String>,
    pub readout: RwSignal<Option<Readout>>,
}

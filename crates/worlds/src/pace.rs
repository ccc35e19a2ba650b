//! Lets a long computation rest now and then, so that whoever runs it can handle other messages.
//!
//! The computation says how much it has done since it last said so ([`Pace::worked`]), and awaits the answer. Whether that is a rest is not
//! its business: natively it never is one, in the browser's worker it is one about every 50 ms. To abandon the computation is to drop
//! its future.

use std::pin::Pin;

/// What a rest takes.
pub type Rest = Pin<Box<dyn Future<Output = ()>>>;

/// Gets the work done and the share of the whole that is done; gives a rest where one is due.
pub type Rests = Box<dyn FnMut(usize, Progress) -> Option<Rest>>;

/// How far a computation is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// A short sentence without a full stop: what is computed.
    pub what: &'static str,
    /// From 0 to 1.
    pub done: f64,
}

/// How long a computation has worked and how far it is, given from one part of it to the next. A
/// unit of work is about a multiply-add: a nanosecond or less on a quick machine.
#[derive(Default)]
pub struct Pace {
    rests: Option<Rests>,
    progress: Progress,
    /// Where this stage's part of the whole begins and ends.
    stage: (f64, f64),
}

impl Pace {
    /// A pace that never rests.
    pub fn unbroken() -> Self {
        Self::default()
    }

    /// A pace that rests where `rests` says so: it gets the units of work since the last call and
    /// the progress, and gives a rest where one is due.
    pub fn new(rests: impl FnMut(usize, Progress) -> Option<Rest> + 'static) -> Self {
        Self { rests: Some(Box::new(rests)), ..Self::default() }
    }

    /// Begins a stage, called `what`, that goes from the share `from` to the share `to` of the
    /// whole computation.
    pub fn begin(&mut self, what: &'static str, from: f64, to: f64) {
        self.progress = Progress { what, done: from };
        self.stage = (from, to);
    }

    /// Notes that this share (0 to 1) of the stage is done.
    pub fn reached(&mut self, share: f64) {
        let (from, to) = self.stage;
        self.progress.done = from + share.clamp(0.0, 1.0) * (to - from);
    }

    /// So many units of work were done since the last call.
    pub async fn worked(&mut self, units: usize) {
        let progress = self.progress;
        if let Some(rest) = self.rests.as_mut().and_then(|rests| rests(units, progress)) {
            rest.await;
        }
    }
}

/// The result of a computation whose pace is unbroken: nothing in it ever waits.
///
/// # Panics
/// If something in it does wait, which is a fault of the program.
#[expect(clippy::panic, reason = "a fault of the program, which no input can bring about")]
pub fn at_once<T>(computation: impl Future<Output = T>) -> T {
    let mut computation = std::pin::pin!(computation);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match computation.as_mut().poll(&mut context) {
        std::task::Poll::Ready(result) => result,
        std::task::Poll::Pending => panic!("an unbroken computation waited"),
    }
}

/// For tests of what is computed at a pace.
#[doc(hidden)]
pub mod testing {
    use std::{cell::RefCell, rc::Rc, task::Poll};

    use super::{Pace, Progress};

    /// What a fake pace saw: units of each stretch, and how far it was then.
    pub type Seen = Rc<RefCell<Vec<(usize, Progress)>>>;

    /// Rests whenever it is asked, for one poll.
    pub fn counting() -> (Pace, Seen) {
        let seen = Seen::default();
        let log = seen.clone();
        let pace = Pace::new(move |units, progress| {
            log.borrow_mut().push((units, progress));
            let mut rested = false;
            Some(Box::pin(std::future::poll_fn(move |_| {
                if std::mem::replace(&mut rested, true) { Poll::Ready(()) } else { Poll::Pending }
            })))
        });
        (pace, seen)
    }
}

#[cfg(test)]
mod tests {
    use super::{testing::counting, *};

    #[test]
    fn a_computation_rests_where_it_says_so_and_can_be_dropped() {
        let (mut pace, seen) = counting();
        pace.begin("Counting", 0.5, 1.0);
        let mut count = Box::pin(async move {
            for i in 0..4 {
                pace.reached(f64::from(i) / 4.0);
                pace.worked(10).await;
            }
        });
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        for polls in 1..=3 {
            assert!(count.as_mut().poll(&mut context).is_pending());
            assert_eq!(seen.borrow().len(), polls);
        }
        drop(count);
        let dones: Vec<f64> = seen.borrow().iter().map(|(_, progress)| progress.done).collect();
        assert_eq!(dones, [0.5, 0.625, 0.75]);
        assert_eq!(at_once(async { 7 }), 7);
    }
}

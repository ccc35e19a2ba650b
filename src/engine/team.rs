//! Several cores for one training step on the CPU: each takes some of the batch's sequences, and what they give is added up in a
//! fixed order. So the same number of cores gives the same bits, and another number differs by what f32 rounds.
//!
//! Natively the members are threads. In a browser they are workers with the kernels alone (`www/team-worker.js`), which share no
//! memory with anybody and so need no special headers; the engine's own thread waits for them, and handles commands meanwhile.

use kernels::{part, weighted};

use crate::{
    experiment::{Experiment, Observation},
    net::fused::shape,
    world::Rows,
};

/// Beyond this many cores the parts of a batch are small, and a core that is slow or busy holds up all others.
const MOST: usize = 8;

/// The cores that share each step.
pub struct Team {
    members: Vec<members::Member>,
    /// Cells of a sequence.
    length: usize,
}

/// Why a member gave nothing; the rest of a sentence.
#[derive(Clone, Debug, PartialEq)]
pub struct Lost(pub String);

impl Team {
    /// As many members as pay for this experiment on this machine; `None` where one core does it alone, and why where others could not
    /// be had.
    pub async fn gather(experiment: &Experiment, observation: Observation) -> Result<Option<Self>, Lost> {
        match worthwhile(experiment, observation, members::cores()) {
            Some(count) => Self::of(count, experiment, observation).await.map(Some),
            None => Ok(None),
        }
    }

    /// A team of `count`, or why it cannot be had.
    pub async fn of(count: usize, experiment: &Experiment, observation: Observation) -> Result<Self, Lost> {
        let length = experiment.data.length;
        let members = members::gather(count, &shape(&experiment.net, observation, length)).await?;
        Ok(Self { members, length })
    }

    pub fn size(&self) -> usize {
        self.members.len()
    }

    /// Each member's sequences, in the members' order; none for members beyond their number.
    fn parts(&self, rows: &Rows) -> Vec<Rows> {
        let (count, sequences) = (self.members.len(), rows.len() / self.length);
        (0..count)
            .map(|index| part(sequences, index, count))
            .filter(|part| !part.is_empty())
            .map(|part| rows.cells(part.start * self.length..part.end * self.length))
            .collect()
    }

    /// The predictive distribution of each cell, [rows, T, outputs], at the parameters `flat`.
    pub async fn predictions(&mut self, flat: &[f32], rows: &Rows) -> Result<Vec<f32>, Lost> {
        let parts = self.parts(rows);
        Ok(members::predict(&mut self.members, flat, &parts).await?.concat())
    }

    /// Mean loss on `rows` and its flat gradient, at the parameters `flat`.
    pub async fn loss_and_gradient(&mut self, flat: &[f32], rows: &Rows) -> Result<(f64, Vec<f32>), Lost> {
        let parts = self.parts(rows);
        let given = members::work(&mut self.members, flat, &parts).await?;
        let weight = |part: &Rows| part.len() as f64 / rows.len() as f64;
        let loss = parts.iter().zip(&given).map(|(part, (loss, _))| weight(part) * loss).sum();
        let weighed: Vec<(f32, &[f32])> =
            parts.iter().zip(&given).map(|(part, (_, gradient))| (weight(part) as f32, &gradient[..])).collect();
        let mut gradient = vec![0.0; flat.len()];
        weighted(&weighed, &mut gradient);
        Ok((loss, gradient))
    }
}

/// How many of `cores` a step of this experiment is worth; `None` where a team would not pay.
fn worthwhile(experiment: &Experiment, observation: Observation, cores: usize) -> Option<usize> {
    let (net, data, batch) = (&experiment.net, &experiment.data, experiment.training.batch);
    // Forward, and twice as much backward.
    let work = 3.0 * batch as f64 * net.multiply_adds(observation, data.length);
    let count = ((work / members::WORTH) as usize).min(cores).min(batch).min(MOST);
    (count >= members::FEWEST).then_some(count)
}

#[cfg(not(target_arch = "wasm32"))]
mod members {
    use std::thread;

    use kernels::{Net, Shape};

    use super::Lost;
    use crate::{net::fused::cells, world::Rows};

    /// Multiply-adds of a step that are worth another thread: about a millisecond.
    pub const WORTH: f64 = 20e6;
    /// A team of one would be a detour.
    pub const FEWEST: usize = 2;

    pub type Member = Net;

    pub fn cores() -> usize {
        thread::available_parallelism().map_or(1, usize::from)
    }

    pub async fn gather(count: usize, shape: &Shape) -> Result<Vec<Member>, Lost> {
        Ok((0..count).map(|_| Net::new(shape.clone())).collect())
    }

    pub async fn work(members: &mut [Member], flat: &[f32], parts: &[Rows]) -> Result<Vec<(f64, Vec<f32>)>, Lost> {
        each(members, parts, |member, part| {
            let mut gradient = vec![0.0; flat.len()];
            let loss = member.loss_and_gradient(flat, cells(part), &mut gradient);
            (loss, gradient)
        })
    }

    pub async fn predict(members: &mut [Member], flat: &[f32], parts: &[Rows]) -> Result<Vec<Vec<f32>>, Lost> {
        each(members, parts, |member, part| {
            let mut distribution = Vec::new();
            member.predict(flat, cells(part), &mut distribution, None);
            distribution
        })
    }

    /// What each member gives for its part, the first in this thread.
    fn each<R: Send>(
        members: &mut [Member],
        parts: &[Rows],
        one: impl Fn(&mut Member, &Rows) -> R + Sync,
    ) -> Result<Vec<R>, Lost> {
        let one = &one;
        thread::scope(|scope| {
            let mut pairs = members.iter_mut().zip(parts);
            let first = pairs.next();
            let others: Vec<_> = pairs.map(|(member, part)| scope.spawn(move || one(member, part))).collect();
            let own = first.map(|(member, part)| Ok(one(member, part)));
            let lost = |_| Lost("a thread ended without a word".into());
            own.into_iter().chain(others.into_iter().map(|thread| thread.join().map_err(lost))).collect()
        })
    }
}

#[cfg(target_arch = "wasm32")]
mod members {
    use std::{
        cell::RefCell,
        future::poll_fn,
        rc::Rc,
        task::{Poll, Waker},
    };

    use js_sys::{Array, Float32Array, Reflect, Uint16Array, Uint32Array};
    use kernels::Shape;
    use wasm_bindgen::{JsCast, JsValue, closure::Closure};
    use web_sys::{DedicatedWorkerGlobalScope, ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

    use super::Lost;
    use crate::world::Rows;

    /// Multiply-adds of a step that are worth another worker: messages there and back take some milliseconds.
    pub const WORTH: f64 = 100e6;
    /// Even one pays: its kernels may use relaxed SIMD, which the engine itself must do without.
    pub const FEWEST: usize = 1;

    /// A worker, and what it said last.
    pub struct Member {
        worker: Worker,
        inbox: Rc<RefCell<Inbox>>,
        _message: Closure<dyn FnMut(MessageEvent)>,
        _error: Closure<dyn FnMut(ErrorEvent)>,
    }

    #[derive(Default)]
    struct Inbox {
        answer: Option<Result<JsValue, Lost>>,
        waker: Option<Waker>,
    }

    impl Inbox {
        fn receive(&mut self, answer: Result<JsValue, Lost>) {
            self.answer = Some(answer);
            if let Some(waker) = self.waker.take() {
                waker.wake();
            }
        }
    }

    impl Drop for Member {
        fn drop(&mut self) {
            self.worker.set_onmessage(None);
            self.worker.set_onerror(None);
            self.worker.terminate();
        }
    }

    impl Member {
        fn start(query: &str) -> Option<Self> {
            let options = WorkerOptions::new();
            options.set_type(WorkerType::Module);
            options.set_name("team");
            let worker = Worker::new_with_options(&format!("team-worker.js{query}"), &options).ok()?;
            let inbox: Rc<RefCell<Inbox>> = Rc::default();
            let (on_message, on_failure) = (inbox.clone(), inbox.clone());
            let message = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
                on_message.borrow_mut().receive(Ok(message.data()));
            });
            let error = Closure::<dyn FnMut(ErrorEvent)>::new(move |error: ErrorEvent| {
                error.prevent_default();
                // A file that did not come is an event without words.
                let words = Reflect::get(&error, &"message".into()).ok().and_then(|words| words.as_string());
                let words =
                    words.filter(|words| !words.is_empty()).unwrap_or_else(|| "its files did not arrive".into());
                on_failure.borrow_mut().receive(Err(Lost(
                    words.trim_start_matches("Uncaught ").trim_start_matches("Error: ").trim_end_matches('.').into(),
                )));
            });
            worker.set_onmessage(Some(message.as_ref().unchecked_ref()));
            worker.set_onerror(Some(error.as_ref().unchecked_ref()));
            Some(Self { worker, inbox, _message: message, _error: error })
        }

        fn send(&self, message: &JsValue, moved: &Array) -> Result<(), Lost> {
            let refused = |error| Lost(format!("its part could not be sent ({error:?})"));
            self.worker.post_message_with_transfer(message, moved).map_err(refused)
        }

        /// What it says next.
        async fn answer(&self) -> Result<JsValue, Lost> {
            poll_fn(|context| {
                let mut inbox = self.inbox.borrow_mut();
                match inbox.answer.take() {
                    Some(answer) => Poll::Ready(answer),
                    None => {
                        inbox.waker = Some(context.waker().clone());
                        Poll::Pending
                    }
                }
            })
            .await
        }
    }

    fn scope() -> Option<DedicatedWorkerGlobalScope> {
        js_sys::global().dyn_into().ok()
    }

    pub fn cores() -> usize {
        scope().map_or(1, |scope| scope.navigator().hardware_concurrency().max(1.0) as usize)
    }

    pub async fn gather(count: usize, shape: &Shape) -> Result<Vec<Member>, Lost> {
        let query = scope().map(|scope| scope.location().search()).unwrap_or_default();
        let members: Vec<Member> = (0..count).filter_map(|_| Member::start(&query)).collect();
        if members.len() < count {
            return Err(Lost("the browser started no worker".into()));
        }
        for member in &members {
            member.send(&Uint32Array::from(&shape.words()[..]), &Array::new())?;
        }
        for member in &members {
            // The number of parameters: 0 where it does not understand, which would be a bug.
            if !member.answer().await?.as_f64().is_some_and(|count| count > 0.0) {
                return Err(Lost("it did not understand the net's shape".into()));
            }
        }
        Ok(members)
    }

    pub async fn work(members: &mut [Member], flat: &[f32], parts: &[Rows]) -> Result<Vec<(f64, Vec<f32>)>, Lost> {
        ask(members, flat, parts, "step")?;
        let mut given = Vec::with_capacity(parts.len());
        for (member, _) in members.iter().zip(parts) {
            let answer: Array = member.answer().await?.unchecked_into();
            let gradient: Float32Array = answer.get(1).unchecked_into();
            given.push((answer.get(0).as_f64().unwrap_or(f64::NAN), gradient.to_vec()));
        }
        Ok(given)
    }

    pub async fn predict(members: &mut [Member], flat: &[f32], parts: &[Rows]) -> Result<Vec<Vec<f32>>, Lost> {
        ask(members, flat, parts, "predict")?;
        let mut given = Vec::with_capacity(parts.len());
        for (member, _) in members.iter().zip(parts) {
            given.push(member.answer().await?.unchecked_into::<Float32Array>().to_vec());
        }
        Ok(given)
    }

    /// Tells each member its part, and what to do with it.
    fn ask(members: &[Member], flat: &[f32], parts: &[Rows], what: &str) -> Result<(), Lost> {
        for (member, part) in members.iter().zip(parts) {
            let parameters = Float32Array::from(flat);
            let (cells, memory): (JsValue, JsValue) = match part {
                Rows::Tokens(tokens) => {
                    let cells = Uint16Array::from(&tokens[..]);
                    (cells.clone().into(), cells.buffer().into())
                }
                Rows::Vectors { values, .. } => {
                    let cells = Float32Array::from(&values[..]);
                    (cells.clone().into(), cells.buffer().into())
                }
            };
            let moved = Array::of2(&parameters.buffer(), &memory);
            member.send(&Array::of3(&what.into(), &parameters, &cells), &moved)?;
        }
        Ok(())
    }
}

// Natively only, as threads.
#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{
            device::{cpu, relative_difference},
            trainer::{Model, Trainer, read},
        },
        experiment::Architecture,
        world::rng::{Purpose, Stream},
    };

    const TOKENS: Observation = Observation::Tokens(5);

    fn small(batch: usize) -> (Experiment, Rows) {
        let mut experiment = Experiment::default();
        (experiment.data.length, experiment.training.batch) = (12, batch);
        let rows = Rows::random(TOKENS, batch * 12, &mut Stream::new(3, Purpose::Timing, 0));
        (experiment, rows)
    }

    #[test]
    fn a_team_gives_what_one_core_gives() {
        for (batch, observation, architecture) in [
            (7, TOKENS, Architecture::Transformer),
            (3, TOKENS, Architecture::Transformer),
            (5, Observation::Vectors(2), Architecture::Transformer),
            (7, TOKENS, Architecture::Gru),
            (5, Observation::Vectors(2), Architecture::Lstm),
        ] {
            let (mut experiment, _) = small(batch);
            (experiment.seed, experiment.net.architecture) = (5, architecture);
            let rows = Rows::random(observation, batch * 12, &mut Stream::new(3, Purpose::Timing, 0));
            let trainer = Trainer::new(&experiment, observation, &cpu());
            pollster::block_on(async {
                let flat = trainer.parameters().await.expect("parameters");
                let (loss, gradient) = trainer.gradient(&rows);
                let (loss, gradient) = (read(loss).await.expect("a loss"), read(gradient).await.expect("a gradient"));
                for count in [1, 2, 3, 8] {
                    let mut team = Team::of(count, &experiment, observation).await.expect("a team");
                    assert_eq!(team.size(), count);
                    let first = team.loss_and_gradient(&flat, &rows).await.expect("its parts");
                    // Sums in another order: some 1e-7 of the largest.
                    assert!((first.0 - f64::from(loss[0])).abs() < 1e-6 * first.0, "{count} cores");
                    assert!(relative_difference(&first.1, &gradient) < 1e-5, "{count} cores");
                    let again = team.loss_and_gradient(&flat, &rows).await.expect("its parts");
                    assert!(first == again, "the same bits");
                    let (alone, shared) = (trainer.predictions(&rows, 4).await, team.predictions(&flat, &rows).await);
                    let (alone, shared) = (alone.expect("distributions"), shared.expect("its parts"));
                    assert_eq!(alone.len(), shared.len(), "{count} cores");
                    assert!(relative_difference(&shared, &alone) < 1e-6, "{count} cores");
                }
            });
        }
    }

    #[test]
    fn as_many_cores_as_pay() {
        let (mut experiment, _) = small(4);
        assert_eq!(worthwhile(&experiment, TOKENS, 8), None, "a small step");
        (experiment.data.length, experiment.training.batch, experiment.net.width) = (64, 64, 128);
        experiment.net.context = 64;
        assert_eq!(worthwhile(&experiment, TOKENS, 2), Some(2));
        assert_eq!(worthwhile(&experiment, TOKENS, 64), Some(MOST));
        assert_eq!(worthwhile(&experiment, TOKENS, 1), None, "natively one core needs no team");
        experiment.training.batch = 3;
        assert_eq!(worthwhile(&experiment, TOKENS, 8), Some(3), "no more than sequences");
    }
}

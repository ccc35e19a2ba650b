//! One run: prepared once, then advanced a step at a time by whoever drives it (the worker's loop, or the terminal).

mod saving;

use burn::tensor::{Device, Tensor};
use serde::Serialize;

use super::{
    asked::Asked,
    checkpoint::Saved,
    clock::now_ms,
    conclusion::Conclusion,
    curve_cache,
    device::{self, Candidate, Chosen, Proof},
    differences::Differences,
    error::EngineError,
    evaluator::{CHUNK, Evaluator},
    priors::{Priors, Stage},
    probes::Probes,
    team::Lost,
    trainer::{Model, Trainer, read},
};
use crate::{
    experiment::{Experiment, Optimizer},
    pace::Pace,
    probe::{
        ProbeRequest,
        distances::{Ensemble, Predictor, ReferencePredictors},
    },
    protocol::{
        Baseline, DeviceChoice, DeviceKind, Evaluation, Event, Frame, Nearness, Phase, Record, Theory, first_not_finite,
    },
    theory::{
        Budget, baselines,
        levels::training_level_at,
        linear::{LinearBaseline, LinearTheory},
    },
    world::{Rows, Topic, World, data::Corpus},
};

/// Predictors to compare with, on the first of the evaluation's own sequences.
async fn measured_baselines(
    pace: &mut Pace,
    world: &World,
    topics: Option<&[Topic]>,
    bayes: &[f64],
    experiment: &Experiment,
) -> Vec<Baseline> {
    baselines::measure_at(pace, world, topics, bayes, experiment.evaluation.sequences, experiment.seed)
        .await
        .into_iter()
        .map(|b| Baseline { name: b.name.into(), about: b.about.into(), curve: b.curve, squared_error: Vec::new() })
        .collect()
}

/// Frames are at least this far apart: 30 a second.
const FRAME_MS: f64 = 1000.0 / 30.0;
/// On a GPU, losses are read back together: after so many steps, or so long, whichever comes first. Reading is also what keeps
/// the queue of submitted work short.
const READ_STEPS: usize = 16;
const READ_MS: f64 = 25.0;
/// While training goes on, probes work only as long as evaluation and they together have taken less than
/// this share of the training's own time. They catch up when the run pauses or ends.
const PROBE_SHARE: f64 = 0.14;
/// Weight of the newest steps in the moving mean of the step time.
const SPEED_WEIGHT: f64 = 0.1;
/// Steps after which the moving mean is taken for the CPU's speed.
const WARM_UP_STEPS: usize = 5;

pub struct Session {
    /// When evaluations rest.
    pace: Pace,
    experiment: Experiment,
    world: World,
    corpus: Corpus,
    evaluator: Evaluator,
    chosen: Chosen,
    trainer: Trainer,
    priors: Priors,
    differences: Option<Differences>,
    conclusion: Option<Conclusion>,
    concluded: bool,
    batch: Rows,
    /// Losses of steps not read back yet.
    pending: Vec<Tensor<1>>,
    /// Of those steps, learning rates and gradient differences where noise is injected and they are asked for.
    pending_differences: Vec<(f64, Vec<Tensor<1>>)>,
    record: Record,
    /// Sum and number of the losses since the last evaluation.
    since_evaluation: (f64, f64),
    last: Option<Evaluation>,
    /// Losses read back but not sent yet.
    unsent: Vec<f64>,
    /// Steps whose losses were read back.
    read: usize,
    evaluated: Option<usize>,
    last_read: f64,
    last_frame: f64,
    step_ms: Option<f64>,
    evaluation_ms: Option<f64>,
    training_total_ms: f64,
    prior_total_ms: f64,
    evaluation_total_ms: f64,
    /// Spent on what is measured after the last step.
    measuring_total_ms: f64,
    batches_total_ms: f64,
    /// Known predictors to measure the distance from at each evaluation, where that is asked for.
    references: Option<ReferencePredictors>,
    asked: Option<Asked>,
    /// Not in a run of a sweep, where nobody looks.
    probes: Option<Probes>,
}

impl Session {
    /// Builds the world, theory, data, evaluation sets and model; emits an event for each, and evaluates step 0.
    pub async fn prepare(
        experiment: &Experiment,
        choice: DeviceChoice,
        emit: &mut dyn FnMut(Event),
    ) -> Result<Self, EngineError> {
        Self::prepare_at(Pace::unbroken(), experiment, choice, None, emit).await
    }

    /// The same with rests, here and in every evaluation to come. Dropping the future abandons the session. With the bytes of a
    /// checkpoint it goes on from there, and nothing is evaluated now.
    pub async fn prepare_at(
        mut pace: Pace,
        experiment: &Experiment,
        choice: DeviceChoice,
        checkpoint: Option<&[u8]>,
        emit: &mut dyn FnMut(Event),
    ) -> Result<Self, EngineError> {
        experiment.validate().map_err(EngineError::Experiment)?;
        let saved = checkpoint.map(|bytes| Saved::read(bytes, experiment)).transpose()?;
        let world = World::new(&experiment.world)?;
        let (length, budget) = (experiment.data.length, Budget::default());
        begin(&mut pace, "Drawing the training set", 0.0, 0.1, emit);
        let corpus = Corpus::draw_at(&mut pace, &world, &experiment.data, experiment.seed).await;
        begin(&mut pace, "Computing the exact curves", 0.1, 0.3, emit);
        let (curves, squared_error, baselines) = match world.linear() {
            Some(distribution) => {
                let topics = corpus.topics().unwrap_or_default();
                let linear = LinearTheory::compute_at(&mut pace, distribution, topics, length, &budget).await;
                (linear.curves, linear.squared_error, linear.baselines.into_iter().map(Baseline::from).collect())
            }
            None => {
                let curves = curve_cache::curves(&mut pace, &experiment.world, &world, length).await;
                begin(&mut pace, "Measuring other predictors", 0.3, 0.55, emit);
                let baselines =
                    measured_baselines(&mut pace, &world, corpus.topics(), &curves.bayes.values, experiment).await;
                (curves, Vec::new(), baselines)
            }
        };
        begin(&mut pace, "Computing the levels", 0.55, 0.65, emit);
        let sequences = experiment.evaluation.sequences;
        let theory = Theory {
            training_level: training_level_at(&mut pace, &world, &corpus, &curves, sequences).await,
            adaptive: !world.is_exact(),
            how: curves.how,
            baselines,
            squared_error,
            // Of a text that the page does not have, the names of its tokens are news.
            tokens: if world.is_exact() { Vec::new() } else { experiment.world.tokens() },
            bayes: curves.bayes,
            oracle: curves.oracle,
            unigram: curves.unigram,
            entropy_rate: curves.entropy_rate,
            entropy_rate_stderr: curves.entropy_rate_stderr,
            excess_entropy: curves.excess_entropy,
        };
        begin(&mut pace, "Filtering the evaluation sequences", 0.65, 0.9, emit);
        let (bayes, squares) = (&theory.bayes.values, &theory.squared_error);
        let evaluator = Evaluator::new(&mut pace, experiment, &world, &corpus, bayes, squares).await;
        if let Some(what) = first_not_finite(&theory) {
            return Err(EngineError::Theory(what));
        }
        let probes = Probes::new(experiment, &theory);
        emit(Event::Theory(theory));
        Self::begin(pace, experiment, choice, world, corpus, evaluator, Some(probes), saved, emit).await
    }

    /// The same without the theory's curves, which nobody looks at in a cell of a sweep: the evaluations have no `model`.
    pub async fn bare(
        experiment: &Experiment,
        choice: DeviceChoice,
        emit: &mut dyn FnMut(Event),
    ) -> Result<Self, EngineError> {
        experiment.validate().map_err(EngineError::Experiment)?;
        let world = World::new(&experiment.world)?;
        let corpus = Corpus::draw(&world, &experiment.data, experiment.seed);
        let mut pace = Pace::unbroken();
        let evaluator = Evaluator::new(&mut pace, experiment, &world, &corpus, &[], &[]).await;
        Self::begin(pace, experiment, choice, world, corpus, evaluator, None, None, emit).await
    }

    #[expect(clippy::too_many_arguments, reason = "all that a session is made of")]
    async fn begin(
        mut pace: Pace,
        experiment: &Experiment,
        choice: DeviceChoice,
        world: World,
        corpus: Corpus,
        evaluator: Evaluator,
        probes: Option<Probes>,
        saved: Option<Saved>,
        emit: &mut dyn FnMut(Event),
    ) -> Result<Self, EngineError> {
        begin(&mut pace, "Choosing the device", 0.9, 1.0, emit);
        // The cells of a sweep have a core each.
        let alone = probes.is_none();
        let observation = world.observation();
        let mut chosen = match &saved {
            Some(saved) => device::choose_again(choice, &saved.summary, experiment, observation, emit).await?,
            None => device::choose(choice, experiment, observation, alone, emit).await?,
        };
        emit(Event::Device(chosen.report.clone()));
        let mut trainer = Trainer::new(experiment, world.observation(), &chosen.device);
        trainer.share(chosen.team.take());
        let now = now_ms();
        let references = match experiment.evaluation.algorithms {
            true => Some(
                ReferencePredictors::new(experiment, &world, corpus.topics())
                    .map_err(EngineError::ReferencePredictors)?,
            ),
            false => None,
        };
        let asked = Asked::new(experiment, &world)?;
        let mut session = Self {
            pace,
            references,
            asked,
            priors: Priors::new(experiment, &corpus),
            differences: differences(experiment, &corpus),
            conclusion: None,
            concluded: false,
            experiment: experiment.clone(),
            corpus,
            evaluator,
            chosen,
            trainer,
            batch: Rows::empty(world.observation()),
            world,
            pending: Vec::new(),
            pending_differences: Vec::new(),
            record: Record::default(),
            since_evaluation: (0.0, 0.0),
            last: None,
            unsent: Vec::new(),
            read: 0,
            evaluated: None,
            last_read: now,
            last_frame: now,
            step_ms: None,
            evaluation_ms: None,
            training_total_ms: 0.0,
            prior_total_ms: 0.0,
            evaluation_total_ms: 0.0,
            measuring_total_ms: 0.0,
            batches_total_ms: 0.0,
            probes,
        };
        if let Some(saved) = saved {
            session.restore(saved)?;
        } else {
            begin(&mut session.pace, "Evaluating the untrained model", 0.95, 1.0, emit);
            session.evaluate(emit).await?;
        }
        // The preparation is over; what rests from now on is no part of it.
        session.pace.begin("", 1.0, 1.0);
        Ok(session)
    }

    /// A GPU that may take over at the end of a step.
    pub fn challenge(&mut self, candidate: Candidate) {
        self.chosen.candidate = Some(candidate);
    }

    /// Lets a candidate go on with getting ready; once it is, and faster, the run is its own.
    async fn contend(&mut self, emit: &mut dyn FnMut(Event)) -> Result<(), EngineError> {
        // Until then nobody knows how fast the CPU is.
        let Some(cpu_ms) = self.step_ms.filter(|_| self.steps() > WARM_UP_STEPS) else { return Ok(()) };
        let Some(proof) = self.chosen.candidate.as_mut().and_then(Candidate::poll) else { return Ok(()) };
        let Some(Candidate { device, .. }) = self.chosen.candidate.take() else { return Ok(()) };
        let failed = |error: EngineError| format!("The GPU failed while it got ready ({error}), so the CPU trains.");
        let report = &mut self.chosen.report;
        match proof {
            Err(error) => report.why = failed(error),
            Ok(Proof::Refused { why, parity }) => (report.why, report.parity) = (why, parity),
            Ok(Proof::Agrees(parity)) => {
                let timed = device::time(&self.experiment, self.world.observation(), &device, &mut None).await;
                let report = &mut self.chosen.report;
                match timed {
                    Err(error) => report.why = failed(error),
                    Ok(gpu_ms) => {
                        (report.parity, report.cpu_ms, report.gpu_ms) = (Some(parity), Some(cpu_ms), Some(gpu_ms));
                        report.why = device::faster(gpu_ms, cpu_ms);
                        if gpu_ms < cpu_ms {
                            self.hand_over(&device);
                        }
                    }
                }
            }
        }
        if self.chosen.report.used == DeviceKind::Cpu {
            self.chosen.report.why.push_str(&device::shared(self.trainer.cores()));
        }
        emit(Event::Device(self.chosen.report.clone()));
        Ok(())
    }

    /// Goes on, from the step that was reached, on another device. From the CPU, all losses read back.
    pub fn hand_over(&mut self, device: &Device) {
        self.trainer = self.trainer.moved(&self.experiment, self.world.observation(), device);
        self.priors.carry(device);
        if let Some(probes) = &mut self.probes {
            probes.carry(device);
        }
        self.chosen.device = device.clone();
        let report = &mut self.chosen.report;
        report.used = DeviceKind::Gpu;
        report.why.push_str(&format!(" It took over at step {}.", self.trainer.steps()));
        self.step_ms = None;
        self.last_read = now_ms();
    }

    /// The same run from step 0: world, data and evaluation sets stand.
    pub async fn reset(&mut self, emit: &mut dyn FnMut(Event)) -> Result<(), EngineError> {
        let team = self.trainer.share(None);
        self.trainer = Trainer::new(&self.experiment, self.world.observation(), &self.chosen.device);
        self.trainer.share(team);
        self.priors.reset();
        self.differences = differences(&self.experiment, &self.corpus);
        (self.conclusion, self.concluded) = (None, false);
        self.pending.clear();
        self.pending_differences.clear();
        self.unsent.clear();
        (self.record, self.since_evaluation, self.last) = (Record::default(), (0.0, 0.0), None);
        (self.evaluated, self.read) = (None, 0);
        (self.training_total_ms, self.prior_total_ms, self.evaluation_total_ms) = (0.0, 0.0, 0.0);
        (self.measuring_total_ms, self.batches_total_ms) = (0.0, 0.0);
        if let Some(probes) = &mut self.probes {
            probes.reset(&self.world, &self.corpus, emit);
        }
        self.evaluate(emit).await
    }

    /// Answers a request to the probes; a grid point of a sweep has none.
    pub fn ask_probes(&mut self, request: ProbeRequest, emit: &mut dyn FnMut(Event)) {
        if let Some(probes) = &mut self.probes {
            probes.handle(request, &self.world, &self.corpus, emit);
        }
    }

    /// Does a portion of what the probes need; whether there is more to do.
    pub async fn probe(&mut self, emit: &mut dyn FnMut(Event)) -> Result<bool, EngineError> {
        match &mut self.probes {
            Some(probes) => probes.work(&self.trainer, emit).await,
            None => Ok(false),
        }
    }

    /// Evaluation and probes have not taken their share of the time yet, nor would they with one more measurement.
    pub fn can_probe(&self) -> bool {
        let probing = self.probes.as_ref().map_or(0.0, |probes| probes.spent_ms + probes.largest_ms);
        self.evaluation_total_ms + probing < PROBE_SHARE * self.training_total_ms
    }

    /// Time spent on drawing batches (a part of training's), on evaluations and on probes, each as a share of training's own.
    pub fn shares(&self) -> [f64; 3] {
        let probing = self.probes.as_ref().map_or(0.0, |probes| probes.spent_ms);
        [self.batches_total_ms, self.evaluation_total_ms, probing]
            .map(|ms| ms / self.training_total_ms.max(f64::MIN_POSITIVE))
    }

    /// All parameters become this.
    #[cfg(test)]
    pub fn set_parameters(&mut self, value: f32) {
        let count = self.trainer.net().layout.len;
        self.trainer.set_parameters(vec![value; count]);
    }

    /// Steps to come are shared with this team.
    #[cfg(test)]
    pub fn share(&mut self, team: super::team::Team) {
        self.trainer.share(Some(team));
    }

    pub fn probes(&self) -> Option<&Probes> {
        self.probes.as_ref()
    }

    pub fn steps(&self) -> usize {
        self.trainer.steps()
    }

    /// Every step is done, and the outcome was sent.
    pub fn finished(&self) -> bool {
        self.concluded
    }

    /// Every step is done.
    pub fn trained(&self) -> bool {
        self.steps() >= self.experiment.steps()
    }

    /// One training step; evaluates where the experiment says so. Sends a frame when one is due. After the last step, one portion
    /// of what is measured at the end.
    pub async fn advance(&mut self, emit: &mut dyn FnMut(Event)) -> Result<(), EngineError> {
        let advanced = self.proceed(emit).await;
        if advanced.is_err() {
            // What was measured until then is kept.
            self.send_frame(emit);
        }
        advanced
    }

    async fn proceed(&mut self, emit: &mut dyn FnMut(Event)) -> Result<(), EngineError> {
        if self.concluded {
            return Ok(());
        }
        if self.trained() {
            let concluded = self.conclude(emit).await;
            self.report_lost(emit);
            return concluded;
        }
        let start = now_ms();
        let (step, size) = (self.steps(), self.experiment.training.batch);
        self.priors.pass(&mut self.trainer, self.experiment.training.steps);
        self.corpus.batch(&self.world, step, size, self.priors.subset(step), &mut self.batch);
        self.batches_total_ms += now_ms() - start;
        let stepped = self.trainer.step(&self.batch, &self.counterparts(step)).await;
        self.report_lost(emit);
        self.pending.push(stepped.loss);
        if self.differences.is_some() && self.priors.stage(step) != Stage::Topic {
            self.pending_differences.push((stepped.learning_rate, stepped.differences));
        }
        let (steps, prior) = (self.steps(), self.experiment.prior.steps);
        let stage_ends = prior > 0 && (steps == prior || steps == 2 * prior);
        let evaluation_due = steps.is_multiple_of(self.experiment.evaluation.every)
            || ((self.probes.is_some() || self.experiment.evaluation.asks_for_more())
                && self.experiment.evaluation.is_due(steps))
            || stage_ends
            || self.trained();
        let read_due = self.chosen.report.used == DeviceKind::Cpu
            || evaluation_due
            || self.pending.len() >= READ_STEPS
            || start - self.last_read >= READ_MS;
        if read_due {
            self.read_losses(start).await?;
        }
        if steps == 2 * prior {
            self.prior_total_ms = self.training_total_ms;
        }
        if now_ms() - self.last_frame >= FRAME_MS || self.trained() {
            self.send_frame(emit);
        }
        if self.chosen.candidate.is_some() && !self.trained() {
            self.contend(emit).await?;
        }
        if evaluation_due {
            self.evaluate(emit).await?;
            if let Some(differences) = self.differences.as_mut().filter(|_| self.priors.stage(step) != Stage::Topic) {
                let proper = self.priors.stage(step) == Stage::Proper;
                differences.measure(&self.world, &self.corpus, &self.priors, &self.trainer, proper).await?;
            }
        }
        Ok(())
    }

    /// Says that a core was lost, if one was since the last time.
    fn report_lost(&mut self, emit: &mut dyn FnMut(Event)) {
        if let Some(Lost(why)) = self.trainer.take_lost() {
            self.chosen.report.why = format!("The CPU trains on one core, as another could not go on: {why}.");
            emit(Event::Device(self.chosen.report.clone()));
        }
    }

    /// The counterparts of step `step`'s batch in both priors' subsets, where their gradients are asked for.
    fn counterparts(&self, step: usize) -> Vec<Rows> {
        if self.differences.is_none()
            || self.experiment.training.optimizer != Optimizer::Langevin
            || self.priors.stage(step) == Stage::Topic
        {
            return Vec::new();
        }
        let rows = self.corpus.batch_rows(step, self.experiment.training.batch, self.priors.subset(step));
        let others = self.priors.counterparts(&self.corpus, &rows, step);
        others
            .iter()
            .flatten()
            .map(|rows| {
                let mut cells = Rows::empty(self.world.observation());
                self.corpus.gather(rows, &mut cells);
                cells
            })
            .collect()
    }

    async fn conclude(&mut self, emit: &mut dyn FnMut(Event)) -> Result<(), EngineError> {
        self.evaluate(emit).await?;
        let Some(last) = &self.last else { return Ok(()) };
        let parameters = self.trainer.net().layout.len;
        let fresh = || Conclusion::new(&self.experiment, &self.world, &self.corpus, &self.priors, parameters, last);
        let conclusion = self.conclusion.get_or_insert_with(fresh);
        let (what, done) = conclusion.progress();
        emit(Event::Phase(Phase::Measuring { what: what.into(), done }));
        let (start, measured) = (now_ms(), conclusion.is_measured());
        let outcome =
            conclusion.advance(&mut self.pace, &self.experiment, &self.world, &self.corpus, &self.trainer).await?;
        self.measuring_total_ms += now_ms() - start;
        if conclusion.is_measured() && !measured {
            let evaluation = conclusion.evaluation(self.evaluator.bases());
            self.last = Some(evaluation.clone());
            emit_finite(Event::Evaluation(evaluation), self.trainer.steps(), emit)?;
        }
        if let Some(mut outcome) = outcome {
            outcome.seconds = self.training_total_ms / 1000.0;
            outcome.prior_seconds = self.prior_total_ms / 1000.0;
            outcome.measuring_seconds = self.measuring_total_ms / 1000.0;
            outcome.paths = self.differences.as_ref().map(Differences::paths);
            outcome.record = self.record.clone();
            emit_finite(Event::Outcome(Box::new(outcome)), self.trainer.steps(), emit)?;
            self.concluded = true;
        }
        Ok(())
    }

    /// Measures the finished run on twice as many sequences, as [`Self::advance`] is called. Whether there is anything to do.
    pub fn measure_more(&mut self) -> bool {
        let more = self.concluded && self.conclusion.as_mut().is_some_and(Conclusion::more);
        self.concluded &= !more;
        more
    }

    /// Everything that is still on its way: before a pause, or the end.
    pub async fn flush(&mut self, emit: &mut dyn FnMut(Event)) -> Result<(), EngineError> {
        self.read_losses(now_ms()).await?;
        self.send_frame(emit);
        Ok(())
    }

    /// Measures the model as it stands, once per step.
    pub async fn evaluate(&mut self, emit: &mut dyn FnMut(Event)) -> Result<(), EngineError> {
        if self.evaluated == Some(self.steps()) {
            return Ok(());
        }
        self.read_losses(now_ms()).await?;
        let start = now_ms();
        let distances = self.priors.distances(&self.trainer).await?;
        let (evaluation, samples) = self.evaluator.evaluate(&mut self.pace, &self.trainer, distances).await?;
        // Before anything keeps it: an evaluation that is not finite is none.
        finite(&evaluation, self.steps())?;
        finite(&samples, self.steps())?;
        self.evaluated = Some(self.steps());
        let took = now_ms() - start;
        // Step 0 compiles the forward pass on a GPU: it says nothing about the evaluations to come.
        if self.steps() > 0 {
            self.evaluation_ms = Some(took);
            self.evaluation_total_ms += took;
        }
        self.note(&evaluation);
        self.note_distances().await?;
        if let Some(asked) = &self.asked {
            asked.note(&self.trainer, &mut self.record).await?;
        }
        if let Some(probes) = &mut self.probes {
            probes.record(&evaluation, &self.trainer);
        }
        self.last = Some(evaluation.clone());
        emit(Event::Evaluation(evaluation));
        emit(Event::Samples(samples));
        self.report_lost(emit);
        self.last_read = now_ms();
        Ok(())
    }

    /// One more entry of the record.
    fn note(&mut self, evaluation: &Evaluation) {
        let (sum, count) = std::mem::take(&mut self.since_evaluation);
        let record = &mut self.record;
        // Before the first step there was no batch: the first one's loss is put there once it is known.
        record.training_loss.push(if count > 0.0 { sum / count } else { 0.0 });
        record.step.push(evaluation.step);
        record.seconds.push(self.training_total_ms / 1000.0);
        record.empirical.push(evaluation.empirical.loss.value);
        record.first_level.push(evaluation.first_level.loss.value);
        record.two_level.push(evaluation.two_level.loss.value);
        record.two_level_stderr.push(evaluation.two_level.loss.stderr);
    }

    /// How far the model is from each known predictor, into the record.
    async fn note_distances(&mut self) -> Result<(), EngineError> {
        let Some(references) = &self.references else { return Ok(()) };
        let algorithms = &mut self.record.algorithms;
        if algorithms.is_empty() {
            let named = |p: &Predictor| Nearness { name: p.name.clone(), can_be: p.can_be, ..Nearness::default() };
            *algorithms = references.predictors().iter().map(named).collect();
        }
        for ensemble in references.ensembles() {
            let Some(rows) = references.rows(ensemble) else { continue };
            let distribution = self.trainer.predictions(&rows, CHUNK).await?;
            let distances = references
                .measure(ensemble, &distribution, &[])
                .ok_or(EngineError::NotFinite { step: self.trainer.steps() })?;
            for (entry, distance) in algorithms.iter_mut().zip(distances.mean) {
                match ensemble {
                    Ensemble::Fresh => entry.fresh.push(distance.value),
                    Ensemble::Training => entry.training.push(distance.value),
                }
            }
        }
        Ok(())
    }

    /// Reads the pending losses back and notes how long their steps took, `start` being when the last of them began.
    async fn read_losses(&mut self, start: f64) -> Result<(), EngineError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let count = self.pending.len();
        let losses = read(Tensor::cat(std::mem::take(&mut self.pending), 0)).await?;
        if let Some(message) = device::shader_error()
            && self.chosen.report.used == DeviceKind::Gpu
        {
            return Err(EngineError::Shader(message));
        }
        let now = now_ms();
        let since = if count == 1 { start } else { self.last_read };
        let took = (now - since).max(0.0);
        self.training_total_ms += took;
        let each = took / count as f64;
        // The first step compiles the GPU's shaders and warms the CPU's caches.
        if self.steps() > 1 {
            let weight = 1.0 - (1.0 - SPEED_WEIGHT).powi(count as i32);
            self.step_ms = Some(self.step_ms.map_or(each, |ms| ms + weight * (each - ms)));
        }
        self.last_read = now;
        if let Some(bad) = losses.iter().position(|l| !l.is_finite()) {
            self.unsent.extend(losses[..bad].iter().map(|&l| f64::from(l)));
            self.read += bad;
            return Err(EngineError::NotFinite { step: self.steps() - count + bad + 1 });
        }
        if self.steps() == count
            && let (Some(slot), Some(&first)) = (self.record.training_loss.first_mut(), losses.first())
        {
            *slot = f64::from(first);
        }
        self.since_evaluation.0 += losses.iter().map(|&l| f64::from(l)).sum::<f64>();
        self.since_evaluation.1 += count as f64;
        if let Some(probes) = &mut self.probes {
            probes.add_losses(&losses);
        }
        self.read += count;
        self.unsent.extend(losses.into_iter().map(f64::from));
        for (learning_rate, tensors) in std::mem::take(&mut self.pending_differences) {
            let values = if tensors.is_empty() { Vec::new() } else { read(Tensor::cat(tensors, 0)).await? };
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            if let Some(differences) = &mut self.differences {
                differences.stepped(learning_rate, &values);
            }
        }
        Ok(())
    }

    fn send_frame(&mut self, emit: &mut dyn FnMut(Event)) {
        self.last_frame = now_ms();
        if self.unsent.is_empty() {
            return;
        }
        let step = self.read;
        let training_loss = std::mem::take(&mut self.unsent);
        let left = self.experiment.steps().saturating_sub(step) as f64;
        let evaluations = left / self.experiment.evaluation.every as f64;
        let per_second = self.step_ms.filter(|ms| *ms > 0.0).map(|ms| 1000.0 / ms);
        let total = self.training_total_ms + self.evaluation_total_ms;
        let tokens = (self.experiment.training.batch * self.experiment.data.length) as f64;
        emit(Event::Frame(Frame {
            step,
            first: step + 1 - training_loss.len(),
            training_loss,
            steps_per_second: per_second,
            tokens_per_second: per_second.map(|s| s * tokens),
            seconds_left: self.step_ms.map(|ms| (left * ms + evaluations * self.evaluation_ms.unwrap_or(0.0)) / 1000.0),
            evaluation_share: if total > 0.0 { self.evaluation_total_ms / total } else { 0.0 },
        }));
    }
}

/// A model that diverged shows it in a loss, an evaluation or what is measured at the end: the same sentence for all of them.
fn finite(message: &impl Serialize, step: usize) -> Result<(), EngineError> {
    first_not_finite(message).map_or(Ok(()), |_| Err(EngineError::NotFinite { step }))
}

/// Emits what is measured of the model, if all of it is finite.
fn emit_finite(event: Event, step: usize, emit: &mut dyn FnMut(Event)) -> Result<(), EngineError> {
    finite(&event, step)?;
    emit(event);
    Ok(())
}

/// Begins a stage of the preparation, and says so.
fn begin(pace: &mut Pace, what: &'static str, from: f64, to: f64, emit: &mut dyn FnMut(Event)) {
    pace.begin(what, from, to);
    emit(Event::Phase(Phase::Preparing { what: what.into(), done: Some(from) }));
}

/// Where they are asked for, and there is a training set that subsets can be of.
fn differences(experiment: &Experiment, corpus: &Corpus) -> Option<Differences> {
    (experiment.prior.index && corpus.rows().is_some()).then(|| Differences::new(experiment))
}

impl From<LinearBaseline> for Baseline {
    fn from(baseline: LinearBaseline) -> Self {
        let LinearBaseline { name, about, curve, squared_error } = baseline;
        Self { name: name.into(), about, curve, squared_error }
    }
}

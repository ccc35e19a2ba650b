//! Which cell runs where: a sweep's queue, free of any browser. It gets events, and gives orders.

/// How often a cell is tried before it counts as failed.
const TRIES: u32 = 2;
/// Workers that in a row never became ready: then it is not a cell's fault, and the queue pauses.
const FALSE_STARTS: u32 = 3;

/// Where a cell stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum State {
    #[default]
    Waiting,
    /// The share done, 0 to 1.
    Running(f64),
    Done,
    /// Why, a sentence.
    Failed(String),
}

/// What the owner of the workers is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Start a worker in this place, which has none.
    Spawn(usize),
    Send {
        worker: usize,
        cell: usize,
    },
    /// Terminate the worker, whatever it does.
    Stop(usize),
}

/// A place for a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Place {
    #[default]
    Empty,
    /// Time of its last message, ms.
    Starting {
        last_message: f64,
    },
    Idle,
    Busy {
        cell: usize,
        since: f64,
        last_message: f64,
    },
}

#[derive(Clone, Debug)]
pub struct Queue {
    states: Vec<State>,
    /// What each cell costs, in any unit, to tell the time left.
    costs: Vec<f64>,
    failures: Vec<u32>,
    places: Vec<Place>,
    paused: bool,
    false_starts: u32,
    /// Silence of a worker, in ms, after which it counts as dead.
    timeout: f64,
    /// Why the queue paused by itself.
    trouble: Option<String>,
    /// Worker time of the cells that were finished here, ms, and what they cost.
    spent: f64,
    earned: f64,
    stops: Vec<usize>,
}

impl Queue {
    /// A paused queue with a cell for each cost, and room for so many workers.
    pub fn new(costs: Vec<f64>, workers: usize, timeout: f64) -> Self {
        Self {
            states: vec![State::Waiting; costs.len()],
            failures: vec![0; costs.len()],
            costs,
            places: vec![Place::Empty; workers.max(1)],
            paused: true,
            false_starts: 0,
            timeout,
            trouble: None,
            spent: 0.0,
            earned: 0.0,
            stops: Vec::new(),
        }
    }

    pub fn states(&self) -> &[State] {
        &self.states
    }

    pub fn count(&self, is_meant: impl Fn(&State) -> bool) -> usize {
        self.states.iter().filter(|state| is_meant(state)).count()
    }

    /// Nothing waits and nothing runs.
    pub fn is_over(&self) -> bool {
        self.states.iter().all(|state| matches!(state, State::Done | State::Failed(_)))
    }

    /// No new cells are started.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Workers that run a cell.
    pub fn working(&self) -> usize {
        self.places.iter().filter(|place| matches!(place, Place::Busy { .. })).count()
    }

    /// Workers that exist, whatever they do.
    pub fn is_active(&self) -> bool {
        self.places.iter().any(|place| *place != Place::Empty)
    }

    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Places for workers.
    pub fn workers(&self) -> usize {
        self.places.len()
    }

    /// Counts a cell as done: its result was found in storage.
    pub fn known(&mut self, cell: usize) {
        self.set(cell, State::Done);
    }

    pub fn resume(&mut self) {
        self.paused = false;
        self.trouble = None;
        self.false_starts = 0;
    }

    /// Starts no new cells; those under way finish.
    pub fn pause(&mut self) {
        self.paused = true;
    }

    /// Stops every worker; cells under way wait again.
    pub fn cancel(&mut self) {
        self.paused = true;
        for worker in 0..self.places.len() {
            if let Place::Busy { cell, .. } = self.places[worker] {
                self.set(cell, State::Waiting);
            }
            self.clear(worker);
        }
    }

    /// A failed cell waits again, with all its tries.
    pub fn retry(&mut self, cell: usize) {
        if matches!(self.states.get(cell), Some(State::Failed(_))) {
            self.set(cell, State::Waiting);
            self.failures[cell] = 0;
            self.resume();
        }
    }

    pub fn retry_failed(&mut self) {
        for cell in 0..self.states.len() {
            self.retry(cell);
        }
    }

    /// The worker can take a cell.
    pub fn ready(&mut self, worker: usize) {
        if let Some(place @ Place::Starting { .. }) = self.places.get_mut(worker) {
            *place = Place::Idle;
            self.false_starts = 0;
        }
    }

    /// The worker said something at `now`.
    pub fn message_from(&mut self, worker: usize, now: f64) {
        if let Some(Place::Starting { last_message } | Place::Busy { last_message, .. }) = self.places.get_mut(worker) {
            *last_message = now;
        }
    }

    /// How much of its cell the worker has done.
    pub fn progress(&mut self, worker: usize, done: f64) {
        if let Some(Place::Busy { cell, .. }) = self.places.get(worker) {
            self.set(*cell, State::Running(done.clamp(0.0, 1.0)));
        }
    }

    /// The worker's cell is done: which it was, and how long it took, ms.
    pub fn finished(&mut self, worker: usize, now: f64) -> Option<(usize, f64)> {
        let Some(&Place::Busy { cell, since, .. }) = self.places.get(worker) else { return None };
        self.places[worker] = Place::Idle;
        self.set(cell, State::Done);
        self.spent += now - since;
        self.earned += self.costs[cell];
        Some((cell, now - since))
    }

    /// The worker failed or died. It is stopped; its cell is tried again once, and then counts as failed.
    pub fn lost(&mut self, worker: usize, why: &str) {
        match self.places.get(worker) {
            Some(&Place::Busy { cell, .. }) => {
                self.failures[cell] += 1;
                let failed = self.failures[cell] >= TRIES;
                self.set(cell, if failed { State::Failed(why.into()) } else { State::Waiting });
            }
            Some(Place::Starting { .. }) => {
                self.false_starts += 1;
                if self.false_starts >= FALSE_STARTS {
                    self.paused = true;
                    self.trouble = Some(why.into());
                }
            }
            _ => {}
        }
        self.clear(worker);
    }

    /// What is to be done at `now`, ms. The orders count as carried out.
    pub fn orders(&mut self, now: f64) -> Vec<Order> {
        for worker in 0..self.places.len() {
            let (Place::Starting { last_message } | Place::Busy { last_message, .. }) = self.places[worker] else {
                continue;
            };
            if now - last_message > self.timeout {
                self.lost(worker, &format!("Its worker said nothing for {:.0} s.", self.timeout / 1000.0));
            }
        }
        let mut orders: Vec<Order> = self.stops.drain(..).map(Order::Stop).collect();
        let mut waiting =
            (0..self.states.len()).filter(|&cell| self.states[cell] == State::Waiting).collect::<Vec<_>>();
        if self.paused {
            waiting.clear();
        }
        let mut waiting = waiting.into_iter();
        for worker in 0..self.places.len() {
            if self.places[worker] != Place::Idle {
                continue;
            }
            match waiting.next() {
                Some(cell) => {
                    self.places[worker] = Place::Busy { cell, since: now, last_message: now };
                    self.set(cell, State::Running(0.0));
                    orders.push(Order::Send { worker, cell });
                }
                // A worker holds much memory.
                None => {
                    self.places[worker] = Place::Empty;
                    orders.push(Order::Stop(worker));
                }
            }
        }
        let starting = self.places.iter().filter(|place| matches!(place, Place::Starting { .. })).count();
        let wanted = waiting.count().saturating_sub(starting);
        let empty: Vec<usize> = (0..self.places.len()).filter(|&w| self.places[w] == Place::Empty).collect();
        for worker in empty.into_iter().take(wanted) {
            self.places[worker] = Place::Starting { last_message: now };
            orders.push(Order::Spawn(worker));
        }
        orders
    }

    /// Worker time for one unit of cost, ms, from what was finished and what is under way at `now`; `None` before anything is known.
    pub fn pace(&self, now: f64) -> Option<f64> {
        let (mut spent, mut earned) = (self.spent, self.earned);
        for place in &self.places {
            if let Place::Busy { cell, since, .. } = *place
                && let State::Running(done) = self.states[cell]
                // Preparing takes a while that tells nothing about the rest.
                && (earned > 0.0 || done >= 0.05)
            {
                spent += now - since;
                earned += done * self.costs[cell];
            }
        }
        (earned > 0.0).then(|| spent / earned)
    }

    fn set(&mut self, cell: usize, state: State) {
        if let Some(old) = self.states.get_mut(cell) {
            *old = state;
        }
    }

    fn clear(&mut self, worker: usize) {
        if let Some(place) = self.places.get_mut(worker)
            && *place != Place::Empty
        {
            *place = Place::Empty;
            self.stops.push(worker);
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::{Order::*, *};

    fn queue(cells: usize, workers: usize) -> Queue {
        let mut queue = Queue::new(vec![1.0; cells], workers, 1000.0);
        queue.resume();
        queue
    }

    /// Starts all the workers that the queue asks for, and gives the cells that they then take.
    fn start(queue: &mut Queue, now: f64) -> Vec<(usize, usize)> {
        for order in queue.orders(now) {
            if let Spawn(worker) = order {
                queue.ready(worker);
            }
        }
        let sent = |order| if let Send { worker, cell } = order { Some((worker, cell)) } else { None };
        queue.orders(now).into_iter().filter_map(sent).collect()
    }

    #[test]
    fn cells_go_to_workers_in_order_and_workers_leave_at_the_end() {
        let mut q = queue(3, 2);
        assert_eq!(q.orders(0.0), [Spawn(0), Spawn(1)]);
        assert_eq!(q.orders(1.0), []);
        q.ready(1);
        assert_eq!(q.orders(2.0), [Send { worker: 1, cell: 0 }]);
        q.ready(0);
        assert_eq!(q.orders(3.0), [Send { worker: 0, cell: 1 }]);
        q.progress(1, 0.5);
        assert_eq!(q.states(), [State::Running(0.5), State::Running(0.0), State::Waiting]);
        assert_eq!(q.finished(1, 10.0), Some((0, 8.0)));
        assert_eq!(q.finished(1, 10.0), None);
        assert_eq!(q.orders(10.0), [Send { worker: 1, cell: 2 }]);
        q.finished(0, 11.0);
        assert_eq!(q.orders(11.0), [Stop(0)]);
        q.finished(1, 12.0);
        assert!(q.is_over());
        assert_eq!(q.orders(12.0), [Stop(1)]);
        assert!(!q.is_active());
    }

    #[test]
    fn no_more_workers_than_cells() {
        let mut q = queue(2, 8);
        assert_eq!(q.orders(0.0).len(), 2);
        q.known(0);
        let mut q = queue(2, 8);
        q.known(1);
        assert_eq!(q.orders(0.0), [Spawn(0)]);
    }

    #[test]
    fn a_lost_worker_costs_its_cell_one_try() {
        let mut q = queue(2, 1);
        start(&mut q, 0.0);
        q.lost(0, "It broke.");
        assert_eq!(q.states()[0], State::Waiting);
        assert_eq!(q.orders(0.0), [Stop(0), Spawn(0)]);
        q.ready(0);
        assert_eq!(q.orders(0.0), [Send { worker: 0, cell: 0 }]);
        q.lost(0, "It broke again.");
        assert_eq!(q.states()[0], State::Failed("It broke again.".into()));
        // The other one goes on.
        assert_eq!(start(&mut q, 0.0), [(0, 1)]);
        q.finished(0, 1.0);
        assert!(q.is_over());
        q.orders(1.0);
        q.retry_failed();
        assert_eq!(start(&mut q, 2.0), [(0, 0)]);
    }

    #[test]
    fn silence_is_death_and_words_are_life() {
        let mut q = queue(2, 2);
        start(&mut q, 0.0);
        q.message_from(1, 900.0);
        assert_eq!(q.orders(1000.0), []);
        assert_eq!(q.orders(1001.0), [Stop(0), Spawn(0)]);
        assert_eq!(q.states(), [State::Waiting, State::Running(0.0)]);
    }

    #[test]
    fn a_worker_that_never_starts_pauses_the_queue() {
        let mut q = queue(4, 1);
        for _ in 0..3 {
            assert!(q.orders(0.0).contains(&Spawn(0)));
            q.lost(0, "It could not be loaded.");
        }
        assert_eq!(q.orders(0.0), [Stop(0)]);
        assert_eq!((q.is_paused(), q.trouble()), (true, Some("It could not be loaded.")));
        assert_eq!(q.count(|s| *s == State::Waiting), 4);
        q.resume();
        assert_eq!((q.orders(0.0), q.trouble()), (vec![Spawn(0)], None));
    }

    #[test]
    fn pausing_finishes_what_runs_and_cancelling_does_not() {
        let mut q = queue(3, 1);
        start(&mut q, 0.0);
        q.pause();
        assert_eq!(q.orders(1.0), []);
        q.finished(0, 2.0);
        assert_eq!(q.orders(2.0), [Stop(0)]);
        assert_eq!(q.count(|s| *s == State::Done), 1);
        q.resume();
        assert_eq!(start(&mut q, 3.0), [(0, 1)]);
        q.cancel();
        assert_eq!(q.orders(4.0), [Stop(0)]);
        assert_eq!(q.states(), [State::Done, State::Waiting, State::Waiting]);
        // A worker's last words come too late.
        q.progress(0, 0.5);
        assert_eq!((q.finished(0, 5.0), q.working()), (None, 0));
    }

    #[test]
    fn the_pace_is_that_of_what_was_done() {
        let mut q = Queue::new(vec![1.0, 3.0, 2.0], 2, 1e9);
        q.resume();
        assert_eq!(q.pace(0.0), None);
        start(&mut q, 0.0);
        q.finished(0, 2000.0);
        q.progress(1, 0.5);
        let pace = q.pace(3000.0).expect("a cell is done");
        assert!((pace - 5000.0 / 2.5).abs() < 1e-9, "{pace}");
    }
}

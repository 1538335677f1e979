//! The rule by which the number of workers follows a limit.
//!
//! **Steps.** A check above the limit takes one worker away, one below the limit less 20 adds one, nothing
//! changes between. That is all there is where workers are small beside the machine.
//!
//! **Duty.** On few cores a worker is a large step: on two, one is half of the machine. Whole workers then
//! stay above the limit (one worker, limit 30 %), go to and fro, or stop far below it. Where one of these is
//! seen coming, the rule changes over to a capacity in fractions of workers: an integral controller holds the
//! load 2 points below the limit, the next whole number of workers is on duty, and each works for
//! `capacity / workers` of the time. The worker's expected load is one core. With half of the error taken
//! per check the loop is stable as long as a worker loads less than four cores.

/// The state of the rule.
#[derive(Clone, Debug)]
pub(super) struct Controller {
    limit: f64,
    /// What one worker adds, percent of all cores.
    per_worker: f64,
    max: usize,
    workers: usize,
    /// In workers; counts while `fine`.
    capacity: f64,
    fine: bool,
    /// So many whole workers were too many.
    exceeded_with: Option<usize>,
    /// Checks in a row far below the limit, after a step down.
    far_below: u32,
}

impl Controller {
    /// From the limit less this on, workers are added, percent.
    pub(super) const GAP: f64 = 20.0;
    /// The load that duty aims at is so far below the limit, percent: noise does not cross it.
    const MARGIN: f64 = 2.0;
    /// What duty does not react to, percent.
    const DEAD_ZONE: f64 = 0.5;
    /// The part of an error that is taken per check.
    const GAIN: f64 = 0.5;
    /// Errors from here on are taken as a whole, percent.
    const LARGE: f64 = 8.0;
    /// A step down that lands so far below the aim is refined, percent.
    const FAR: f64 = 3.0;
    /// Checks for which it has to stay there.
    const PATIENCE: u32 = 3;
    /// The capacity passes a whole number by so much load before the number of workers changes, percent;
    /// by a tenth of a worker at least, by less than half of one at most.
    const OVERLAP: f64 = 5.0;
    /// Some work is always done.
    pub(super) const CAPACITY_MIN: f64 = 0.1;

    pub(super) fn new(limit: f64, workers: usize, cores: usize) -> Self {
        Self {
            limit,
            per_worker: 100.0 / cores.max(1) as f64,
            max: workers,
            workers,
            capacity: workers as f64,
            fine: false,
            exceeded_with: None,
            far_below: 0,
        }
    }

    pub(super) fn limit(&self) -> f64 {
        self.limit
    }

    pub(super) fn workers(&self) -> usize {
        self.workers
    }

    /// The part of the time that each worker works.
    pub(super) fn duty(&self) -> f64 {
        if self.fine { (self.capacity / self.workers as f64).min(1.0) } else { 1.0 }
    }

    fn aim(&self) -> f64 {
        (self.limit - Self::MARGIN).max(self.limit / 2.0)
    }

    /// One check with the mean load since the last.
    pub(super) fn check(&mut self, cpu: f64) {
        if !cpu.is_finite() {
            return;
        }
        if self.fine { self.refine(cpu) } else { self.step(cpu) }
    }

    fn step(&mut self, cpu: f64) {
        if cpu > self.limit {
            self.far_below = 0;
            if self.workers == 1 {
                self.begin_fine(1, cpu);
            } else {
                self.exceeded_with = Some(self.workers);
                self.workers -= 1;
            }
        } else if cpu < self.limit - Self::GAP {
            self.far_below = 0;
            if self.workers < self.max {
                let one_more = self.workers + 1;
                // What was too much before would be taken away again.
                if cpu + self.per_worker > self.limit || self.exceeded_with == Some(one_more) {
                    self.begin_fine(one_more, cpu);
                } else {
                    self.workers = one_more;
                }
            }
        } else if self.exceeded_with == Some(self.workers + 1) && cpu < self.aim() - Self::FAR {
            self.far_below += 1;
            if self.far_below >= Self::PATIENCE {
                self.begin_fine(self.workers + 1, cpu);
            }
        } else {
            self.far_below = 0;
        }
    }

    /// Changes over to fractions, with what is known of the load.
    fn begin_fine(&mut self, workers: usize, cpu: f64) {
        let capacity = self.workers as f64 + (self.aim() - cpu) / self.per_worker;
        self.fine = true;
        self.exceeded_with = None;
        self.far_below = 0;
        self.workers = workers;
        self.capacity = capacity.clamp(Self::CAPACITY_MIN, workers as f64);
    }

    fn refine(&mut self, cpu: f64) {
        if cpu < self.limit - Self::GAP && self.capacity >= self.max as f64 {
            self.fine = false;
            self.workers = self.max;
            return;
        }
        let error = self.aim() - cpu;
        if error.abs() < Self::DEAD_ZONE {
            return;
        }
        let gain = if error.abs() > Self::LARGE { 1.0 } else { Self::GAIN };
        let change = (gain * error / self.per_worker).clamp(-1.0, 1.0);
        self.capacity = (self.capacity + change).clamp(Self::CAPACITY_MIN, self.max as f64);
        let workers = self.workers as f64;
        let overlap = (Self::OVERLAP / self.per_worker).clamp(0.1, 0.45);
        if self.workers < self.max && self.capacity > workers + overlap {
            self.workers += 1;
        } else if self.workers > 1 && self.capacity < workers - 1.0 - overlap {
            self.workers -= 1;
        }
    }
}

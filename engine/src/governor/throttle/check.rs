//! When the throttle checks, what follows, and the sentences about it.

use super::{Controller, Throttle, ThrottleEvent, ThrottleEventKind, Window, nanoseconds, seconds};

impl Throttle {
    pub(super) fn check_if_due(&mut self, now_ns: u64, events: &mut Vec<ThrottleEvent>) {
        let span_ns = now_ns.saturating_sub(self.window.from_ns);
        let by_tasks = self.window.tasks >= self.config.cpu_check_interval && span_ns >= Self::CHECK_MIN_NS;
        if self.window.samples == 0 || !(by_tasks || span_ns >= Self::CHECK_MAX_NS) {
            return;
        }
        let cpu = self.window.cpu_sum / f64::from(self.window.samples);
        self.window = Window { from_ns: now_ns, ..Window::default() };
        if let Some(threshold) = self.config.cpu_threshold.filter(|threshold| cpu > *threshold) {
            let span = self.config.cooling_duration_seconds;
            let why = format!(
                "CPU {cpu:.1} % is above the threshold of {threshold} %: all workers rest for {span} s"
            );
            let event = self.rest(now_ns, span, why);
            events.push(event);
            return;
        }
        if self.controller.is_some() {
            self.follow_limit(now_ns, cpu, events);
        } else if let Some(limit) = self.config.cpu_limit {
            self.tell_once(now_ns, cpu, limit, events);
        }
    }

    fn follow_limit(&mut self, now_ns: u64, cpu: f64, events: &mut Vec<ThrottleEvent>) {
        let Some(controller) = &mut self.controller else { return };
        let before = controller.workers();
        controller.check(cpu);
        let (limit, workers, duty) = (controller.limit(), controller.workers(), controller.duty());
        let cause = if cpu > limit {
            format!("CPU {cpu:.1} % is above the limit of {limit} %")
        } else if cpu < limit - Controller::GAP {
            let below = limit - Controller::GAP;
            format!("CPU {cpu:.1} % is below {below} % (the limit of {limit} % less {})", Controller::GAP)
        } else {
            format!("CPU {cpu:.1} % is within the limit of {limit} %")
        };
        let plural = if workers == 1 { "worker" } else { "workers" };
        let part =
            if duty < 1.0 { format!(", working {:.0} % of the time", 100.0 * duty) } else { String::new() };
        let (kind, change) = if workers < before {
            (ThrottleEventKind::Fewer, format!("{before} -> {workers} {plural}{part}"))
        } else if workers > before {
            (ThrottleEventKind::More, format!("{before} -> {workers} {plural}{part}"))
        } else if (duty - self.told_duty).abs() >= 0.1 || (duty == 1.0) != (self.told_duty == 1.0) {
            let part = if duty < 1.0 { part } else { ", working all the time".to_owned() };
            (ThrottleEventKind::Duty, format!("{workers} {plural}{part}"))
        } else {
            self.advise(now_ns, cpu, limit, events);
            return;
        };
        self.told_duty = duty;
        events.push(ThrottleEvent { at_ns: now_ns, kind, workers, why: format!("{cause}: {change}") });
        self.advise(now_ns, cpu, limit, events);
    }

    /// Where one worker is all that is left for long, the user hears what to do, once per stay.
    fn advise(&mut self, now_ns: u64, cpu: f64, limit: f64, events: &mut Vec<ThrottleEvent>) {
        let plan = self.plan(now_ns);
        if plan.workers > 1 || (self.max == 1 && plan.duty >= 1.0) {
            self.lone_since_ns = None;
            self.advised = false;
            return;
        }
        let span_ns = now_ns.saturating_sub(*self.lone_since_ns.get_or_insert(now_ns));
        if self.advised || span_ns < Self::ADVICE_AFTER_NS {
            return;
        }
        self.advised = true;
        let ours = plan.duty * self.per_worker;
        let reason = if self.per_worker > limit && cpu <= limit + Controller::GAP / 2.0 {
            format!("one worker alone is {:.0} % of this machine: raise --cpu-limit", self.per_worker)
        } else {
            format!(
                "of CPU {cpu:.1} %, {:.0} % are used by others: raise --cpu-limit, or run less beside it",
                (cpu - ours).max(0.0)
            )
        };
        let why = format!("1 worker for {:.0} s with a limit of {limit} %; {reason}", seconds(span_ns));
        events.push(ThrottleEvent {
            at_ns: now_ns,
            kind: ThrottleEventKind::Advice,
            workers: plan.workers,
            why,
        });
    }

    /// Without adaptive throttling a limit is only watched; told when it is first exceeded.
    fn tell_once(&mut self, now_ns: u64, cpu: f64, limit: f64, events: &mut Vec<ThrottleEvent>) {
        if cpu > limit && !self.over_told {
            let why = format!(
                "CPU {cpu:.1} % is above the limit of {limit} %: nothing follows, adaptive_throttling is off"
            );
            let kind = ThrottleEventKind::Advice;
            events.push(ThrottleEvent { at_ns: now_ns, kind, workers: self.max, why });
        }
        self.over_told = if cpu > limit { true } else { self.over_told && cpu > limit - Controller::GAP };
    }

    pub(super) fn follow_heat(&mut self, now_ns: u64, celsius: Option<f64>, events: &mut Vec<ThrottleEvent>) {
        let (Some(table), Some(celsius)) = (&self.config.thermal, celsius) else { return };
        let percent = table.follow(self.heat_percent, celsius);
        if percent == self.heat_percent {
            return;
        }
        self.heat_percent = percent;
        let plan = self.plan(now_ns);
        let rest = match percent {
            0.0 => "all workers may work".to_owned(),
            100.0 => "all workers rest".to_owned(),
            _ => format!("{percent} % fewer workers"),
        };
        let why = format!("processor at {celsius:.1} C: {rest} ({} of {})", on_duty(&plan), self.max);
        let workers = plan.workers;
        events.push(ThrottleEvent { at_ns: now_ns, kind: ThrottleEventKind::Heat, workers, why });
    }

    /// Lets all workers rest; a longer rest that runs already goes on.
    pub(super) fn rest(&mut self, now_ns: u64, span: f64, why: String) -> ThrottleEvent {
        let until_ns = now_ns.saturating_add(nanoseconds(span));
        self.rest_until_ns = Some(self.rest_until_ns.map_or(until_ns, |before| before.max(until_ns)));
        let workers = self.plan(now_ns).workers;
        ThrottleEvent { at_ns: now_ns, kind: ThrottleEventKind::Rest, workers, why }
    }

    /// Whether workers work now. After a rest the window begins anew.
    pub(super) fn end_rest(&mut self, now_ns: u64) -> bool {
        match self.rest_until_ns {
            Some(until_ns) if now_ns <= until_ns => false,
            Some(_) => {
                self.rest_until_ns = None;
                self.window = Window { from_ns: now_ns, ..Window::default() };
                // The sample that ends a rest was measured during it.
                false
            }
            None => self.heat_percent < 100.0,
        }
    }
}

fn on_duty(plan: &super::WorkPlan) -> String {
    let capacity = plan.workers as f64 * plan.duty;
    if capacity.fract() == 0.0 { format!("{capacity}") } else { format!("{capacity:.2}") }
}

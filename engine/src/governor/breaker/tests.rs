//! The breaker against a machine that does as it is told, sampled every 100 ms.

use super::*;

const STEP_NS: u64 = 100_000_000;

pub(super) fn breaker() -> CircuitBreaker {
    CircuitBreaker::new(ResourceThresholds::default(), BreakerConfig::default()).unwrap()
}

/// A breaker, its clock, and all that happened.
struct Bench {
    breaker: CircuitBreaker,
    now_ns: u64,
    events: Vec<BreakerEvent>,
}

impl Bench {
    fn new() -> Self {
        Self { breaker: breaker(), now_ns: 0, events: Vec::new() }
    }

    /// Samples with these loads.
    fn samples(&mut self, count: u32, cpu_percent: f64, memory_percent: f64) -> &mut Self {
        for _ in 0..count {
            self.now_ns += STEP_NS;
            let sample = ResourceSample {
                at_ns: self.now_ns,
                cpu_percent,
                memory_percent,
                ..ResourceSample::default()
            };
            self.events.extend(self.breaker.observe(&sample));
        }
        self
    }

    fn seconds(&mut self, seconds: u32, cpu_percent: f64) -> &mut Self {
        self.samples(seconds * 10, cpu_percent, 40.0)
    }

    fn kinds(&self) -> Vec<BreakerEventKind> {
        self.events.iter().map(|event| event.kind).collect()
    }

    fn submission(&self) -> Admission {
        self.breaker.submission(self.now_ns)
    }

    fn start(&mut self) -> Admission {
        self.breaker.start(self.now_ns)
    }

    fn clear(&mut self) {
        self.events.clear();
    }
}

#[test]
fn the_first_refusal_comes_with_the_third_red_sample() {
    let mut bench = Bench::new();
    bench.seconds(1, 10.0);
    let red_from_ns = bench.now_ns;
    for _ in 0..2 {
        bench.samples(1, 97.0, 40.0);
        assert!(matches!(bench.submission(), Admission::Hold { .. }), "{:?}", bench.submission());
    }
    bench.samples(1, 97.0, 40.0);
    let Admission::Refuse { reason } = bench.submission() else { panic!("{:?}", bench.submission()) };
    assert!(reason.starts_with("overloaded: CPU without our workers 97.0 %, limit 95 %"), "{reason}");
    assert!(bench.now_ns - red_from_ns < 500_000_000);
    assert_eq!(bench.breaker.state(), BreakerState::Open);
}

#[test]
fn red_samples_that_are_not_in_a_row_do_not_open_it() {
    let mut bench = Bench::new();
    for _ in 0..50 {
        bench.samples(2, 99.0, 40.0).samples(1, 94.9, 40.0);
    }
    assert_eq!(bench.breaker.state(), BreakerState::Closed);
}

#[test]
fn the_same_sample_counts_once() {
    let mut breaker = breaker();
    let sample = ResourceSample { at_ns: STEP_NS, cpu_percent: 99.0, ..ResourceSample::default() };
    for _ in 0..5 {
        breaker.observe(&sample);
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn our_own_workers_are_no_overload_and_the_memory_of_the_machine_is() {
    let mut breaker = breaker();
    for step in 1..=100 {
        breaker.observe(&ResourceSample {
            at_ns: step * STEP_NS,
            cpu_percent: 100.0,
            workers_cpu_percent: 95.0,
            ..ResourceSample::default()
        });
    }
    assert_eq!(breaker.submission(100 * STEP_NS), Admission::Admit);
    let mut bench = Bench::new();
    bench.samples(1, 5.0, 91.0);
    assert!(bench.submission().reason().unwrap().contains("memory 91.0 %, limit 90 %"));
    bench.samples(3, 5.0, 95.0);
    assert!(bench.submission().reason().unwrap().starts_with("overloaded: memory 95.0 %, limit 95 %"));
}

#[test]
fn above_85_percent_nothing_starts_until_five_seconds_below_70() {
    let mut bench = Bench::new();
    bench.samples(1, 84.9, 40.0);
    assert_eq!(bench.start(), Admission::Admit);
    bench.samples(1, 86.0, 40.0);
    assert!(matches!(bench.start(), Admission::Hold { .. }));
    // Between the limits nothing changes, however long.
    bench.seconds(60, 71.0);
    assert!(matches!(bench.start(), Admission::Hold { .. }));
    // One sample at the limit begins the five seconds again.
    bench.samples(40, 60.0, 40.0).samples(1, 70.0, 40.0).samples(50, 60.0, 40.0);
    assert!(matches!(bench.start(), Admission::Hold { .. }));
    bench.samples(1, 60.0, 40.0);
    assert_eq!(bench.start(), Admission::Admit);
    assert_eq!(bench.kinds(), [BreakerEventKind::Held, BreakerEventKind::Released]);
    assert_eq!(
        bench.events[0].why,
        "nothing new starts: CPU without our workers 86.0 %, limit 85 %, for 0.0 s; until it is calm \
         (CPU below 70 %, memory below 70 %) for 5 s"
    );
}

#[test]
fn bulk_jobs_are_the_first_to_be_paused_and_critical_ones_the_last() {
    let mut bench = Bench::new();
    bench.seconds(10, 96.0);
    let order: Vec<_> = bench
        .kinds()
        .into_iter()
        .filter_map(|kind| match kind {
            BreakerEventKind::Shed(shed) => Some(shed),
            _ => None,
        })
        .collect();
    assert_eq!(order, Shed::ALL[1..]);
    let gaps = bench.events.iter().filter(|e| matches!(e.kind, BreakerEventKind::Shed(_)));
    let at: Vec<_> = gaps.map(|event| event.at_ns).collect();
    assert!(at.windows(2).all(|pair| pair[1] - pair[0] >= 500_000_000), "{at:?}");
    assert!(bench.events.iter().any(|e| e.why.starts_with("BULK and LOW jobs are paused: CPU")));
}

#[test]
fn a_closed_breaker_sheds_bulk_and_low_jobs_and_no_others() {
    let mut bench = Bench::new();
    bench.seconds(60, 90.0);
    assert_eq!((bench.breaker.state(), bench.breaker.shed()), (BreakerState::Closed, Shed::Low));
    // They come back, the higher first, after the calm.
    bench.clear();
    bench.seconds(10, 20.0);
    assert_eq!(
        bench.kinds(),
        [
            BreakerEventKind::Released,
            BreakerEventKind::Resumed(Shed::Bulk),
            BreakerEventKind::Resumed(Shed::Nothing)
        ]
    );
}

#[test]
fn a_spike_of_two_samples_pauses_nothing() {
    let mut bench = Bench::new();
    bench.samples(2, 99.0, 40.0).seconds(10, 20.0);
    assert_eq!(bench.kinds(), [BreakerEventKind::Held, BreakerEventKind::Released]);
}

#[test]
fn it_probes_after_thirty_seconds_and_closes_after_two_successes() {
    let mut bench = Bench::new();
    bench.samples(3, 97.0, 40.0);
    bench.clear();
    // Calm at once: it stays open for its thirty seconds nevertheless.
    bench.samples(299, 10.0, 40.0);
    assert_eq!(bench.breaker.state(), BreakerState::Open);
    assert!(matches!(bench.start(), Admission::Refuse { .. }));
    bench.samples(1, 10.0, 40.0);
    assert_eq!(bench.breaker.state(), BreakerState::HalfOpen);
    assert!(bench.start().is_admitted(), "the probe");
    assert!(matches!(bench.start(), Admission::Hold { .. }), "one probe at a time");
    assert!(matches!(bench.submission(), Admission::Hold { .. }), "submissions wait for the probe");
    bench.samples(1, 10.0, 40.0);
    assert_eq!(bench.breaker.state(), BreakerState::Closed);
    assert!(bench.start().is_admitted());
    bench.seconds(1, 10.0);
    assert_eq!(
        bench.kinds(),
        [
            BreakerEventKind::Shed(Shed::Low),
            BreakerEventKind::Probing,
            BreakerEventKind::Closed,
            BreakerEventKind::Resumed(Shed::Bulk),
            BreakerEventKind::Resumed(Shed::Nothing),
        ]
    );
}

#[test]
fn two_calm_samples_of_a_probe_are_not_enough_before_five_seconds() {
    let mut bench = Bench::new();
    bench.samples(3, 97.0, 40.0).samples(300, 80.0, 40.0).samples(50, 60.0, 40.0);
    assert_eq!(bench.breaker.state(), BreakerState::HalfOpen);
    bench.samples(1, 60.0, 40.0);
    assert_eq!(bench.breaker.state(), BreakerState::Closed);
}

#[test]
fn red_during_a_probe_opens_it_again_for_thirty_seconds() {
    let mut bench = Bench::new();
    bench.samples(3, 97.0, 40.0).samples(300, 10.0, 40.0);
    assert_eq!(bench.breaker.state(), BreakerState::HalfOpen);
    bench.samples(1, 98.0, 40.0);
    assert_eq!(bench.breaker.state(), BreakerState::Open);
    assert_eq!(bench.breaker.since_ns(), bench.now_ns);
    bench.samples(299, 10.0, 40.0);
    assert_eq!(bench.breaker.state(), BreakerState::Open);
    bench.samples(1, 10.0, 40.0);
    assert_eq!(bench.breaker.state(), BreakerState::HalfOpen);
}

#[test]
fn a_probe_that_is_not_calm_within_ten_seconds_has_failed() {
    let mut bench = Bench::new();
    bench.samples(3, 97.0, 40.0).samples(300, 80.0, 40.0);
    assert_eq!(bench.breaker.state(), BreakerState::HalfOpen);
    assert!(matches!(bench.start(), Admission::Hold { .. }), "nothing probes while it is not calm");
    bench.samples(99, 80.0, 40.0);
    assert_eq!(bench.breaker.state(), BreakerState::HalfOpen);
    bench.clear();
    bench.samples(1, 80.0, 40.0);
    assert_eq!(bench.kinds(), [BreakerEventKind::Reopened]);
    assert!(bench.events[0].why.contains("not calm within the 10 s of a probe"), "{}", bench.events[0]);
}

#[test]
fn time_alone_leads_from_open_to_half_open_and_back() {
    let mut bench = Bench::new();
    bench.samples(3, 97.0, 40.0);
    let opened_ns = bench.now_ns;
    let second = 1_000_000_000;
    assert_eq!(bench.breaker.tick(opened_ns + 29 * second), []);
    assert_eq!(bench.breaker.tick(opened_ns + 30 * second)[0].kind, BreakerEventKind::Probing);
    assert_eq!(bench.breaker.tick(opened_ns + 40 * second)[0].kind, BreakerEventKind::Reopened);
}

#[test]
fn status_says_where_it_is_since_when_and_why() {
    let mut bench = Bench::new();
    bench.samples(1, 12.0, 40.0);
    let calm = bench.breaker.explain(bench.now_ns);
    assert_eq!(calm, "closed, jobs start: CPU without our workers 12.0 %, memory 40.0 %");
    bench.samples(3, 97.25, 40.0).seconds(10, 50.0);
    assert_eq!(
        bench.breaker.explain(bench.now_ns),
        "open for 10.0 s: overloaded: CPU without our workers 97.2 %, limit 95 %, for 0.2 s; now CPU \
         without our workers 50.0 %, memory 40.0 %; probe in 20.0 s, submit again then; BULK and LOW jobs are paused"
    );
}

#[test]
fn one_that_is_off_sees_and_does_nothing() {
    let config = BreakerConfig { enabled: false, ..BreakerConfig::default() };
    let breaker = CircuitBreaker::new(ResourceThresholds::default(), config).unwrap();
    let mut bench = Bench { breaker, now_ns: 0, events: Vec::new() };
    bench.samples(600, 100.0, 99.0);
    assert!(bench.events.is_empty() && bench.submission().is_admitted() && bench.start().is_admitted());
    assert_eq!((bench.breaker.state(), bench.breaker.shed()), (BreakerState::Closed, Shed::Nothing));
    let said = bench.breaker.explain(bench.now_ns);
    assert_eq!(said, "off (`breaker.enabled: false`): CPU without our workers 100.0 %, memory 99.0 %");
}

#[test]
fn only_the_first_job_that_starts_while_it_is_half_open_is_its_probe() {
    let mut bench = Bench::new();
    bench.samples(3, 99.0, 40.0).seconds(30, 10.0);
    assert_eq!(bench.breaker.state(), BreakerState::HalfOpen);
    assert!(bench.breaker.wants_probe());
    assert!(bench.start().is_admitted());
    assert!(!bench.breaker.wants_probe() && !bench.start().is_admitted());
}

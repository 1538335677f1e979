//! The shard actor: owns many containers and takes each through every frame, one after the other,
//! each behind an unwind boundary of its own, in slices: a container with much to do is cut short
//! where the slice ends, and goes on there in the next.

use std::{
    sync::{Arc, Mutex, PoisonError},
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use actix::Context;
use barhive_engine::{
    bus::FramePool,
    container::{Container, Progress},
    frame::Frame,
    outcome::{Ended, finish_guarded, run_slice_guarded},
};

use crate::{
    clock::Stopwatch,
    control::Control,
    pace::Pace,
    pump::{self, Pumped, Slice, Works},
    seat::{Seat, ShardShared},
    supervisor::{Part, Shell},
};

/// The containers of a shard and where they stand in the stream. It is kept outside of the actor: a
/// failure of the shard itself must not touch any container.
pub(crate) struct Seats {
    seats: Vec<Seat<Container>>,
    /// How fast each of them works.
    paces: Vec<Pace>,
    /// The frame in hand.
    frame: Option<Arc<Frame>>,
    /// The next seat to take it.
    turn: usize,
    /// The number of the next frame.
    next: u64,
    times: Times,
}

/// How long things take.
struct Times {
    /// Since when the frame is in hand.
    since: Stopwatch,
    /// For how long of it there was work.
    busy: Duration,
    /// The longest that a container has worked at a stretch.
    longest: Duration,
}

impl Seats {
    pub(crate) fn new(seats: Vec<Seat<Container>>) -> Self {
        let times = Times { since: Stopwatch::start(), busy: Duration::ZERO, longest: Duration::ZERO };
        Self { paces: vec![Pace::default(); seats.len()], seats, frame: None, turn: 0, next: 0, times }
    }
}

/// What became of a container's turn.
enum Turn {
    /// It is done with the frame.
    Done,
    /// It is not, but has worked for as long as it may between two looks at the clock.
    More,
    /// It failed, which ends it here.
    Failed(Ended),
}

/// Takes a container through its next part of a frame; says how long that took.
fn run(seat: &mut Seat<Container>, pace: &mut Pace, frame: &Frame, slice: &mut Slice) -> (Turn, Duration) {
    let ran = seat.held().map(|container| run_slice_guarded(container, frame, pace.work()));
    let took = slice.look();
    let turn = match ran {
        None => Turn::Done,
        Some(Ok(Progress { work, is_done })) => {
            pace.learn(work, took);
            if is_done { Turn::Done } else { Turn::More }
        }
        Some(Err(failure)) => {
            seat.fail();
            Turn::Failed(Ended::Failed(failure))
        }
    };
    (turn, took)
}

/// What outlives a shard part.
pub(crate) struct FusedShared {
    pub(crate) shard: ShardShared,
    pub(crate) seats: Mutex<Seats>,
    pub(crate) pool: FramePool,
}

/// Steps containers.
pub(crate) struct Shard {
    shared: Arc<FusedShared>,
}

impl Shard {
    /// A part that goes on where the shard's containers stand.
    pub(crate) fn new(shared: Arc<FusedShared>) -> Self {
        Self { shared }
    }
}

impl Part for Shard {
    fn started(&mut self, ctx: &mut Context<Shell<Self>>) {
        let mut seats = self.shared.seats.lock().unwrap_or_else(PoisonError::into_inner);
        seats.seats.iter_mut().for_each(Seat::begin);
        pump::start(ctx);
    }
}

impl Works for Shard {
    fn control(&self) -> &Control {
        &self.shared.shard.control
    }

    fn work(&mut self, slice: &mut Slice, cx: &mut TaskContext<'_>) -> Pumped {
        let FusedShared { shard, pool, .. } = &*self.shared;
        let mut seats = self.shared.seats.lock().unwrap_or_else(PoisonError::into_inner);
        let Seats { seats, paces, frame, turn, next, times } = &mut *seats;
        loop {
            if let Some(current) = frame {
                // Whoever listens to the last container must have room before the next has its turn.
                let last = turn.checked_sub(1).and_then(|last| seats.get(last));
                if last.is_some_and(|seat| seat.poll_events(cx).is_pending()) {
                    return Pumped::Waiting;
                }
                while let Some((seat, pace)) = seats.get_mut(*turn).zip(paces.get_mut(*turn)) {
                    // Counted first: a container that is done is never given the same rows twice.
                    *turn += 1;
                    let (ran, took) = run(seat, pace, current, slice);
                    times.busy += took;
                    if took > times.longest {
                        times.longest = took;
                        shard.meter.stretch(|| seat.name(), took);
                    }
                    match ran {
                        Turn::Done => {}
                        // It knows itself where it stands.
                        Turn::More => *turn -= 1,
                        Turn::Failed(ended) => shard.tell(seat.place, &seat.name(), ended),
                    }
                    if seat.poll_events(cx).is_pending() {
                        return Pumped::Waiting;
                    }
                    // Behind the last one there is a frame to be given back first.
                    if *turn < seats.len() && slice.was_over() {
                        return Pumped::More;
                    }
                }
                shard.progress.rows(shard.number, current.rows() as u64);
                let busy = std::mem::take(&mut times.busy);
                shard.meter.frame(current.sequence, times.since.elapsed(), busy);
                *next = current.sequence + 1;
                *turn = 0;
                if let Some(done) = frame.take() {
                    pool.give(done);
                }
                if slice.was_over() {
                    return Pumped::More;
                }
            }
            match shard.inbox.poll_recv(cx) {
                Poll::Pending => return Pumped::Waiting,
                // The hub was built anew and repeats itself.
                Poll::Ready(Some(again)) if again.sequence < *next => pool.give(again),
                Poll::Ready(Some(new)) => {
                    debug_assert_eq!(new.sequence, *next, "no container skips data");
                    times.since = Stopwatch::start();
                    *frame = Some(new);
                }
                Poll::Ready(None) if !shard.hub.is_complete() => return Pumped::Done,
                Poll::Ready(None) => break,
            }
        }
        while let Some(seat) = seats.get_mut(*turn) {
            // Nothing is left to finish when this is a second look, for the events' sake.
            if let Some(ended) = seat.finish(finish_guarded) {
                shard.tell(seat.place, &seat.name(), ended);
            }
            if seat.poll_last_events(cx).is_pending() {
                return Pumped::Waiting;
            }
            *turn += 1;
            if slice.is_over() {
                return Pumped::More;
            }
        }
        shard.stage.complete();
        Pumped::Done
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering::SeqCst},
        task::Waker,
    };

    use barhive_engine::{
        Registry,
        backtest::Backtest,
        bus::{QueueCounters, QueueOptions, queue},
        data::{Bar, BarColumns, MemorySource},
        instrument::{Currency, Instrument},
        merge::Merged,
        money::Money,
        pass::Pass,
        record::NoRecorder,
        registry::factory,
        strategy::{self, Bars, Setup, Sizing},
        time::NS_PER_MINUTE,
        timeframe::Timeframe,
    };

    use super::*;
    use crate::{meters::Meters, publish::SystemEvents};

    /// Takes its time over every bar.
    struct Slow {
        calls: Arc<AtomicUsize>,
    }

    impl strategy::Strategy for Slow {
        fn on_bar(&mut self, _: &mut strategy::Context<'_>, _: Bars) {
            std::thread::sleep(Duration::from_micros(20));
            self.calls.fetch_add(1, SeqCst);
        }
    }

    const STEPS: usize = 12;
    /// So many that a step takes a slice at least: a call takes 20 microseconds or more.
    const STRATEGIES: usize = 50;

    fn pass(calls: &Arc<AtomicUsize>) -> Pass {
        let usd = Currency::new("USD").unwrap();
        let bar = |minute: i64| Bar {
            ts_open_ns: minute * NS_PER_MINUTE,
            ts_close_ns: (minute + 1) * NS_PER_MINUTE,
            open: 10.0,
            high: 11.0,
            low: 9.0,
            close: 10.0,
            volume: 1.0,
        };
        let bars: Vec<_> = (0..STEPS as i64).map(bar).collect();
        let instrument = Instrument::new("X", 2, usd.clone());
        let source = MemorySource::new().with(instrument, Timeframe::M1, BarColumns::from_bars(&bars));
        let backtest = Backtest::new(Registry::empty(), Arc::new(source), Money::from_units(1_000), usd);
        let calls = Arc::clone(calls);
        let slow = factory((), move |(), setup: &mut Setup<'_>| {
            let instrument = setup.instrument();
            setup.bars(instrument);
            Ok(Slow { calls: Arc::clone(&calls) })
        });
        let backtest = (0..STRATEGIES).fold(backtest.unwrap(), |backtest, n| {
            let slow = Arc::clone(&slow);
            backtest.strategy(&format!("s{n}"), slow, &["X"], Timeframe::M1, Sizing::Lots(1)).unwrap()
        });
        let (spec, registry) = backtest.into_spec();
        Pass::open(&spec, &registry, &[0], &|_| Box::new(NoRecorder), false).unwrap()
    }

    #[test]
    fn a_slow_container_is_left_at_the_end_of_every_slice_and_gone_on_with() {
        let calls = Arc::new(AtomicUsize::new(0));
        let mut pass = pass(&calls);
        let mut frame = Frame::empty();
        assert_eq!(pass.next_frame(&mut frame).unwrap(), Merged::Frame);
        let (frames, inbox) =
            queue(QueueOptions::default(), Arc::new(QueueCounters::new("frames", "shard-0")));
        drop(frames.offer(Arc::new(frame)));
        let mut seat = Seat::new(0, "slow", pass.containers.remove(0), None);
        seat.begin();
        let shared = Arc::new(FusedShared {
            shard: ShardShared {
                number: 0,
                inbox,
                hub: Arc::default(),
                stage: Arc::default(),
                ended: flume::bounded(1).0,
                progress: Arc::default(),
                system_events: SystemEvents::new(None),
                control: Arc::default(),
                meter: Meters::default().part("shard 0"),
            },
            seats: Mutex::new(Seats::new(vec![seat])),
            pool: FramePool::new(1),
        });
        let mut shard = Shard::new(Arc::clone(&shared));
        let mut cx = TaskContext::from_waker(Waker::noop());
        let mut calls_by_slice = Vec::new();
        loop {
            let before = calls.load(SeqCst);
            let pumped = shard.work(&mut Slice::start(), &mut cx);
            calls_by_slice.push(calls.load(SeqCst) - before);
            if pumped != Pumped::More {
                assert_eq!(pumped, Pumped::Waiting, "for the next frame");
                break;
            }
            // A pump that looks here and finds the run paused or cancelled finds it in order.
            assert!(shared.seats.try_lock().is_ok());
        }
        let mut expected = vec![STRATEGIES; STEPS];
        expected.push(0);
        assert_eq!(calls_by_slice, expected);
    }
}

//! Restarts in virtual time.

use std::{
    cell::Cell,
    rc::Rc,
    sync::atomic::{AtomicU32, Ordering::SeqCst},
    time::Duration,
};

use actix::{ActorContext, AsyncContext, Handler, MailboxError, Message, StreamHandler};
use actix_rt::{Arbiter, System};
use tokio::time::{Instant, sleep};

use super::*;

/// Runs `test` on a system whose clock jumps to the next timer whenever nothing else is to be done.
fn in_virtual_time<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    let system = System::with_tokio_rt(|| {
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
    });
    system.block_on(test());
}

#[derive(Message)]
#[rtype(result = "u32")]
struct Add(u32);

#[derive(Message)]
#[rtype(result = "()")]
struct Stop;

/// Fails on 13.
struct Counter {
    sum: u32,
}

impl Part for Counter {
    fn started(&mut self, _: &mut Context<Shell<Self>>) {}
}

impl Handler<Add> for Shell<Counter> {
    type Result = u32;

    fn handle(&mut self, add: Add, _: &mut Context<Self>) -> u32 {
        let part = self.part();
        part.sum += add.0;
        assert!(add.0 != 13, "unlucky {}", add.0);
        part.sum
    }
}

impl Handler<Stop> for Shell<Counter> {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

/// Fails while it is built.
struct NeverBuilt;

impl Part for NeverBuilt {
    fn started(&mut self, _: &mut Context<Shell<Self>>) {}
}

#[test]
fn a_failed_part_is_fresh_behind_the_same_address_and_its_mailbox_is_kept() {
    in_virtual_time(|| async {
        let (supervisor, _exits) = Supervisor::new(8, 1);
        let counter = supervisor
            .start(&Arbiter::current(), "counter", RestartPolicy::default(), |_| Counter { sum: 1_000 })
            .unwrap();
        assert_eq!(counter.send(Add(1)).await, Ok(1_001));
        let (before, failing, after) =
            tokio::join!(counter.send(Add(2)), counter.send(Add(13)), counter.send(Add(3)));
        assert_eq!(before, Ok(1_003));
        assert!(matches!(failing, Err(MailboxError::Closed)));
        assert_eq!(after, Ok(1_003), "built anew");
        assert_eq!(
            supervisor.restarts(),
            [Restart { part: "counter".into(), attempt: 1, reason: "unlucky 13".into() }]
        );
    });
}

#[test]
fn a_child_that_always_fails_starts_four_times_then_escalates_within_a_second() {
    in_virtual_time(|| async {
        let (supervisor, exits) = Supervisor::new(8, 1);
        let policy = RestartPolicy { give_up: GiveUp::Escalate, ..RestartPolicy::default() };
        static STARTS: AtomicU32 = AtomicU32::new(0);
        let began = Instant::now();
        let _addr = supervisor
            .start(&Arbiter::current(), "broken", policy, |_| -> NeverBuilt {
                panic!("start {}", STARTS.fetch_add(1, SeqCst) + 1)
            })
            .unwrap();
        let healthy =
            supervisor.start(&Arbiter::current(), "healthy", policy, |_| Counter { sum: 0 }).unwrap();
        assert_eq!(healthy.send(Add(1)).await, Ok(1));
        let exit = exits.recv_async().await.unwrap();
        assert_eq!(&*exit.part, "broken");
        assert_eq!(exit.how, ExitKind::Escalated { reason: "start 4".into() });
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        sleep(Duration::from_secs(600)).await;
        assert_eq!(STARTS.load(SeqCst), 4, "never again");
        assert_eq!(supervisor.restarts().len(), 3);
        assert_eq!(healthy.send(Add(1)).await, Ok(2), "others do not notice");
    });
}

#[test]
fn a_stop_is_final_and_a_closed_address_says_so() {
    in_virtual_time(|| async {
        let (supervisor, exits) = Supervisor::new(8, 1);
        let counter = supervisor
            .start(&Arbiter::current(), "counter", RestartPolicy::default(), |_| Counter { sum: 0 })
            .unwrap();
        counter.send(Stop).await.unwrap();
        assert_eq!(exits.recv_async().await.unwrap().how, ExitKind::Stopped);
        assert!(counter.send(Add(1)).await.is_err());
        assert!(supervisor.restarts().is_empty());
    });
}

/// Consumes a stream of numbers and fails on 3 in its first life.
struct Reader {
    numbers: flume::Receiver<u32>,
    seen: flume::Sender<u32>,
}

impl Part for Reader {
    fn started(&mut self, ctx: &mut Context<Shell<Self>>) {
        ctx.add_stream(self.numbers.clone().into_stream());
    }
}

impl StreamHandler<u32> for Shell<Reader> {
    fn handle(&mut self, number: u32, _: &mut Context<Self>) {
        let first = self.life().restarts == 0;
        assert!(!(first && number == 3), "bad number 3");
        self.part().seen.try_send(number).unwrap();
    }
}

#[test]
fn a_restarted_part_goes_on_with_what_waits_in_its_queue() {
    in_virtual_time(|| async {
        let (supervisor, exits) = Supervisor::new(8, 1);
        let (tx, rx) = flume::bounded(8);
        let (seen, heard) = flume::bounded(8);
        let _addr = supervisor.start(&Arbiter::current(), "reader", RestartPolicy::default(), move |_| {
            Reader { numbers: rx.clone(), seen: seen.clone() }
        });
        for number in 0..8 {
            tx.send_async(number).await.unwrap();
        }
        drop(tx);
        assert_eq!(exits.recv_async().await.unwrap().how, ExitKind::Stopped, "the stream's end stops it");
        assert_eq!(heard.drain().collect::<Vec<_>>(), [0, 1, 2, 4, 5, 6, 7]);
    });
}

/// Panics again whenever it is dropped or stopped.
struct Spiteful(Rc<Cell<u32>>);

impl Drop for Spiteful {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
        panic!("not even dead");
    }
}

impl Part for Spiteful {
    fn started(&mut self, _: &mut Context<Shell<Self>>) {}

    fn stopped(&mut self) {
        panic!("not even stopping");
    }
}

impl Handler<Add> for Shell<Spiteful> {
    type Result = u32;

    fn handle(&mut self, _: Add, _: &mut Context<Self>) -> u32 {
        panic!("alive")
    }
}

#[test]
fn a_part_that_panics_while_it_is_torn_down_does_not_abort_the_process() {
    in_virtual_time(|| async {
        let (supervisor, exits) = Supervisor::new(8, 1);
        let spiteful = supervisor
            .start(&Arbiter::current(), "spiteful", RestartPolicy::default(), |_| Spiteful(Rc::default()))
            .unwrap();
        assert!(spiteful.send(Add(1)).await.is_err());
        assert!(spiteful.send(Add(1)).await.is_err());
        let exit = exits.recv_async().await.unwrap();
        assert!(matches!(exit.how, ExitKind::Quarantined { .. }), "{exit:?}");
        let reasons: Vec<_> = supervisor.restarts().into_iter().map(|r| r.reason).collect();
        assert!(reasons.iter().all(|r| r.contains("not even dead")), "{reasons:?}");
    });
}

#[test]
fn a_stopped_thread_lets_go_of_running_failing_and_waiting_children() {
    let system = System::new();
    system.block_on(async {
        let arbiter = Arbiter::new();
        let (supervisor, _exits) = Supervisor::new(8, 1);
        let policy =
            RestartPolicy { backoff_base: Duration::from_secs(10), intensity: 9, ..Default::default() };
        let waiting = supervisor
            .start(&arbiter.handle(), "waiting", policy, |_| -> NeverBuilt { panic!("never") })
            .unwrap();
        let running = supervisor.start(&arbiter.handle(), "running", policy, |_| Counter { sum: 0 }).unwrap();
        assert_eq!(running.send(Add(1)).await, Ok(1));
        arbiter.stop();
        arbiter.join().unwrap();
        assert!(!running.connected() && !waiting.connected());
        let arbiter = Arbiter::new();
        let handle = arbiter.handle();
        arbiter.stop();
        arbiter.join().unwrap();
        assert!(supervisor.start(&handle, "late", policy, |_| Counter { sum: 0 }).is_err());
    });
}

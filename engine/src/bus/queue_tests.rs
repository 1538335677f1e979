//! Queues under every policy, within one thread and across threads.

use std::{
    num::NonZeroUsize,
    sync::Arc,
    task::{Context, Poll},
};

use super::*;

#[derive(Debug, PartialEq, Eq)]
struct One(u32);

impl Carries for One {
    fn events(&self) -> usize {
        1
    }
}

fn of(policy: Policy) -> (QueueSender<One>, QueueReceiver<One>) {
    let options = QueueOptions { policy, capacity: NonZeroUsize::new(2).unwrap() };
    queue(options, Arc::new(QueueCounters::new("topic", "subscriber")))
}

fn offer_three(tx: &QueueSender<One>) -> Vec<Offer<One>> {
    (1..=3).map(|n| tx.offer(One(n))).collect()
}

fn drain(rx: &QueueReceiver<One>) -> Vec<u32> {
    std::iter::from_fn(|| rx.try_recv()).map(|one| one.0).collect()
}

#[test]
fn a_full_blocking_queue_hands_the_message_back() {
    let (tx, rx) = of(Policy::Block);
    assert_eq!(offer_three(&tx), [Offer::Sent, Offer::Sent, Offer::Full(One(3))]);
    assert_eq!(drain(&rx), [1, 2]);
    assert_eq!(rx.counters().snapshot().dropped, 0);
}

#[test]
fn a_full_queue_drops_what_its_policy_says_and_counts_it() {
    let (tx, rx) = of(Policy::DropOldest);
    assert_eq!(offer_three(&tx), [Offer::Sent, Offer::Sent, Offer::Replaced(One(1))]);
    assert_eq!(drain(&rx), [2, 3]);
    assert_eq!(rx.counters().snapshot().dropped, 1);

    let (tx, rx) = of(Policy::DropNewest);
    assert_eq!(offer_three(&tx), [Offer::Sent, Offer::Sent, Offer::Dropped(One(3))]);
    assert_eq!(drain(&rx), [1, 2]);
    let counters = rx.counters().snapshot();
    assert_eq!((counters.messages, counters.dropped, counters.queue_peak), (2, 1, 2));
}

#[test]
fn a_queue_without_receiver_says_so_under_every_policy() {
    for policy in [Policy::Block, Policy::DropOldest, Policy::DropNewest, Policy::Conflate] {
        let (tx, rx) = of(policy);
        let again = rx.clone();
        drop(rx);
        assert_eq!(tx.offer(One(1)), Offer::Sent, "{policy:?}");
        drop(again);
        assert_eq!(tx.offer(One(2)), Offer::Closed(One(2)), "{policy:?}");
    }
}

struct Unpark(std::thread::Thread);

impl std::task::Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn nobody_sleeps_through_a_message_or_through_room_for_one() {
    let options = QueueOptions { policy: Policy::Block, capacity: NonZeroUsize::MIN };
    let (tx, rx) = queue(options, Arc::new(QueueCounters::new("topic", "subscriber")));
    let sender = std::thread::spawn(move || {
        for n in 0..20_000 {
            block_on(tx.send(One(n))).unwrap();
        }
    });
    let mut next = 0;
    while let Some(One(n)) = block_on(rx.recv()) {
        assert_eq!(n, next);
        next += 1;
    }
    assert_eq!(next, 20_000, "the end of the sender ends the receiver");
    sender.join().unwrap();
}

#[test]
fn a_sender_that_waits_hears_that_its_receiver_is_gone() {
    let (tx, rx) = of(Policy::Block);
    offer_three(&tx);
    let sender = std::thread::spawn(move || block_on(tx.send(One(4))));
    drop(rx);
    assert_eq!(sender.join().unwrap(), Err(One(4)));
}

//! A container taken apart into execution and strategies gives what the whole one gives.

use barhive_engine::{
    data::Bar,
    frame::Frame,
    merge::Merged,
    outcome::{Ended, finish_guarded},
    pass::Pass,
    record::{NoRecorder, Recorder},
    set::{ContainerSpec, MarketFill, RunSpec},
};
use proptest::prelude::*;

use crate::{
    kit::{registry, run, set},
    random::{Looks, markets, source, traded},
};

/// Runs the only container of a set as two halves; answers its hash.
fn hash_of_halves(spec: &RunSpec) -> String {
    let mut pass =
        Pass::open(spec, &registry(), &[0], &|_| Box::new(NoRecorder) as Box<dyn Recorder>, false).unwrap();
    let (mut execution, mut strategies) = pass.containers.remove(0).split();
    let mut frame = Frame::empty();
    loop {
        match pass.next_frame(&mut frame).unwrap() {
            Merged::Frame => {}
            Merged::Pending => panic!("bars at hand are not waited for"),
            Merged::End => break,
        }
        execution.begin_frame(&frame);
        strategies.begin_frame(&frame);
        while let Some(question) = execution.ask(&frame).unwrap() {
            let answer = strategies.answer(&frame, question);
            execution.take(&frame, answer).unwrap();
        }
    }
    match finish_guarded(execution.into_container()) {
        Ended::Done(result, _) => result.hash,
        Ended::Failed(failure) => panic!("{failure:?}"),
    }
}

fn span(bars: &[Bar]) -> (i64, i64) {
    (bars[bars.len() / 4].ts_close_ns, bars[bars.len() / 4 * 3].ts_close_ns)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn two_halves_give_what_the_whole_gives(
        markets in markets(), seed in any::<u32>(), at_close in any::<bool>(), spanned in any::<bool>(),
        bounded in any::<bool>(), batch_rows in 1usize..60,
    ) {
        for looks in [Looks::Alone, Looks::Everywhere] {
            let instruments = if looks == Looks::Alone { 1 } else { markets.len() };
            let mut account: ContainerSpec = traded("a", u64::from(seed), instruments, looks);
            account.fill.market = if at_close { MarketFill::DecidingClose } else { MarketFill::NextOpen };
            account.fill.close_at_end = true;
            account.drawdown_max = bounded.then_some(0.05);
            if spanned {
                let (from, to) = span(&markets[0]);
                (account.from_ns, account.to_ns) = (Some(from), Some(to));
            }
            let mut spec = set(source(&markets), vec![account]);
            spec.machinery.batch_rows = batch_rows;
            let whole = run(&spec).result.accounts.remove(0).hash;
            prop_assert_eq!(hash_of_halves(&spec), whole);
        }
    }
}

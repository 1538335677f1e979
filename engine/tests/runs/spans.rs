//! Accounts with a span of their own, among others on the same frames.

use barhive_engine::{
    data::MemorySource,
    order::OrderRequest,
    set::ContainerSpec,
    strategy::{Bars, Context, Inst},
    timeframe::Timeframe,
};

use crate::kit::{Ran, account, close_of, instrument, minutes, run, scripted, set, strategy};

fn prices() -> Vec<(f64, f64, f64, f64)> {
    (0..40).map(|minute| f64::from(10 + minute % 9)).map(|p| (p, p + 1.0, p - 1.0, p + 0.5)).collect()
}

fn source(rows: std::ops::Range<usize>) -> MemorySource {
    let columns = minutes(&prices()).slice(rows.start, rows.len());
    let with = |source: MemorySource, symbol| source.with(instrument(symbol), Timeframe::M1, columns.clone());
    ["X", "Y"].into_iter().fold(MemorySource::new(), with)
}

/// Buys at its third bar and holds.
fn holder(ctx: &mut Context<'_>, bars: Bars, bar: usize) {
    if bar == 3 {
        ctx.submit(OrderRequest::market(bars.instrument(), 5));
    }
}

fn spanning(instruments: &[u32], batch_rows: usize, rows: std::ops::Range<usize>, bounds: (i64, i64)) -> Ran {
    let mut spanned = account("spanned", vec![strategy("s", scripted(holder), instruments)]);
    spanned.fill.close_at_end = true;
    (spanned.from_ns, spanned.to_ns) = (Some(bounds.0), Some(bounds.1));
    let mut open = spanned.clone();
    open.name = "open".to_owned();
    open.fill.close_at_end = false;
    let mut spec = set(source(rows), vec![spanned, open]);
    spec.machinery.batch_rows = batch_rows;
    run(&spec)
}

#[test]
fn a_span_gives_what_the_data_cut_to_it_give() {
    let bounds = (close_of(11), close_of(20));
    for instruments in [&[0][..], &[0, 1]] {
        let cut = spanning(instruments, 1024, 10..20, bounds);
        assert_eq!(cut.result.accounts[0].statistics.span_ns, Some(bounds));
        for batch_rows in [1, 2, 7, 64] {
            let whole = spanning(instruments, batch_rows, 0..40, bounds);
            assert_eq!(whole.records, cut.records, "{instruments:?} {batch_rows}");
            for (whole, cut) in whole.result.accounts.iter().zip(&cut.result.accounts) {
                assert_eq!(whole.final_equity, cut.final_equity, "{instruments:?} {batch_rows} {}", cut.name);
                assert_eq!(whole.hash, cut.hash);
                assert_eq!(whole.statistics, cut.statistics);
                let last = |account: &barhive_engine::result::AccountResult| {
                    account.open_positions.iter().map(|open| open.last_price).collect::<Vec<_>>()
                };
                assert_eq!(last(whole), last(cut));
            }
        }
    }
}

#[test]
fn a_span_without_a_bar_is_said_in_the_report() {
    let mut outside = account("outside", vec![strategy("s", scripted(holder), &[0])]);
    outside.from_ns = Some(close_of(100));
    let inside = account("inside", vec![strategy("s", scripted(holder), &[0])]);
    let ran = run(&set(source(0..40), vec![outside.clone(), inside]));
    let warning = "account outside: no bar lies in its span, so it never took a step";
    assert_eq!(ran.result.warnings, [warning]);
    let error = crate::kit::try_run(&set(source(0..40), vec![outside])).err().map(|error| error.to_string());
    assert_eq!(
        error.as_deref(),
        Some("no bar was delivered: the data are empty, or none lies in the asked span")
    );
}

#[test]
fn spans_of_neighbours_change_nothing() {
    let of = |name: &str, from: i64, to: i64| -> ContainerSpec {
        let busy = scripted(|ctx: &mut Context<'_>, bars: Bars, bar: usize| {
            let _ = bars;
            ctx.target(Inst(0), bar as i64 % 3 - 1);
        });
        let mut account = account(name, vec![strategy("s", busy, &[0])]);
        (account.from_ns, account.to_ns) = (Some(close_of(from)), Some(close_of(to)));
        account
    };
    let accounts: Vec<_> = (0..12).map(|k| of(&format!("a{k}"), k, 40 - 2 * k)).collect();
    let together = run(&set(source(0..40), accounts.clone()));
    for (index, account) in accounts.into_iter().enumerate() {
        let alone = run(&set(source(0..40), vec![account]));
        assert_eq!(alone.records[0], together.records[index]);
        assert_eq!(alone.result.accounts[0].hash, together.result.accounts[index].hash);
    }
}

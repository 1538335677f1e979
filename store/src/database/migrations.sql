-- Steps of the schema, in order; a step ends where the next begins and is never changed once released.
-- The SQL is what SQLite and PostgreSQL both understand. Times are UTC nanoseconds, money is a decimal
-- text (exact), ratios are fractions, variants are counted from 1 as the program's --jobs does.

-- step 1
CREATE TABLE run_ledger (
    run TEXT PRIMARY KEY,
    sweep TEXT NOT NULL,
    data_hash TEXT NOT NULL,
    config_hash TEXT NOT NULL,
    config TEXT NOT NULL,
    program TEXT NOT NULL,
    seed TEXT NOT NULL,
    variants BIGINT NOT NULL,
    selected TEXT NOT NULL,
    trials BIGINT NOT NULL,
    created_ns BIGINT NOT NULL,
    result_hash TEXT,
    folder TEXT NOT NULL
);
CREATE INDEX run_ledger_data ON run_ledger (data_hash);
CREATE TABLE run_data (
    run TEXT NOT NULL,
    series TEXT NOT NULL,
    hash TEXT,
    PRIMARY KEY (run, series)
);
CREATE TABLE run_passes (
    run TEXT NOT NULL,
    first_variant BIGINT NOT NULL,
    last_variant BIGINT NOT NULL,
    PRIMARY KEY (run, first_variant)
);
CREATE TABLE backtest_executions (
    run TEXT NOT NULL,
    variant BIGINT NOT NULL,
    strategy TEXT NOT NULL,
    kind TEXT NOT NULL,
    instruments TEXT NOT NULL,
    timeframe TEXT NOT NULL,
    params TEXT NOT NULL,
    variant_key TEXT NOT NULL,
    data_hash TEXT NOT NULL,
    config_hash TEXT NOT NULL,
    program TEXT NOT NULL,
    seed TEXT NOT NULL,
    outcome TEXT NOT NULL,
    failed_step BIGINT,
    failed_ts_ns BIGINT,
    reason TEXT,
    digest TEXT,
    final_equity TEXT,
    fees TEXT,
    orders BIGINT,
    fills BIGINT,
    trades BIGINT,
    PRIMARY KEY (run, variant)
);
CREATE TABLE statistics (
    run TEXT NOT NULL,
    variant BIGINT NOT NULL,
    first_step_ns BIGINT,
    last_step_ns BIGINT,
    steps DOUBLE PRECISION,
    total_return DOUBLE PRECISION,
    annual_return DOUBLE PRECISION,
    annual_volatility DOUBLE PRECISION,
    sharpe DOUBLE PRECISION,
    sortino DOUBLE PRECISION,
    calmar DOUBLE PRECISION,
    max_drawdown DOUBLE PRECISION,
    max_drawdown_duration_ns DOUBLE PRECISION,
    equity_peak DOUBLE PRECISION,
    exposure DOUBLE PRECISION,
    win_rate DOUBLE PRECISION,
    profit_factor DOUBLE PRECISION,
    average_trade DOUBLE PRECISION,
    best_trade DOUBLE PRECISION,
    worst_trade DOUBLE PRECISION,
    sqn DOUBLE PRECISION,
    days_per_year DOUBLE PRECISION,
    PRIMARY KEY (run, variant)
);
CREATE TABLE backtest_signals (
    run TEXT NOT NULL,
    variant BIGINT NOT NULL,
    number BIGINT NOT NULL,
    ts_ns BIGINT NOT NULL,
    strategy TEXT NOT NULL,
    symbol TEXT NOT NULL,
    kind TEXT NOT NULL,
    lots BIGINT NOT NULL,
    price TEXT,
    PRIMARY KEY (run, variant, number)
);
CREATE TABLE trades (
    run TEXT NOT NULL,
    variant BIGINT NOT NULL,
    number BIGINT NOT NULL,
    strategy TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    lots BIGINT NOT NULL,
    entry_ts_ns BIGINT NOT NULL,
    exit_ts_ns BIGINT NOT NULL,
    entry_value TEXT NOT NULL,
    exit_value TEXT NOT NULL,
    fees TEXT NOT NULL,
    pnl TEXT NOT NULL,
    PRIMARY KEY (run, variant, number)
);

-- step 2
CREATE TABLE recorded_variants (
    run TEXT NOT NULL,
    variant BIGINT NOT NULL,
    signals BIGINT NOT NULL,
    trades BIGINT NOT NULL,
    PRIMARY KEY (run, variant)
);

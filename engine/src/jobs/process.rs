//! What workers and processes are and do, and how the machine is shared.

use super::words::words;

words! {
    /// What a worker is doing.
    WorkerState as "worker state" {
        /// Waits for work.
        Idle = "idle",
        /// Prepares: loads data, builds its parts.
        Initializing = "initializing",
        /// Works.
        Running = "running",
        /// Holds still between two slices.
        Paused = "paused",
        /// Has finished its work and not yet been given more.
        Completed = "completed",
        /// Its last work failed.
        Failed = "failed",
        /// On its way out.
        Terminating = "terminating",
    }
}

words! {
    /// What a process is doing.
    ProcessState as "process state" {
        /// Started, and has not yet shown that it lives.
        Starting = "starting",
        /// Lives and works.
        Running = "running",
        /// Holds still.
        Paused = "paused",
        /// Was asked to end.
        Stopping = "stopping",
        /// Ended as it was asked to.
        Stopped = "stopped",
        /// Ended with an error that it reported.
        Failed = "failed",
        /// Ended without a word: a signal, an abort, or silence for too long.
        Crashed = "crashed",
    }
}

words! {
    /// What a process is for.
    ProcessType as "process type" {
        /// Follows the markets and trades: has a core and memory of its own, and is shed last.
        LiveScanner = "live-scanner",
        /// Runs passes of backtests on what is left.
        BacktestWorker = "backtest-worker",
        /// Hands out the work.
        ExecutionManager = "execution-manager",
        /// Measures the machine.
        ResourceMonitor = "resource-monitor",
    }
}

words! {
    /// How backtests and live work share the machine.
    ExecutionMode as "execution mode" {
        /// Backtests only: they may have everything.
        Standalone = "standalone",
        /// Backtests beside live work, each with its share.
        Concurrent = "concurrent",
        /// Live work first: backtests get nothing while it lags.
        PriorityLive = "priority-live",
    }
}

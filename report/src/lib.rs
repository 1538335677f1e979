//! Reports of barhive runs: terminal, JSON, HTML, Parquet and CSV

//! Foreign data formats for barhive: CSV, Parquet, synthetic markets

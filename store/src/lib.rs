//! What outlives a run: the bar catalog and the tail

//! barhive

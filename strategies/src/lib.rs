//! Built-in strategies of barhive, one file each

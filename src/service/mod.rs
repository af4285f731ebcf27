//! The use cases: load, decide, record. Owns the clock.

pub mod status;

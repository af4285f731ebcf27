//! Replays for analysts: months under one law or several, beside each other, swept and explained.
//!
//! **Invariant:** every answer comes out of the same engine as the live decision; nothing that is
//! supposed is recorded or paid.

pub mod parallel;

pub mod compare;

pub mod totals;

pub mod sweep;

pub mod outlook;

pub mod explain;

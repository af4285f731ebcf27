//! The field's nouns as values: months, exact numbers, areas, groups, figures, standards, days.
//!
//! **Invariant:** nothing here reads a file, a clock or the network; a value that exists is valid.

pub mod month;

pub mod exact;

pub mod rise;

pub mod code;

pub mod area;

pub mod group;

pub mod series;

pub mod text;

pub mod figure;

pub mod standard;

pub mod calendar;

pub mod decision;

pub mod run;

pub mod life;

pub mod identity;

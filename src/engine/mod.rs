//! What follows from the law and the figures: pure functions from values to explained answers.
//!
//! **Invariant:** nothing here reads a file, a clock or the network; the explanation of an answer is
//! the output of the evaluation that made it.

pub mod question;

pub mod reading;

pub mod condition;

mod episode;

pub mod trigger;

pub mod timeline;

pub mod alike;

pub mod deadline;

pub mod amount;

pub mod funding;

pub mod several;

pub mod draft;

mod case;

pub mod budget;

pub mod grounds;

pub mod sums;

pub mod adjust;

pub mod jump;

pub mod due;

pub mod reason;

pub mod words;

pub mod operand;

mod step;

mod change;

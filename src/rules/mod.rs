//! The law as data: how a document is written, read, checked and put together with others.
//!
//! **Invariant:** nothing here knows an index figure, a clock or a file system; a document becomes
//! law only without an error finding, and two documents never silently contradict each other.

pub mod finding;

pub mod cite;

mod expected;

mod reader;

pub mod value;

pub mod word;

pub mod shape;

pub mod sum;

pub mod expr;

pub mod param;

pub mod shown;

pub mod terms;

mod coverage;

mod reach;

pub mod bounds;

mod head;

pub mod case;

pub mod instrument;

pub mod reform;

mod conflicts;

pub mod library;

pub mod lint;

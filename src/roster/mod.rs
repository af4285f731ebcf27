//! Rosters: from a list of persons to a payment list, one line a person.
//!
//! A roster is read twice. The first reading keeps twenty bytes of each row (a keyed hash of the
//! person, the row, and the cell of area × group × residence), spread over partitions by the hash,
//! past a budget of memory on disk. The law then runs once for each cell, never for a person. Each
//! partition by itself tells which row of a person is paid. The second reading writes those rows out.
//!
//! **Invariant:** a person has at most one line; what is read of a person besides the hash goes to
//! the payment list and nowhere else: no error, no log, no reject carries it.

pub mod columns;

pub mod source;

mod error;

pub use error::RosterError;

pub mod cell;

pub mod person;

mod pool;

pub mod reject;

pub mod work;

pub mod gather;

pub mod rates;

pub mod claims;

pub mod pick;

pub mod sink;

pub mod list;

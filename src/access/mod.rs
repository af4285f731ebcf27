//! Who may do what: roles, principals with their areas, and the file that names them.
//!
//! **Invariant:** what the table does not allow is refused; nothing here reads a file or a clock but
//! [`directory`], to which the time of day is given, and [`issuer`].

pub mod role;

pub mod principal;

pub mod table;

pub mod token;

pub mod file;

pub(crate) mod watched;

pub mod directory;

pub mod issuer;

pub mod edit;

pub mod limit;

pub use directory::Directory;
pub use principal::{Caller, Grant, Origin, Principal};
pub use role::Role;

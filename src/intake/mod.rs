//! From the files of offices and deployments to the field's values.
//!
//! **Invariant:** what comes out is valid and complete; what is wrong is told with its place.

pub mod table;

pub mod figures;

pub mod headcounts;

pub mod settlements;

pub mod persons;

pub mod lists;

pub mod folder;

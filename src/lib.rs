//! `price-linkage`: decides, computes, explains and keeps the temporary price subsidy.

pub mod domain;

pub mod rules;

pub mod engine;

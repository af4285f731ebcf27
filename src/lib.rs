//! `price-linkage`: decides, computes, explains and keeps the temporary price subsidy (价格临时补贴).
//!
//! The rooms, in reading order:
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod domain;

pub mod rules;

pub mod engine;

pub mod intake;

pub mod roster;
pub mod sheets;

pub mod charts;

pub mod journal;

pub mod store;

pub mod service;

pub mod access;

pub mod grpc;

pub mod metrics;

pub mod client;

pub mod follow;

pub mod web;

pub mod cli;

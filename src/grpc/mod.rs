//! Proto in, proto out.
//!
//! **Invariant:** proto types stay in here and in the client side of the command line.

/// The generated types and services.
pub mod pb {
    #![allow(missing_docs, clippy::all, reason = "generated; documented in the proto files")]

    /// The package of this service.
    pub mod pricelinkage {
        /// Version 1.
        pub mod v1 {
            tonic::include_proto!("pricelinkage.v1");
        }
    }

    /// Common types.
    pub mod google {
        /// Decimals.
        pub mod r#type {
            tonic::include_proto!("google.r#type");
        }
    }
}

pub use convert::instant as timestamp;
pub use pb::{google::r#type::Decimal, pricelinkage::v1};

/// Descriptors of every message and service, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

mod read;

mod convert;

pub mod status;

mod deadline;

pub mod arrivals;

pub mod encryption;

pub mod called;

#[cfg(feature = "traces")]
mod continued;

pub mod access;

mod asker;

mod page;

pub mod record;

pub mod answers;

mod replay;

mod replay_message;

mod replay_months;

mod replay_read;

mod replay_streams;

mod diff;

pub mod law;

pub mod run;

pub mod run_message;

mod due;

pub mod roster;

pub mod audit;

pub mod journal;

pub mod server;

//! What an operator watches: counts, durations and what is due, in the text format of Prometheus; and
//! whether the service lives and is ready.
//!
//! **Invariant:** nothing here tells of a person: labels are rpcs, codes and states, never names,
//! accounts or areas.

mod calls;

mod state;

mod watched;

pub use self::{
    calls::{Calls, CallsLayer},
    watched::{Watched, router},
};

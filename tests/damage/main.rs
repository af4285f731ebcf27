//! What the journal, the store and the writer promise when something is torn, damaged or refused.

mod facts;

mod fixture;

mod journal;

mod kinds;

mod sampled;

mod store;

mod writer;

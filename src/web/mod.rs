//! The page: HTML for people, rendered here and readable without a script.
//!
//! It is a client of the services like any other: each page asks them in process, as whoever signed
//! in, and shows what they answer. Its own are the frame, tables, the map, sessions and headers.
//!
//! **Invariant:** nothing is decided, computed or permitted here that the services do not; a page that
//! only reads works without a script; every form that records carries the session's token.

mod site;

mod visit;

mod refusal;

mod session;

mod form;

mod sign_in;

mod headers;

mod assets;

mod words;

mod names;

mod reasons;

mod frame;

mod table;

mod parts;

mod map;

mod month;

mod area;

mod amounts;

mod past;

mod figure;

mod law;

mod document;

mod runs;

mod run;

mod moves;

mod roster;

mod downloads;

mod record;

mod confirm;

mod grid;

mod slider;

mod replay;

mod audit;

mod encrypted;

mod router;

pub mod connections;

pub use self::{
    encrypted::Encrypted,
    router::router,
    site::{Settings, Site},
};

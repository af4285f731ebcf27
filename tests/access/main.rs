//! Who may do what, over every rpc: by role, by area, by token and certificate, and how often.

mod fixture;

mod walk;

mod areas;

mod doors;

mod issuer;

mod command;

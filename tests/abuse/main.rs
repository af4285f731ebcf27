//! What nobody does by mistake: each is refused in so many words, and none takes more memory than it may.

mod fixture;

mod values;

mod files;

mod bombs;

mod wire;

//! Roster runs: from a list of persons to a run that says how many of each cell are paid, and to
//! the payment list.
//!
//! **Invariant:** nothing of a person but the keyed hash stays with the service.

use std::{
    fs::File,
    io::{Seek, SeekFrom},
};

use crate::{
    access::principal::Reach,
    domain::{area::AreaCode, life::RunState, month::Month, run::Run},
    intake::table::Problems,
    journal::entry::sha256_hex,
    roster::{
        RosterError,
        cell::Cells,
        columns::Mapping,
        list::{Listing, Totals, complete, write_list, write_rejects},
        pick::Picked,
        rates::Rates,
        source::{Format, Source},
        work::Watch,
    },
    store::StoreError,
};

use super::{ServiceError, run::RunRefused};

mod cells;

mod make;

mod list;

mod settle;

/// A roster as it is given.
pub struct Roster {
    /// Its bytes.
    pub file: File,
    /// How they are written.
    pub format: Format,
    /// Headers of its own.
    pub mapping: Mapping,
}

impl Roster {
    fn open(&self, digest: bool) -> Result<Source, RosterError> {
        let again = || -> std::io::Result<File> {
            let mut file = self.file.try_clone()?;
            file.seek(SeekFrom::Start(0))?;
            Ok(file)
        };
        let file = again().map_err(RosterError::io("read the roster"))?;
        Source::open(file, self.format, &self.mapping, digest)
    }
}

/// What a roster run is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterSpec {
    /// The index month.
    pub month: Month,
    /// Refuse assumptions.
    pub strict: bool,
    /// Pay months without a trigger where a document records that it was so decided.
    pub discretion: bool,
    /// What the maker says about it.
    pub note: String,
    /// The released run that it follows: it pays those whom that run did not reach.
    pub follows: Option<String>,
    /// Who left a group, as a table; a row without a day counts from the beginning.
    pub ended: Vec<u8>,
    /// Who is paid elsewhere or pays contributions, as a table.
    pub elsewhere: Vec<u8>,
    /// The areas whose rows the maker may bring.
    pub within: Reach,
}

/// What rosters may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Means {
    /// How many parts are worked on at once.
    pub workers: usize,
    /// Most bytes of rows held in memory; what does not fit goes to a file without a name.
    pub memory: usize,
}

impl RosterSpec {
    /// Everything that makes one request another one.
    fn canonical(&self) -> String {
        let Self { month, strict, discretion, note, follows, ended, elsewhere, within: _ } = self;
        let (ended, elsewhere) = (sha256_hex(ended), sha256_hex(elsewhere));
        format!("{month}|{strict}|{discretion}|{note}|{follows:?}|{ended}|{elsewhere}")
    }
}

impl Default for Means {
    /// As many workers as there are processors, and 2 GiB.
    fn default() -> Self {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        Self { workers, memory: 2 << 30 }
    }
}

/// Why a roster run was not made, or its list not written.
#[derive(Debug, thiserror::Error)]
pub enum RosterRefused {
    /// The roster cannot be worked through.
    #[error("the roster: {0}")]
    Roster(#[from] RosterError),
    /// There is no run to be made of it.
    #[error(transparent)]
    Run(#[from] RunRefused),
    /// It was not recorded.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// A row is of an area that is not the maker's.
    #[error("the roster has rows of area {area}, which is not yours")]
    Outside {
        /// The area.
        area: AreaCode,
    },
    /// No key was given.
    #[error("expected a key for persons: make one with `run key` and give it as --person-keys")]
    NoKey,
    /// The month was begun under another key.
    #[error("run {run} of the same month has the key {key}: expected it among the keys given")]
    OtherKey {
        /// The run.
        run: String,
        /// The name of its key.
        key: String,
    },
    /// There is no folder to keep claims in.
    #[error("expected a store: roster runs are kept in one")]
    NoStore,
    /// The claims of a run are missing or damaged.
    #[error("the claims of run {run} are missing or damaged: expected file {digest} in the store")]
    Claims {
        /// The run.
        run: String,
        /// The SHA-256 of the file.
        digest: String,
    },
    /// Another roster run for the month came in between.
    #[error("something was recorded for {month} meanwhile: expected a repeat")]
    Overtaken {
        /// The index month.
        month: Month,
    },
    /// The run has no list of persons.
    #[error("run {run}: expected a roster run, for the same month where it is followed")]
    NoRoster {
        /// The run.
        run: String,
    },
    /// The run to be followed is not released yet.
    #[error("run {run} is {}: expected released or closed, to follow it", state.as_str())]
    NotReleased {
        /// The run.
        run: String,
        /// Its state.
        state: RunState,
    },
    /// The run is not approved yet.
    #[error("run {run} is {}: expected approved, released or closed", state.as_str())]
    NotApproved {
        /// The run.
        run: String,
        /// Its state.
        state: RunState,
    },
    /// A list of persons has rows that cannot be used.
    #[error("the list of persons ({list}) has bad rows:\n{problems}")]
    Persons {
        /// Which: `ended` or `elsewhere`.
        list: &'static str,
        /// The rows.
        problems: Problems,
    },
    /// A settlement has rows that cannot be used; then none is.
    #[error("the settlement has bad rows:\n{0}")]
    Settlement(Problems),
    /// It is not the roster the run was made from.
    #[error("the roster has the SHA-256 {found}, expected {expected}, from which {run} was made")]
    OtherRoster {
        /// The run.
        run: String,
        /// What was given.
        found: String,
        /// What was expected.
        expected: String,
    },
}

impl From<StoreError> for RosterRefused {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

/// A roster worked out.
pub struct Worked {
    /// The run as it would be made.
    pub run: Run,
    /// Which rows are paid.
    pub picked: Picked,
    /// What each cell is paid.
    rates: Rates,
    cells: Cells,
    month: Month,
    /// The earlier runs that were looked into.
    earlier: Vec<String>,
}

impl Worked {
    /// Writes the payment list of a trial, whose lines have no reference.
    ///
    /// # Errors
    /// See [`RosterError`].
    pub fn write_list(
        &self,
        roster: &Roster,
        (file, format): (File, Format),
        means: Means,
        watch: &Watch<'_>,
    ) -> Result<Totals, RosterError> {
        let Self { picked, rates, cells, month, .. } = self;
        let (month, workers) = (*month, means.workers);
        let listing = Listing { cells, rates, picked, month, run: None, workers };
        let (totals, _) = write_list(roster.open(false)?, file, format, &listing, watch)?;
        complete(&totals, picked)?;
        Ok(totals)
    }

    /// The earlier runs that were looked into.
    pub fn earlier(&self) -> &[String] {
        &self.earlier
    }

    /// Writes the rows that are not paid.
    ///
    /// # Errors
    /// See [`RosterError`].
    pub fn write_rejects(
        &self,
        (file, format): (File, Format),
        watch: &Watch<'_>,
    ) -> Result<Totals, RosterError> {
        write_rejects(&self.picked, &self.earlier, file, format, watch)
    }
}

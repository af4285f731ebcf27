//! The payment list of a recorded run, and its claims.

use std::fs::File;

use crate::{
    domain::{
        life::RunState,
        run::{RosterPin, Run},
    },
    roster::{
        claims::Earlier,
        list::{Listing, Totals, complete, used, write_list},
        source::Format,
        work::Watch,
    },
    service::Service,
};

use super::{
    Means, Roster, RosterRefused,
    cells::{cell_rates, headcounts},
};

impl Service {
    /// Writes the payment list of an approved run from the roster it was made from.
    ///
    /// # Errors
    /// See [`RosterRefused`]; the file is then not to be used.
    pub fn write_run_list(
        &self,
        run: &str,
        roster: &Roster,
        (file, format): (File, Format),
        means: Means,
        watch: &Watch<'_>,
    ) -> Result<Totals, RosterRefused> {
        let life = self.run(run)?;
        let (run, state) = (life.run.id.clone(), life.state());
        let pin = life.run.roster.as_ref();
        let Some(pin) = pin else { return Err(RosterRefused::NoRoster { run }) };
        if !matches!(state, RunState::Approved | RunState::Released | RunState::Closed) {
            return Err(RosterRefused::NotApproved { run, state });
        }
        let cells = self.cells();
        let claims = self.claims(&life.run, pin)?;
        let (picked, rates) = (claims.picked(&cells)?, claims.rates(&cells)?);
        let (month, workers) = (pin.month, means.workers);
        let (cells, rates, picked) = (&cells, &rates, &picked);
        let listing = Listing { cells, rates, picked, month, run: Some(&run), workers };
        let (totals, found) = write_list(roster.open(true)?, file, format, &listing, watch)?;
        let (found, expected) = (found.unwrap_or_default(), pin.roster.clone());
        if found != expected {
            return Err(RosterRefused::OtherRoster { run, found, expected });
        }
        complete(&totals, picked)?;
        Ok(totals)
    }

    /// What speaks against the claims of a roster run: that they are gone, or damaged, or of others
    /// than its headcounts. O(persons).
    pub(in crate::service) fn claims_differ(&self, run: &Run) -> Option<String> {
        let pin = run.roster.as_ref()?;
        let cells = self.cells();
        let read = self.claims(run, pin);
        let read = read.and_then(|claims| Ok((claims.picked(&cells)?, claims.rates(&cells)?)));
        let (picked, rates) = match read {
            Err(error) => return Some(error.to_string()),
            Ok(read) => read,
        };
        let counted = headcounts(&cells, &picked.persons, pin.month);
        if !counted.map(|(_, one)| one).eq(run.headcounts.iter().cloned()) {
            return Some("claims: they are of others than the headcounts".to_owned());
        }
        let lines = cell_rates(&cells, run.lines.iter());
        let unequal = used(&picked.persons).any(|(id, _)| lines[id as usize] != Ok(rates.fen(id)));
        unequal.then(|| "claims: they are at other rates than the lines".to_owned())
    }

    /// The claims of a run, checked against their digest.
    pub(super) fn claims(&self, run: &Run, pin: &RosterPin) -> Result<Earlier, RosterRefused> {
        let kept = self.kept.as_ref().ok_or(RosterRefused::NoStore)?;
        let (run, digest) = (run.id.clone(), pin.claims.clone());
        if !kept.is_intact(&digest)? {
            return Err(RosterRefused::Claims { run, digest });
        }
        Ok(Earlier::open(&kept.path(&digest))?)
    }
}

//! The payment list of a recorded run, and its claims.

use std::fs::File;

use crate::{
    domain::{
        life::RunState,
        run::{RosterPin, Run},
    },
    roster::{
        claims::Earlier,
        list::{Listing, Totals, complete, write_list},
        source::Format,
        work::Watch,
    },
    service::Service,
};

use super::{
    Means, Roster, RosterRefused,
    cells::{headcounts, paid_rates},
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
        let picked = self.claims(&life.run, pin)?.picked(&cells)?;
        let rates = paid_rates(&cells, &life.run);
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
        let picked = self.claims(run, pin).and_then(|claims| Ok(claims.picked(&cells)?));
        match picked {
            Err(error) => Some(error.to_string()),
            Ok(picked) => {
                let counted = headcounts(&cells, &picked.persons, pin.month).map(|(_, one)| one);
                let equal = counted.eq(run.headcounts.iter().cloned());
                (!equal).then(|| "claims: they are of others than the headcounts".to_owned())
            }
        }
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

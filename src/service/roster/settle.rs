//! What became of the lines of a payment list, as it comes back.
//!
//! **Invariant:** a line gets its outcome once. One that failed stays failed, since another run may
//! pay its person from then on.

use std::{collections::BTreeMap, fs, io::Write};

use crate::{
    domain::life::{Life, Move, RunEvent, Settlement},
    intake::{
        settlements::{Outcome, read_settlements},
        table::{Gathered, Problems},
    },
    journal::entry::{Operation, sha256_hex},
    roster::RosterError,
    service::{
        Request, Service, ServiceError,
        run::RunRefused,
        writer::{Command, Plan, SubmitError},
    },
    store::kept::Kept,
};

use super::{
    RosterRefused,
    make::{NotSeen, Overtaken},
};

/// Bytes of an outcome: the line, and the outcome's place among [`Outcome::ALL`].
const BYTES: usize = 5;

impl Service {
    /// Records what became of lines of a released run's payment list. Blocks; not on an async
    /// thread. Rows that say what is recorded already change nothing.
    ///
    /// # Errors
    /// See [`RosterRefused`]; then nothing was recorded.
    pub fn settle_run(
        &self,
        request: Request,
        run: &str,
        table: &[u8],
    ) -> Result<Life, RosterRefused> {
        let kept = self.kept.as_ref().ok_or(RosterRefused::NoStore)?;
        let life = self.run(run)?;
        let Some(pin) = &life.run.roster else {
            return Err(RosterRefused::NoRoster { run: life.run.id.clone() });
        };
        let file = sha256_hex(table);
        let Request { principal, id: request_id, validate_only, origin } = request;
        let request_digest = sha256_hex(format!("{principal}|{run}|{file}"));
        let command = |plan| Command {
            principal: principal.clone(),
            request_id: request_id.clone(),
            request_digest: request_digest.clone(),
            origin: origin.clone(),
            plan,
        };
        // A repeat is answered as the first was, whatever has come back of the lines since.
        if !validate_only {
            match self.writer.submit(command(Box::new(|_, _| Err(Box::new(NotSeen))))) {
                Ok(_) => return Ok(self.run(run)?),
                Err(SubmitError::Refused(why)) if why.is::<NotSeen>() => {}
                Err(error) => return Err(ServiceError::from(error).into()),
            }
        }
        let lines: u64 = life.run.headcounts.iter().map(|one| one.persons).sum();
        let lines = u32::try_from(lines).map_err(|_| RosterError::Range)?;
        let rows = read_settlements(table, &life.run.id, lines);
        let rows = rows.map_err(RosterRefused::Settlement)?;
        let before = self.outcomes(&life, lines)?;
        let new = fresh(rows, &before).map_err(RosterRefused::Settlement)?;
        let settlement = Settlement {
            file,
            outcomes: keep(kept, &new)?,
            paid: new.iter().filter(|(_, one)| *one == Outcome::Paid).count() as u64,
            failed: failures(&new),
        };
        let (by, month) = (principal.clone(), pin.month);
        let (run, seen) = (life.run.id.clone(), life.events.len());
        let plan = move |ledger: &crate::store::ledger::Ledger, at| {
            let (made, reason) = (Move::Settle, String::new());
            let settlement = Some(settlement);
            let event = RunEvent { run: run.clone(), made, by, at, reason, settlement };
            ledger.runs.check_move(&event).map_err(RunRefused::from)?;
            if ledger.runs.get(&run).map_err(RunRefused::from)?.events.len() != seen {
                return Err(Box::new(Overtaken) as _);
            }
            let operation = (!new.is_empty()).then_some(Operation::MoveRun { event });
            Ok(Plan { operation, answer: serde_json::json!({ "run": run }) })
        };
        let overtaken = |error| match error {
            SubmitError::Refused(why) if why.is::<Overtaken>() => {
                RosterRefused::Overtaken { month }
            }
            error => ServiceError::from(error).into(),
        };
        if validate_only {
            let ledger = self.writer.snapshot();
            plan(&ledger, crate::service::now())
                .map_err(SubmitError::Refused)
                .map_err(overtaken)?;
            return Ok(life);
        }
        self.writer.submit(command(Box::new(plan))).map_err(overtaken)?;
        Ok(self.run(&life.run.id)?)
    }

    /// What became of each line so far, from line 1 on. O(lines).
    fn outcomes(&self, life: &Life, lines: u32) -> Result<Vec<Option<Outcome>>, RosterRefused> {
        let kept = self.kept.as_ref().ok_or(RosterRefused::NoStore)?;
        let mut found = vec![None; lines as usize];
        for settlement in life.events.iter().filter_map(|event| event.settlement.as_ref()) {
            let (run, digest) = (life.run.id.clone(), settlement.outcomes.clone());
            let bytes = fs::read(kept.path(&digest)).unwrap_or_default();
            if sha256_hex(&bytes) != digest {
                return Err(RosterRefused::Claims { run, digest });
            }
            for [a, b, c, d, outcome] in bytes.as_chunks::<BYTES>().0 {
                let line = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
                if let Some(place) = line.checked_sub(1).and_then(|line| found.get_mut(line)) {
                    *place = Outcome::ALL.get(usize::from(*outcome)).copied();
                }
            }
        }
        Ok(found)
    }

    /// The lines of a run that failed, from line 1 on; empty when none did.
    pub(super) fn failed_lines(&self, life: &Life) -> Result<Vec<bool>, RosterRefused> {
        let mut settled = life.events.iter().filter_map(|event| event.settlement.as_ref());
        if settled.all(|one| one.failed.is_empty()) {
            return Ok(Vec::new());
        }
        let lines: u64 = life.run.headcounts.iter().map(|one| one.persons).sum();
        let lines = u32::try_from(lines).map_err(|_| RosterError::Range)?;
        let failed = |outcome: &Option<Outcome>| outcome.is_some_and(|one| one != Outcome::Paid);
        Ok(self.outcomes(life, lines)?.iter().map(failed).collect())
    }
}

/// The rows that say something new.
fn fresh(
    rows: Vec<(u32, Outcome)>,
    before: &[Option<Outcome>],
) -> Result<Vec<(u32, Outcome)>, Problems> {
    let (mut new, mut problems) = (Vec::new(), Gathered::default());
    for (at, (line, outcome)) in (2..).zip(rows) {
        match before[line as usize - 1] {
            None => new.push((line, outcome)),
            Some(known) if known == outcome => {}
            Some(known) => {
                let expected = format!("{}, as line {line} was settled before", known.as_str());
                problems.push(at, "outcome", outcome.as_str(), expected);
            }
        }
    }
    new.sort_unstable();
    problems.finish(new)
}

fn failures(new: &[(u32, Outcome)]) -> BTreeMap<String, u64> {
    let mut failed = BTreeMap::new();
    for (_, outcome) in new.iter().filter(|(_, outcome)| *outcome != Outcome::Paid) {
        *failed.entry(outcome.as_str().to_owned()).or_insert(0) += 1;
    }
    failed
}

/// Keeps outcomes; gives their digest.
fn keep(kept: &Kept, new: &[(u32, Outcome)]) -> Result<String, RosterRefused> {
    let bytes: Vec<u8> = new
        .iter()
        .flat_map(|(line, outcome)| {
            let [a, b, c, d] = line.to_be_bytes();
            [a, b, c, d, *outcome as u8]
        })
        .collect();
    let digest = sha256_hex(&bytes);
    let file = kept.begin()?;
    let written = file.handle().and_then(|mut handle| {
        handle.write_all(&bytes)?;
        handle.sync_all()
    });
    written.map_err(RosterError::io("keep the settlement"))?;
    kept.name(file, &digest)?;
    Ok(digest)
}

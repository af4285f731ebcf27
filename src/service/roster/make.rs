//! Rosters worked out and recorded.
//!
//! **Invariant:** the claims of a run are on disk before its entry is written.

use std::collections::BTreeMap;

use crate::{
    domain::{
        figure::View,
        group::Names,
        life::Life,
        month::Month,
        run::{Pins, RosterPin, Run, RunFinding, Weight},
    },
    intake::persons::read_persons,
    journal::entry::{Operation, sha256_hex},
    roster::{
        RosterError,
        cell::Cells,
        claims::ClaimsWriter,
        gather::{Gathered, Reading, gather},
        list::used,
        person::PersonKey,
        pick::{Picked, Picking, Watchlists, pick},
        work::Watch,
    },
    service::{
        Request, Service, ServiceError, now,
        run::{RunRefused, RunSpec, assemble, worked_out},
        writer::{Acknowledged, Command, Plan, PlanFn, SubmitError},
    },
    store::{ledger::Ledger, runs::run_id},
};

use super::{
    Means, Roster, RosterRefused, RosterSpec, Worked,
    cells::{followed, free, headcounts, paying, paying_runs, rates},
};

impl Service {
    /// Works a roster out without recording anything.
    ///
    /// # Errors
    /// See [`RosterRefused`].
    pub fn try_roster(
        &self,
        roster: &Roster,
        spec: &RosterSpec,
        principal: &str,
        means: Means,
        watch: &Watch<'_>,
    ) -> Result<Worked, RosterRefused> {
        let ledger = self.writer.snapshot();
        let key = match self.key_of(&ledger, spec.month) {
            Err(RosterRefused::NoKey) => PersonKey::fresh()?,
            key => key?,
        };
        // What is not recorded needs no digest.
        let first = self.first_reading((roster, false), spec, key, means, watch)?;
        self.work_out(&ledger, spec, principal, first, None, means, watch)
    }

    /// Makes a roster run. Blocks; not on an async thread. A repeat of the request gets the run that
    /// the first one made, without what was picked.
    ///
    /// # Errors
    /// See [`RosterRefused`].
    pub fn make_roster_run(
        &self,
        request: Request,
        roster: &Roster,
        spec: &RosterSpec,
        means: Means,
        watch: &Watch<'_>,
    ) -> Result<(Life, Option<Worked>), RosterRefused> {
        self.writer.accepts().map_err(ServiceError::from)?;
        let kept = self.kept.as_ref().ok_or(RosterRefused::NoStore)?;
        let ledger = self.writer.snapshot();
        let key = self.key_of(&ledger, spec.month)?;
        let first = self.first_reading((roster, true), spec, key, means, watch)?;
        let Request { principal, id: request_id, origin, .. } = request;
        let digest = first.gathered.digest.clone().unwrap_or_default();
        let request_digest = sha256_hex(format!("{principal}|{digest}|{}", spec.canonical()));
        let command = |plan| Command {
            principal: principal.clone(),
            request_id: request_id.clone(),
            request_digest: request_digest.clone(),
            origin: origin.clone(),
            plan,
        };
        let made =
            |answer: &Acknowledged| self.run(answer.answer["run"].as_str().unwrap_or_default());
        match self.writer.submit(command(Box::new(|_, _| Err(Box::new(NotSeen))))) {
            Ok(repeated) => return Ok((made(&repeated)?, None)),
            Err(SubmitError::Refused(why)) if why.is::<NotSeen>() => {}
            Err(error) => return Err(ServiceError::from(error).into()),
        }
        let nameless = kept.begin()?;
        let handle = nameless.handle().map_err(RosterError::io("keep the claims"))?;
        let (key, counts) = (first.key.id(), &first.gathered.counts);
        let mut claims = ClaimsWriter::new(handle, spec.month, key, &first.cells, counts);
        let writer = Some(&mut claims);
        let mut worked = self.work_out(&ledger, spec, &principal, first, writer, means, watch)?;
        let digest = claims.finish(&worked.rates)?;
        if let Some(pin) = &mut worked.run.roster {
            pin.claims.clone_from(&digest);
        }
        let _naming = kept.naming();
        kept.name(nameless, &digest)?;
        let plan = self.recording(&ledger, &worked);
        let submitted = self.writer.submit(command(plan));
        // Of what could not be written nobody knows whether the next start finds it.
        let is_refused = matches!(submitted, Err(SubmitError::Refused(_)));
        if is_refused && !self.writer.snapshot().runs.kept().contains(&digest) {
            kept.remove(&digest);
        }
        let submitted = submitted.map_err(|error| match error {
            SubmitError::Refused(why) if why.is::<Overtaken>() => {
                RosterRefused::Overtaken { month: spec.month }
            }
            error => ServiceError::from(error).into(),
        });
        Ok((made(&submitted?)?, Some(worked)))
    }

    /// Plans to record a run that was worked out on a ledger, unless something came in between that it
    /// might rest on: figures, standards, law, or another roster run of the month.
    fn recording(&self, seen: &Ledger, worked: &Worked) -> PlanFn {
        let (run, month) = (worked.run.clone(), worked.month);
        let (before, known) = (paying(seen, month), known(seen));
        Box::new(move |ledger: &Ledger, at| {
            if paying(ledger, month) != before || self::known(ledger) != known {
                return Err(Box::new(Overtaken));
            }
            let pins = Pins { known_at: at, ..run.pins };
            let run = Run { id: run_id(ledger.sequence() + 1), pins, ..run };
            ledger.runs.check_free(&run).map_err(RunRefused::from)?;
            let answer = serde_json::json!({ "run": run.id });
            Ok(Plan { operation: Some(Operation::MakeRun { run: run.into() }), answer })
        })
    }

    pub(super) fn cells(&self) -> Cells {
        Cells::new(&self.reference.data.areas, &self.reference.data.groups)
    }

    /// The key for a month: that of its live runs, or else the first of those given.
    fn key_of(&self, ledger: &Ledger, month: Month) -> Result<PersonKey, RosterRefused> {
        let Some((life, pin)) = paying_runs(ledger, month).next() else {
            return self.person_keys.first().cloned().ok_or(RosterRefused::NoKey);
        };
        let found = self.person_keys.iter().find(|key| key.id() == pin.key);
        let (run, key) = (life.run.id.clone(), pin.key.clone());
        found.cloned().ok_or(RosterRefused::OtherKey { run, key })
    }

    fn first_reading(
        &self,
        (roster, digest): (&Roster, bool),
        spec: &RosterSpec,
        key: PersonKey,
        means: Means,
        watch: &Watch<'_>,
    ) -> Result<First, RosterError> {
        let Means { workers, memory } = means;
        let cells = self.cells();
        let reading = Reading { cells: &cells, key: &key, month: spec.month, workers, memory };
        let gathered = gather(roster.open(digest)?, &reading, watch)?;
        Ok(First { gathered, cells, key })
    }

    #[expect(clippy::too_many_arguments, reason = "what is asked, of what, and by what means")]
    fn work_out(
        &self,
        ledger: &Ledger,
        spec: &RosterSpec,
        principal: &str,
        first: First,
        claims: Option<&mut ClaimsWriter>,
        means: Means,
        watch: &Watch<'_>,
    ) -> Result<Worked, RosterRefused> {
        let First { gathered, cells, key } = first;
        let rows = used(&gathered.counts).filter_map(|(id, _)| cells.get(id));
        let outside = spec.within.outside(rows.map(|cell| cell.area), &self.reference.data.areas);
        if let Some(area) = outside {
            return Err(RosterRefused::Outside { area });
        }
        let (rates, mut findings) = rates(&self.reference, ledger, &cells, &gathered, spec)?;
        if let Some(follows) = &spec.follows {
            followed(ledger, follows, spec.month)?;
        }
        free(ledger, &cells, &gathered, &rates, spec).map_err(RunRefused::from)?;
        let (digest, rows) = (gathered.digest.clone().unwrap_or_default(), gathered.rows);
        let (mut names, mut earlier) = (Vec::new(), Vec::new());
        for (life, pin) in paying_runs(ledger, spec.month) {
            names.push(life.run.id.clone());
            earlier.push(self.claims(&life.run, pin)?.without(self.failed_lines(life)?));
        }
        let lists = &watchlists(spec, &key, &cells, &self.reference.data.groups)?;
        let picking = Picking { cells: &cells, rates: &rates, earlier: &earlier, lists };
        let picked = pick(gathered, &picking, claims, means.workers, watch)?;
        let mut rejects = BTreeMap::new();
        for reject in &picked.rejects {
            *rejects.entry(reject.reason.as_str().to_owned()).or_insert(0) += 1;
        }
        let (month, key, beaten) = (spec.month, key.id(), picked.beats.len() as u64);
        let (roster, claims) = (digest, String::new());
        let follows = spec.follows.clone();
        let conflicts = picked.conflicts.len() as u64;
        let pin =
            RosterPin { month, roster, rows, claims, key, beaten, rejects, conflicts, follows };
        findings.extend(noted(&picked, &cells, month, conflicts));
        let run = self.run_of(ledger, &cells, &picked, spec, (pin, &findings), principal)?;
        Ok(Worked { run, picked, rates, cells, month, earlier: names })
    }

    fn run_of(
        &self,
        ledger: &Ledger,
        cells: &Cells,
        picked: &Picked,
        spec: &RosterSpec,
        (pin, findings): (RosterPin, &[RunFinding]),
        principal: &str,
    ) -> Result<Run, RunRefused> {
        let reference = &self.reference;
        let RosterSpec { strict, discretion, note, .. } = spec.clone();
        let rejects = pin.rejects.clone();
        let headcounts = headcounts(cells, &picked.persons, spec.month).map(|(_, one)| one);
        let spec = RunSpec {
            headcounts: headcounts.collect(),
            strict,
            discretion,
            note,
            roster: Some(pin),
            findings: findings.to_vec(),
        };
        let law = &reference.data.library;
        let budget = worked_out(reference, ledger, law, &spec, &View::default())?;
        let (by, at) = (principal.to_owned(), now());
        match assemble(reference, ledger, spec, budget, by, self.approvals_needed, at) {
            // Who reads it wants to know what became of the rows.
            Err(RunRefused::Empty { .. }) => {
                let why = rejects.iter().map(|(reason, rows)| format!("{rows} rows {reason}"));
                Err(RunRefused::Empty { why: why.collect::<Vec<_>>().join(", ") })
            }
            made => made,
        }
    }
}

/// The persons a roster is matched against, under the key.
fn watchlists(
    spec: &RosterSpec,
    key: &PersonKey,
    cells: &Cells,
    groups: &Names,
) -> Result<Watchlists, RosterRefused> {
    let read = |list: &'static str, table: &[u8]| match table {
        [] => Ok(Vec::new()),
        table => read_persons(table, groups)
            .map_err(|problems| RosterRefused::Persons { list, problems }),
    };
    let mut lists = Watchlists::default();
    let before = spec.month.first_day();
    for one in read("ended", &spec.ended)? {
        // Whoever left during the month was on the list in it.
        if one.since.is_none_or(|since| since < before) {
            lists.ended.insert(key.hash(&one.person));
        }
    }
    for one in read("elsewhere", &spec.elsewhere)? {
        let groups = lists.elsewhere.entry(key.hash(&one.person));
        match one.group.and_then(|group| cells.group(group.as_str().as_bytes())) {
            Some(group) => {
                // A row without a group stands for all.
                let groups = groups.or_insert_with(|| vec![group]);
                if !groups.is_empty() {
                    groups.push(group);
                }
            }
            None => groups.or_default().clear(),
        }
    }
    Ok(lists)
}

/// What an approver should know of the persons.
fn noted(picked: &Picked, cells: &Cells, month: Month, conflicts: u64) -> Option<RunFinding> {
    let (id, _) = used(&picked.persons).next()?;
    let area = cells.get(id)?.area;
    (0 < conflicts).then(|| RunFinding {
        weight: Weight::Blocking,
        code: "benefit_conflict".to_owned(),
        month,
        area,
        group: None,
        zh: format!("{conflicts}人在其他发放或参保名单内,仍列入发放,请逐一核实"),
        en: format!("{conflicts} persons to be paid are on the list of those paid elsewhere"),
    })
}

/// What the first reading of a roster gave.
struct First {
    gathered: Gathered,
    cells: Cells,
    key: PersonKey,
}

/// How much is known that a run may rest on.
fn known(ledger: &Ledger) -> (usize, usize, usize) {
    (ledger.figures.len(), ledger.standards.len(), ledger.law().len())
}

/// Nothing was recorded for the request yet.
#[derive(Debug, thiserror::Error)]
#[error("not seen before")]
pub(super) struct NotSeen;

/// What a run was worked out from is not what is recorded any more.
#[derive(Debug, thiserror::Error)]
#[error("something was recorded meanwhile")]
pub(super) struct Overtaken;

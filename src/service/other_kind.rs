//! Telling whoever approves a run that a run of the other kind stands for the same payees.

use std::collections::BTreeMap;

use super::run::holder_near;
use crate::{
    domain::area::Areas,
    domain::run::{Claim, Run, RunFinding, RunKind, Weight},
    engine::reason::Vocabulary,
    store::runs::Runs,
};

/// A finding for each live run of the other kind that stands for the same payees, in an area, above or below:
/// a budget asks for the
/// money that a roster run pays, and whoever approves either must not take it for a second payment.
pub(super) fn other_kind(
    words: &Vocabulary<'_>,
    areas: &Areas,
    runs: &Runs,
    run: &Run,
) -> Vec<RunFinding> {
    let (other, zh, en) = match run.kind() {
        RunKind::Budget => (RunKind::Roster, "名册发放批次", "roster run"),
        RunKind::Roster => (RunKind::Budget, "资金测算批次", "budget run"),
    };
    let mut found: BTreeMap<String, (Claim, usize)> = BTreeMap::new();
    for claim in run.claims() {
        let same = Claim { kind: other, ..claim };
        if let Some((_, holder)) = holder_near(areas, runs, &same) {
            found.entry(holder.to_owned()).or_insert((same.clone(), 0)).1 += 1;
        }
    }
    let finding = |(holder, (claim, cells)): (String, (Claim, usize))| {
        let Claim { area, month, group, .. } = claim;
        RunFinding {
            weight: Weight::Warning,
            code: "other_kind".to_owned(),
            month,
            area,
            zh: format!(
                "{}{}等 {cells} 项另有{zh} {holder}:测算用于申请资金,名册批次才发放到人,不得据两者重复拨款",
                words.area(area),
                words.groups.zh(&group)
            ),
            en: format!(
                "{cells} cells, the first {} in {area}, are in {en} {holder} as well: a budget asks for the \
                 money that a roster run pays, so release only one of the two to the payees",
                words.groups.en(&group)
            ),
            group: Some(group),
        }
    };
    found.into_iter().map(finding).collect()
}

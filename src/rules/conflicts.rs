//! What is wrong between documents: ids, kinds and areas, overlaps and gaps in time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::domain::area::{AreaCode, Areas};

use super::{
    cite::{Head, Kind},
    finding::{Finding, Severity},
    instrument::Instrument,
};

type Report<'a> = &'a mut dyn FnMut(&Head, &'static str, String, String);

/// A reform among the law.
pub(super) fn no_law(reform: &Arc<Instrument>) -> Finding {
    let file = reform.head.file.clone();
    let en = "kind \"reform\": a reform is no law; ask a question under it instead".to_owned();
    let zh = "kind \"reform\":假设的规则不是法规;请在提问时指定它".to_owned();
    let (severity, clause) = (Severity::Error, String::new());
    Finding { severity, code: "kind", file, line: 1, clause, en, zh }
}

/// What is wrong between documents.
pub(super) fn conflicts(instruments: &[Arc<Instrument>], areas: &Areas) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = reporting(&mut findings);
    heads(instruments, areas, &mut report);
    in_time(instruments, &mut report);
    drop(report);
    findings
}

pub(super) fn reporting(
    findings: &mut Vec<Finding>,
) -> impl FnMut(&Head, &'static str, String, String) {
    |head, code, en, zh| {
        let (file, clause) = (head.file.clone(), String::new());
        let severity = Severity::Error;
        findings.push(Finding { severity, code, file, line: 1, clause, en, zh });
    }
}

/// Ids, areas and kinds. O(documents).
pub(super) fn heads(instruments: &[Arc<Instrument>], areas: &Areas, report: Report<'_>) {
    let mut ids: BTreeMap<&str, &Head> = BTreeMap::new();
    for head in instruments.iter().map(|one| &one.head) {
        if let Some(other) = ids.insert(&head.id, head) {
            let en = format!("id {:?} is also used by {}", head.id, other.file);
            let zh = format!("编号 {:?} 已被 {} 使用", head.id, other.file);
            report(head, "duplicate_id", en, zh);
        }
        if areas.get(head.jurisdiction).is_none() {
            let en = format!("jurisdiction {} is not in the list of areas", head.jurisdiction);
            let zh = format!("地区清单中没有适用地区 {}", head.jurisdiction);
            report(head, "unknown_area", en, zh);
        }
        let nation = head.jurisdiction == AreaCode::NATION;
        let expected = if nation { Kind::National } else { Kind::Regional };
        if matches!(head.kind, Kind::National | Kind::Regional) && head.kind != expected {
            let (kind, expected) = (head.kind.as_str(), expected.as_str());
            let en = format!("kind {kind:?}: expected {expected} for {}", head.jurisdiction);
            let zh = format!("kind {kind:?}:{} 应为 {expected}", head.jurisdiction);
            report(head, "kind", en, zh);
        }
    }
    for head in instruments.iter().map(|one| &one.head) {
        for lower in head.amends.iter().filter(|id| !ids.contains_key(id.as_str())) {
            let en = format!("amends {lower:?}: no document has this id");
            let zh = format!("amends {lower:?}:没有此编号的文件");
            report(head, "unknown_document", en, zh);
        }
    }
}

/// Overlaps and gaps.
fn in_time(instruments: &[Arc<Instrument>], report: Report<'_>) {
    let mut by_place: BTreeMap<_, Vec<&Instrument>> = BTreeMap::new();
    // Of several reforms the nearest, then the last given, stands topmost.
    for instrument in instruments.iter().filter(|one| !one.is_reform()) {
        let place = (instrument.head.jurisdiction, instrument.head.kind);
        by_place.entry(place).or_default().push(instrument);
    }
    for ((_, kind), mut documents) in by_place {
        documents.sort_by_key(|instrument| instrument.head.months.from);
        if kind == Kind::Overlay {
            overlays(&documents, report);
            continue;
        }
        for pair in documents.windows(2) {
            let (before, after) = (&pair[0].head, &pair[1].head);
            let (a, b) = (before.months, after.months);
            if a.overlaps(b) {
                let en = format!("in force {b}, which overlaps {a} of {}", before.file);
                let zh = format!("适用月份 {b} 与 {} 的 {a} 重叠", before.file);
                report(after, "overlap", en, zh);
                continue;
            }
            let follows = a.until.and_then(|until| until.plus(1)) == Some(b.from);
            if !follows && after.gap_before.is_none() {
                let en = format!(
                    "in force {b}, which leaves a gap after {a} of {}; close it or say why in \
                     gap_before",
                    before.file
                );
                let zh = format!(
                    "适用月份 {b} 与 {} 的 {a} 之间有空档;请补上,或在 gap_before 中说明原因",
                    before.file
                );
                report(after, "gap", en, zh);
            }
        }
    }
}

fn overlays(documents: &[&Instrument], report: Report<'_>) {
    for (at, upper) in documents.iter().enumerate() {
        for lower in &documents[..at] {
            if !upper.head.months.overlaps(lower.head.months) {
                continue;
            }
            let paths = |one: &Instrument| -> BTreeSet<String> {
                one.terms.list().into_iter().map(|shown| shown.path).collect()
            };
            let (upper_paths, lower_paths) = (paths(upper), paths(lower));
            for path in upper_paths.intersection(&lower_paths) {
                let en = format!("sets {path}, as does {} in the same months", lower.head.file);
                let zh = format!("与 {} 在相同月份都规定了 {path}", lower.head.file);
                report(&upper.head, "conflict", en, zh);
            }
        }
    }
}

//! Which place and months a run is of, as its papers name them.

use crate::{
    domain::{
        area::{AreaCode, Areas},
        month::Month,
        run::RunLine,
    },
    engine::reason::{Vocabulary, month_zh},
    rules::cite::Head,
};

/// Place and months.
pub(super) struct Scope {
    place: String,
    months: String,
    above: AreaCode,
}

impl Scope {
    pub fn new(areas: &Areas, lines: &[RunLine]) -> Self {
        let above = common(areas, lines.iter().map(|line| line.payees.area));
        Self { place: path(areas, above, AreaCode::NATION), months: months(lines), above }
    }

    /// Place and months before the name of a paper.
    pub fn title(&self, name: &str) -> String {
        format!("{}{}{name}", self.place, self.months)
    }

    /// An area's name, with the names above it that the title does not give.
    pub fn area(&self, words: &Vocabulary<'_>, area: AreaCode) -> String {
        match words.areas.get(area) {
            Some(_) => path(words.areas, area, self.above),
            None => area.to_string(),
        }
    }
}

/// The nearest area that holds all of these.
fn common(areas: &Areas, all: impl Iterator<Item = AreaCode>) -> AreaCode {
    let line = |code| areas.line(code).map(|area| area.code).collect::<Vec<_>>();
    let shared = all.map(line).reduce(|mut one, other| {
        one.retain(|code| other.contains(code));
        one
    });
    shared.and_then(|line| line.first().copied()).unwrap_or(AreaCode::NATION)
}

/// The names from below one area down to another; the other's own name at least.
fn path(areas: &Areas, area: AreaCode, below: AreaCode) -> String {
    let line = areas.line(area).take_while(|one| one.code != below);
    let mut names: Vec<_> = line.map(|one| one.name.as_str()).collect();
    if names.is_empty() {
        names.extend(areas.get(area).map(|one| one.name.as_str()));
    }
    names.into_iter().rev().collect()
}

fn months(lines: &[RunLine]) -> String {
    let covered = lines.iter().flat_map(|line| [line.covers.0, line.covers.1]);
    let (first, last): (Option<Month>, Option<Month>) = (covered.clone().min(), covered.max());
    match (first, last) {
        (Some(first), Some(last)) if first == last => month_zh(first),
        (Some(first), Some(last)) if first.year() == last.year() => {
            format!("{}至{}月", month_zh(first), last.month())
        }
        (Some(first), Some(last)) => format!("{}至{}", month_zh(first), month_zh(last)),
        _ => String::new(),
    }
}

/// The index months of a document.
pub(super) fn span(head: &Head) -> String {
    match head.months.until {
        Some(until) => format!("{}至{until}", head.months.from),
        None => format!("{}起", head.months.from),
    }
}

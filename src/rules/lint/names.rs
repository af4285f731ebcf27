//! Names that no list has, and names that nothing uses.

use crate::{
    domain::code::Code,
    rules::{
        cite::{Cite, Kind},
        finding::Severity,
        param::{in_play, values},
        shape::{Place, Rise, RiseOf},
        sum::Above,
    },
};

use super::Lint;

impl Lint<'_> {
    pub(super) fn names(&mut self) {
        self.series_and_standards();
        self.groups_and_places();
        self.conditions();
    }

    fn series_and_standards(&mut self) {
        let terms = &self.instrument.terms;
        let mut series: Vec<(&Code, &Cite)> = Vec::new();
        let mut standards: Vec<(&Code, &Cite)> = Vec::new();
        for condition in terms.conditions.values() {
            series.extend(values(&condition.series));
            series.extend(values(&condition.threshold_series));
            standards.extend(values(&condition.standard_raised));
        }
        for step in terms.steps.values() {
            for (rise, cite) in values(&step.rise) {
                let all: &[RiseOf] = match rise {
                    Rise::One(one) => std::slice::from_ref(one),
                    Rise::HigherOf(all) | Rise::LowerOf(all) | Rise::FirstRecorded(all) => all,
                };
                series.extend(all.iter().filter_map(|one| match one {
                    RiseOf::Series(code) => Some((code, cite)),
                    RiseOf::Trigger => None,
                }));
            }
            standards.extend(step.bases().map(|(base, cite)| (&base.standard, cite)));
        }
        for (code, cite) in series {
            if self.lists.series.get(code).is_none() {
                self.unknown("series", code.as_str(), "series.toml", cite);
            } else if !self.lists.recorded.contains(code) {
                let en = format!("no figure of series {code} is recorded anywhere yet");
                let zh = format!("目前没有任何地区记录过指标 {code}");
                self.add(Severity::Note, "unrecorded_series", Some(cite), en, zh);
            }
        }
        for (code, cite) in standards {
            if !self.lists.standards.contains(code) {
                self.unknown("standard", code.as_str(), "standards.toml", cite);
            }
        }
    }

    fn groups_and_places(&mut self) {
        let terms = &self.instrument.terms;
        let changed = terms.groups.iter();
        let changed = changed
            .flat_map(|change| change.add.iter().chain(&change.remove).map(|g| (g, &change.cite)));
        let paid = terms.discretion.iter();
        let paid = paid.flat_map(|one| one.groups.iter().map(|g| (g, &one.cite)));
        let split = values(&terms.funding.increment_groups);
        let split = split.flat_map(|(groups, cite)| groups.iter().map(move |g| (g, cite)));
        for (code, cite) in changed.chain(paid).chain(split) {
            if !self.lists.groups.contains(code) {
                self.unknown("group", code.as_str(), "groups.toml", cite);
            }
        }
        let conditions =
            terms.conditions.values().flat_map(|one| [&one.index_area, &one.threshold_area]);
        let rises = terms.steps.values().map(|one| &one.rise_area);
        let named = conditions.chain(rises).chain([&terms.trigger.index_area]);
        let named = named.flat_map(values).map(|(place, cite)| (*place, cite));
        let bases = terms.steps.values().flat_map(|one| one.bases());
        let bases = bases.flat_map(|(base, cite)| base.places.iter().map(move |p| (*p, cite)));
        for (place, cite) in named.chain(bases) {
            if let Place::Area(area) = place
                && self.lists.areas.get(area).is_none()
            {
                self.unknown("area", &area.to_string(), "areas.csv", cite);
            }
        }
        for (name, areas) in &terms.classes {
            for area in areas.iter().filter(|area| self.lists.areas.get(**area).is_none()) {
                let en = format!("class {name}: area {area} is not in the list of areas");
                let zh = format!("分类 {name}:地区清单中没有 {area}");
                self.add(Severity::Error, "unknown_area", None, en, zh);
            }
        }
    }

    pub(super) fn unknown(&mut self, what: &str, code: &str, list: &str, cite: &Cite) {
        let en = format!("{what} {code:?}: expected one of {list}");
        let zh = format!("{list} 中没有 {code:?}");
        self.add(Severity::Error, "unknown_name", Some(cite), en, zh);
    }

    /// Conditions that a test names and no document defines, and those that no test names.
    fn conditions(&mut self) {
        let trigger = &self.instrument.terms.trigger;
        let tests = [&trigger.when, &trigger.hold_when, &trigger.end_when];
        for (expr, cite) in tests.into_iter().flat_map(values) {
            expr.names().into_iter().for_each(|name| self.condition_exists(name, cite));
        }
        for (above, cite) in self.instrument.terms.steps.values().flat_map(|one| values(&one.above))
        {
            if let Above::ThresholdOf(name) = above {
                self.condition_exists(name, cite);
            }
        }
        if self.instrument.head.kind == Kind::Assumption || self.stages.is_empty() {
            return;
        }
        for name in self.instrument.terms.conditions.keys() {
            let named = self.stages.iter().any(|stage| {
                let trigger = &stage.with.terms.trigger;
                let tests = [&trigger.when, &trigger.hold_when, &trigger.end_when];
                tests.into_iter().flat_map(in_play).any(|(expr, _)| expr.names().contains(&name))
            });
            if !named {
                let prefix = format!("trigger.conditions.{name}.");
                let cite = self.first_below(&prefix);
                let en = format!(
                    "condition {name:?} is in no test; expected it in when, hold_when or end_when"
                );
                let zh =
                    format!("没有任何判断用到条件 {name:?};应写在 when、hold_when 或 end_when 中");
                self.add(Severity::Warning, "unused_condition", cite.as_ref(), en, zh);
            }
        }
    }

    pub(super) fn condition_exists(&mut self, name: &Code, cite: &Cite) {
        let defined = |stage: &super::Stage| stage.with.terms.conditions.contains_key(name);
        if !self.stages.is_empty() && !self.stages.iter().all(defined) {
            let en = format!("condition {name:?} is not defined by any document in force");
            let zh = format!("适用的文件都没有定义条件 {name:?}");
            self.add(Severity::Error, "unknown_condition", Some(cite), en, zh);
        }
    }

    /// Where the document first speaks of something below a path.
    pub(super) fn first_below(&self, prefix: &str) -> Option<Cite> {
        let shown = self.own.iter().filter(|shown| shown.path.starts_with(prefix));
        let says = shown.flat_map(|shown| &shown.says);
        says.min_by_key(|said| said.cite.line).map(|said| said.cite.clone())
    }
}

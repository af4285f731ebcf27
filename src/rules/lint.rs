//! What a careful reader would object to in a document, beyond what makes it unreadable.
//!
//! **Invariant:** checking never panics and reports everything it finds; it needs no figures.

use std::collections::BTreeSet;

use crate::domain::{area::Areas, code::Code, exact::Exact, group::Names, series::SeriesList};

use super::{
    cite::{Cite, Kind},
    finding::{Finding, Severity},
    instrument::Instrument,
    library::{Law, Library},
    param::{Context, Param, Pick, Setting},
    shape::{Band, Rise, RiseOf},
    terms::{StepTerms, Terms},
    word::{OnBreach, StepKind},
};

/// What names in a document are checked against.
#[derive(Debug, Clone, Copy)]
pub struct Lists<'a> {
    /// The areas.
    pub areas: &'a Areas,
    /// The series.
    pub series: &'a SeriesList,
    /// The groups.
    pub groups: &'a Names,
    /// The standards.
    pub standards: &'a Names,
    /// The series of which at least one figure is recorded.
    pub recorded: &'a BTreeSet<Code>,
}

/// Gathers findings about one document.
struct Lint<'a> {
    instrument: &'a Instrument,
    lists: Lists<'a>,
    findings: Vec<Finding>,
}

/// Everything to object to in a document, given the library it belongs to.
pub fn lint(instrument: &Instrument, library: &Library, lists: Lists<'_>) -> Vec<Finding> {
    let mut lint = Lint { instrument, lists, findings: Vec::new() };
    lint.names();
    lint.cases();
    lint.bands();
    lint.together(library);
    lint.limits(library);
    lint.findings
}

fn values<T>(param: &Param<T>) -> impl Iterator<Item = (&T, &Cite)> {
    param.layers.iter().flat_map(|layer| match layer {
        Setting::Cases(cases) => cases.iter().map(|case| (&case.value, &case.cite)).collect(),
        Setting::LowerTo(value, cite) => vec![(value, cite)],
        _ => Vec::new(),
    })
}

impl Lint<'_> {
    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        at: Option<&Cite>,
        en: String,
        zh: String,
    ) {
        let file = self.instrument.head.file.clone();
        let line = at.map_or(1, |cite| cite.line);
        let clause = at.map_or(String::new(), |cite| cite.clause.to_string());
        self.findings.push(Finding { severity, code, file, line, clause, en, zh });
    }

    /// Names of series, standards, groups, areas and classes that no list has.
    fn names(&mut self) {
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
                    Rise::HigherOf(all) | Rise::FirstRecorded(all) => all,
                };
                series.extend(all.iter().filter_map(|one| match one {
                    RiseOf::Series(code) => Some((code, cite)),
                    RiseOf::Trigger => None,
                }));
            }
            standards.extend(values(&step.base).map(|(base, cite)| (&base.standard, cite)));
        }
        let groups: Vec<(&Code, &Cite)> = (terms.groups.iter())
            .flat_map(|change| change.add.iter().chain(&change.remove).map(|g| (g, &change.cite)))
            .chain(
                terms.discretion.iter().flat_map(|one| one.groups.iter().map(|g| (g, &one.cite))),
            )
            .collect();
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
        for (code, cite) in groups {
            if !self.lists.groups.contains(code) {
                self.unknown("group", code.as_str(), "groups.toml", cite);
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

    fn unknown(&mut self, what: &str, code: &str, list: &str, cite: &Cite) {
        let en = format!("{what} {code:?}: expected one of {list}");
        let zh = format!("{list} 中没有 {code:?}");
        self.add(Severity::Error, "unknown_name", Some(cite), en, zh);
    }

    /// Cases that an earlier one already covers, and conditions that name what does not exist.
    fn cases(&mut self) {
        for shown in self.instrument.terms.list() {
            for (at, said) in shown.says.iter().enumerate() {
                let covered = shown.says[..at].iter().find(|above| above.when.covers(&said.when));
                if let Some(above) = covered {
                    let (path, line) = (&shown.path, above.cite.line);
                    let en = format!("{path}: this case is never reached; line {line} covers it");
                    let zh = format!("{path}:本项永远不会适用,第 {line} 行已包含它");
                    self.add(Severity::Error, "unreachable", Some(&said.cite), en, zh);
                }
                let groups = said.when.groups.iter().flatten();
                for group in groups.filter(|group| !self.lists.groups.contains(group)) {
                    self.unknown("group", group.as_str(), "groups.toml", &said.cite);
                }
                let areas = said.when.areas.iter().flatten();
                for area in areas.filter(|area| self.lists.areas.get(**area).is_none()) {
                    self.unknown("area", &area.to_string(), "areas.csv", &said.cite);
                }
            }
        }
    }

    /// Bands that overlap or leave a hole between them.
    fn bands(&mut self) {
        for (name, step) in &self.instrument.terms.steps {
            let lists: Vec<_> = values(&step.bands).map(|(b, c)| (b.clone(), c.clone())).collect();
            for (bands, cite) in lists {
                self.band_list(name, bands, &cite);
            }
        }
    }

    fn band_list(&mut self, name: &Code, mut bands: Vec<Band>, cite: &Cite) {
        let start = |band: &Band| band.lower.map(|edge| (Exact::from(edge.at), !edge.included));
        bands.sort_by_key(|band| start(band));
        for pair in bands.windows(2) {
            let (below, above) = (&pair[0], &pair[1]);
            let (a, b) = (below.range(), above.range());
            let (Some(upper), Some(lower)) = (below.upper, above.lower) else {
                let en = format!("amount.steps.{name}.bands: {a} and {b} overlap");
                let zh = format!("amount.steps.{name}.bands:{a} 与 {b} 重叠");
                self.add(Severity::Error, "band_overlap", Some(cite), en, zh);
                continue;
            };
            let both = upper.included && lower.included;
            let neither = !upper.included && !lower.included;
            if lower.at < upper.at || (lower.at == upper.at && both) {
                let en = format!("amount.steps.{name}.bands: {a} and {b} overlap");
                let zh = format!("amount.steps.{name}.bands:{a} 与 {b} 重叠");
                self.add(Severity::Error, "band_overlap", Some(cite), en, zh);
            } else if upper.at < lower.at || neither {
                let en = format!("amount.steps.{name}.bands: a hole between {a} and {b}");
                let zh = format!("amount.steps.{name}.bands:{a} 与 {b} 之间有空档");
                self.add(Severity::Error, "band_hole", Some(cite), en, zh);
            }
        }
    }

    /// What only shows once the document stands over those below it.
    fn together(&mut self, library: &Library) {
        let head = self.instrument.head.clone();
        let (area, month) = (head.jurisdiction, head.months.from);
        let Ok(rules) = library.rules(self.lists.areas, area, month, &Law::InForce, true) else {
            return;
        };
        let terms = &rules.terms;
        let own = &self.instrument.terms;
        let exprs = [&own.trigger.when, &own.trigger.hold_when, &own.trigger.end_when];
        for (expr, cite) in exprs.into_iter().flat_map(values) {
            for name in expr.names() {
                if !terms.conditions.contains_key(name) {
                    let en = format!("condition {name:?} is not defined by any document in force");
                    let zh = format!("适用的文件都没有定义条件 {name:?}");
                    self.add(Severity::Error, "unknown_condition", Some(cite), en, zh);
                }
            }
        }
        let ordered: BTreeSet<&Code> =
            values(&terms.amount.order).flat_map(|(order, _)| order).collect();
        for (order, cite) in values(&own.amount.order) {
            for name in order.iter().filter(|name| !terms.steps.contains_key(name)) {
                // An assumption may define the step; then the law leaves it open, and says so.
                let en =
                    format!("step {name:?} of the order is not defined by any document in force");
                let zh = format!("适用的文件都没有定义步骤 {name:?}");
                self.add(Severity::Warning, "open_step", Some(cite), en, zh);
            }
            if !order.iter().any(|name| is_round(terms.steps.get(name))) {
                let en =
                    "the order names no step that rounds; say so with mode = \"none\"".to_owned();
                let zh = "步骤顺序中没有取整步骤;不取整请写 mode = \"none\"".to_owned();
                self.add(Severity::Warning, "implicit_rounding", Some(cite), en, zh);
            }
        }
        self.places(terms, &ordered, head.kind);
        self.open_parameters(own);
    }

    /// Steps that are in no order and say no place.
    fn places(&mut self, terms: &Terms, ordered: &BTreeSet<&Code>, kind: Kind) {
        let named_by_others: BTreeSet<&Code> =
            terms.steps.values().flat_map(|step| values(&step.of)).flat_map(|(of, _)| of).collect();
        let own: Vec<_> = self.instrument.terms.steps.iter().collect();
        for (name, step) in own {
            let placed = !step.before.is_unset() || !step.after.is_unset();
            let used = ordered.contains(name) || named_by_others.contains(name);
            if !placed && !used && !ordered.is_empty() && kind != Kind::Assumption {
                let cite = values(&step.kind).next().map(|(_, cite)| cite.clone());
                let en = format!("step {name} is in no order and says neither before nor after");
                let zh = format!("步骤 {name} 不在任何顺序中,也没有写 before 或 after");
                self.add(Severity::Error, "implicit_order", cite.as_ref(), en, zh);
            }
        }
    }

    /// Parameters left open, so that whoever uses the document knows.
    fn open_parameters(&mut self, own: &Terms) {
        for shown in own.list() {
            for said in shown.says.iter().filter(|said| said.text.starts_with("open")) {
                let en = format!("{} is left open: a required local parameter", shown.path);
                let zh = format!("{} 未作规定:须由地方参数补充", shown.path);
                self.add(Severity::Note, "open_parameter", Some(&said.cite), en, zh);
            }
        }
    }

    /// Thresholds raised and groups removed, against what the documents below allow.
    fn limits(&mut self, library: &Library) {
        let head = self.instrument.head.clone();
        if matches!(head.kind, Kind::National | Kind::Assumption) {
            return;
        }
        let months = [Some(head.months.from), head.months.until];
        for month in months.into_iter().flatten() {
            let area = head.jurisdiction;
            let law = Law::InForce;
            let Ok(with) = library.rules(self.lists.areas, area, month, &law, true) else { return };
            let below: Vec<_> =
                with.documents.iter().filter(|one| one.id != head.id).cloned().collect();
            let Some(without) = library.together(&below) else { return };
            let context = Context {
                areas: self.lists.areas,
                classes: &with.terms.classes,
                area,
                month,
                pay_month: month.plus(1).unwrap_or(month),
                group: None,
                residence: None,
                carried_by: &[],
            };
            self.raised(&without.terms, &context);
            self.narrowed(&without.terms, &context);
        }
    }

    fn raised(&mut self, below: &Terms, context: &Context<'_>) {
        let Some(severity) = breach(&below.limits.raise_threshold, context) else { return };
        let own: Vec<_> = self.instrument.terms.conditions.iter().collect();
        for (name, condition) in own {
            let Pick::Set(new) = condition.threshold.pick(context) else { continue };
            let Some(old) = below.conditions.get(name) else { continue };
            let Pick::Set(old) = old.threshold.pick(context) else { continue };
            if *old.value < *new.value && old.cite.head.jurisdiction != new.cite.head.jurisdiction {
                let (from, to, id) = (old.value, new.value, &old.cite.head.id);
                let en = format!("raises the threshold of {name} from {from} ({id}) to {to}");
                let zh = format!("将 {name} 的临界值由 {from}({id})提高到 {to}");
                let cite = new.cite.clone();
                self.add(severity, "threshold_raised", Some(&cite), en, zh);
            }
        }
    }

    fn narrowed(&mut self, below: &Terms, context: &Context<'_>) {
        let Some(severity) = breach(&below.limits.narrow_groups, context) else { return };
        let covered: BTreeSet<&Code> = below.groups.iter().flat_map(|change| &change.add).collect();
        let own: Vec<_> = self.instrument.terms.groups.iter().collect();
        for change in own {
            for group in change.remove.iter().filter(|group| covered.contains(group)) {
                let en = format!("removes group {group}, which the law above covers");
                let zh = format!("取消了上级文件规定的保障对象 {group}");
                self.add(severity, "groups_narrowed", Some(&change.cite), en, zh);
            }
        }
    }
}

fn is_round(step: Option<&StepTerms>) -> bool {
    step.is_some_and(|step| values(&step.kind).any(|(kind, _)| *kind == StepKind::Round))
}

fn breach(param: &Param<OnBreach>, context: &Context<'_>) -> Option<Severity> {
    match param.pick(context) {
        Pick::Set(picked) => match picked.value {
            OnBreach::Allow => None,
            OnBreach::Warn => Some(Severity::Warning),
            OnBreach::Refuse => Some(Severity::Error),
        },
        _ => None,
    }
}

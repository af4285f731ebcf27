//! Cases that are never reached, because an earlier one covers them or because nothing fits them.

use crate::{
    domain::area::AreaCode,
    rules::{
        cite::Cite,
        finding::Severity,
        param::Selector,
        reach::Places,
        shown::{Said, Shown},
    },
};

use super::Lint;

impl Lint<'_> {
    pub(super) fn cases(&mut self) {
        let classes = self.classes();
        let own = std::mem::take(&mut self.own);
        for shown in &own {
            self.covered(shown, Places { areas: self.lists.areas, classes: &classes });
            for said in &shown.says {
                self.names_of_case(said, &classes);
                for (en, zh) in self.misfits(&said.when) {
                    let en = format!("{}: this case never fits: {en}", shown.path);
                    let zh = format!("{}:本项永远不会适用:{zh}", shown.path);
                    self.add(Severity::Error, "never_fits", Some(&said.cite), en, zh);
                }
                if let Some(groups) = self.uncovered(&said.when) {
                    // A nearer document may still add them.
                    let path = &shown.path;
                    let en = format!("{path}: no document in force here covers {groups}");
                    let zh = format!("{path}:适用的文件都没有把 {groups} 列为保障对象");
                    self.add(self.left_to_others(), "uncovered_group", Some(&said.cite), en, zh);
                }
                self.of_persons(&shown.path, said);
            }
        }
        self.own = own;
        self.group_changes();
    }

    fn covered(&mut self, shown: &Shown, places: Places<'_>) {
        let span = self.instrument.head.months;
        let cut: Vec<_> = shown.says.iter().map(|said| said.when.within(span)).collect();
        for (at, said) in shown.says.iter().enumerate() {
            let earlier: Vec<_> = cut[..at].iter().collect();
            let Some(above) = cut[at].covered_by(&earlier, places) else { continue };
            let (path, line) = (&shown.path, shown.says[above].cite.line);
            let en = format!("{path}: this case is never reached; line {line} covers it");
            let zh = format!("{path}:本项永远不会适用,第 {line} 行已包含它");
            self.add(Severity::Error, "unreachable", Some(&said.cite), en, zh);
        }
    }

    fn names_of_case(&mut self, said: &Said, classes: &crate::rules::param::Classes) {
        let groups = said.when.groups.iter().flatten();
        for group in groups.filter(|group| !self.lists.groups.contains(group)) {
            self.unknown("group", group.as_str(), "groups.toml", &said.cite);
        }
        let areas = said.when.areas.iter().flatten();
        for area in areas.filter(|area| self.lists.areas.get(**area).is_none()) {
            self.unknown("area", &area.to_string(), "areas.csv", &said.cite);
        }
        if let Some(class) = said.when.class.as_ref().filter(|name| !classes.contains_key(*name)) {
            let en = format!(
                "class {class:?} is not defined by any document in force; expected it in [classes]"
            );
            let zh = format!("适用的文件都没有定义分类 {class:?};应写在 [classes] 中");
            self.add(self.left_to_others(), "unknown_class", Some(&said.cite), en, zh);
        }
        if let Some(name) = &said.when.carried_by {
            self.condition_exists(name, &said.cite);
        }
    }

    /// The weight of what a nearer document may still fill in: in a national document it usually does.
    fn left_to_others(&self) -> Severity {
        match self.instrument.head.jurisdiction {
            AreaCode::NATION => Severity::Note,
            _ => Severity::Warning,
        }
    }

    /// Cases by person of a parameter that is decided for all persons alike.
    fn of_persons(&mut self, path: &str, said: &Said) {
        let when = &said.when;
        let alike = ["trigger.", "limits."].iter().any(|room| path.starts_with(room));
        let by_person = when.groups.is_some() || when.residence.is_some();
        if alike && (by_person || when.carried_by.is_some()) {
            let en = format!(
                "{path} is decided for all groups alike; this case is recorded but never applied"
            );
            let zh = format!("{path} 不区分对象、城乡或启动条件;本项仅作记录,不会适用");
            self.add(Severity::Warning, "not_by_person", Some(&said.cite), en, zh);
        }
    }

    /// Why no question ever fits a selector, in English and Chinese.
    fn misfits(&self, when: &Selector) -> Vec<(String, String)> {
        let head = &self.instrument.head;
        let (span, jurisdiction) = (head.months, head.jurisdiction);
        let mut why = Vec::new();
        let until_ends = when.until.is_some_and(|until| until < span.from);
        let from_late = when.from.zip(span.until).is_some_and(|(from, end)| end < from);
        if until_ends || from_late {
            why.push((
                format!("its months lie outside those of the document, {span}"),
                format!("其月份在文件适用月份 {span} 之外"),
            ));
        }
        let turned = |from, until| matches!((from, until), (Some(a), Some(b)) if b < a);
        if turned(when.from, when.until) || turned(when.pay_from, when.pay_until) {
            why.push(("its until lies before its from".into(), "其止月早于起月".into()));
        }
        // Payment follows its index month, at most a few months later.
        let late = span.until.and_then(|until| until.plus(24));
        let pay_late = when.pay_from.zip(late).is_some_and(|(from, end)| end < from);
        if pay_late || when.pay_until.is_some_and(|until| until < span.from) {
            why.push((
                format!("its pay months lie outside those of the document, {span}"),
                format!("其发放月份在文件适用月份 {span} 之外"),
            ));
        }
        let reach = |area| {
            let areas = self.lists.areas;
            areas.get(area).is_none()
                || areas.within(area, jurisdiction)
                || areas.within(jurisdiction, area)
        };
        if when.areas.as_ref().is_some_and(|areas| !areas.iter().any(|area| reach(*area))) {
            why.push((
                format!("its areas lie outside the jurisdiction {jurisdiction}"),
                format!("其地区不在文件适用地区 {jurisdiction} 之内"),
            ));
        }
        why
    }

    /// The groups of a selector, when the law with the document covers none of them anywhere.
    fn uncovered(&self, when: &Selector) -> Option<String> {
        let groups = when.groups.as_ref()?;
        if self.stages.is_empty() || groups.iter().any(|group| !self.lists.groups.contains(group)) {
            return None;
        }
        let added = |group| {
            let mut changes = self.stages.iter().flat_map(|stage| &stage.with.terms.groups);
            changes.any(|change| change.add.contains(group))
        };
        let none = !groups.iter().any(added);
        none.then(|| groups.iter().map(|group| group.as_str()).collect::<Vec<_>>().join(", "))
    }

    /// Changes of the groups that hold in no month or area of the document.
    fn group_changes(&mut self) {
        let changes: Vec<_> = self.instrument.terms.groups.to_vec();
        for change in changes {
            let (from, until, areas) = (change.from, change.until, change.areas.clone());
            let when = Selector { from, until, areas, ..Selector::default() };
            for (en, zh) in self.misfits(&when) {
                let en = format!("groups: this change never holds: {en}");
                let zh = format!("groups:本项永远不会生效:{zh}");
                self.add(Severity::Error, "never_fits", Some(&change.cite), en, zh);
            }
            self.unknown_areas(change.areas.iter().flatten().copied().collect(), &change.cite);
        }
    }

    fn unknown_areas(&mut self, areas: Vec<crate::domain::area::AreaCode>, cite: &Cite) {
        for area in areas.into_iter().filter(|area| self.lists.areas.get(*area).is_none()) {
            self.unknown("area", &area.to_string(), "areas.csv", cite);
        }
    }
}

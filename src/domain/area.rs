//! Areas: the tree of nation, provinces, prefectures and counties, and how its codes changed.
//!
//! **Invariant:** every area but the nation has a known parent, and the tree has no cycle.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use super::month::Month;

/// A six-digit administrative division code (GB/T 2260), `000000` for the nation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AreaCode(u32);

/// Why a text is not an area code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("area {text:?}: expected six digits such as 150300")]
pub struct ParseAreaCodeError {
    /// What was given.
    pub text: String,
}

impl AreaCode {
    /// The nation, `000000`.
    pub const NATION: Self = Self(0);
}

impl FromStr for AreaCode {
    type Err = ParseAreaCodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseAreaCodeError { text: text.chars().take(40).collect() };
        if text.len() != 6 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(error());
        }
        text.parse().map(Self).map_err(|_| error())
    }
}

impl TryFrom<String> for AreaCode {
    type Error = ParseAreaCodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AreaCode> for String {
    fn from(code: AreaCode) -> Self {
        code.to_string()
    }
}

impl fmt::Display for AreaCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

impl fmt::Debug for AreaCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The level of an area, from the whole to the part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// 国家.
    Nation,
    /// 省、自治区、直辖市.
    Province,
    /// 地级市、盟、自治州.
    Prefecture,
    /// 县、区、旗.
    County,
}

impl Level {
    /// The word used in data files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nation => "nation",
            Self::Province => "province",
            Self::Prefecture => "prefecture",
            Self::County => "county",
        }
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Nation, Self::Province, Self::Prefecture, Self::County];
        let found = all.into_iter().find(|level| level.as_str() == text);
        found.ok_or_else(|| format!("{text:?}: expected nation, province, prefecture or county"))
    }
}

/// One area as the list gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area {
    /// Its code.
    pub code: AreaCode,
    /// Its Chinese name.
    pub name: String,
    /// Its level.
    pub level: Level,
    /// The area it belongs to; none for the nation.
    pub parent: Option<AreaCode>,
}

/// How a code changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The area went on under another code or name.
    Renamed,
    /// The area became part of another.
    Merged,
    /// The area was divided; one row for each part.
    Split,
    /// The area was raised in rank and got another code.
    Upgraded,
}

/// A dated change of code: before `month` the area was `old`, from then on `new`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AreaChange {
    /// First month under the new code.
    pub month: Month,
    /// Code before.
    pub old: AreaCode,
    /// Name before.
    pub old_name: String,
    /// The parent of the old code.
    pub old_parent: AreaCode,
    /// The level of the old code.
    pub old_level: Level,
    /// Code from that month on.
    pub new: AreaCode,
    /// What happened.
    pub kind: ChangeKind,
}

/// Why the list of areas cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AreasError {
    /// The parent is not in the list.
    #[error("area {code} ({name}): parent {parent} is not in the list of areas")]
    UnknownParent {
        /// The area.
        code: AreaCode,
        /// Its name.
        name: String,
        /// The parent it names.
        parent: AreaCode,
    },
    /// An area is, through its parents, its own ancestor, or lies below a lower level.
    #[error("area {code} ({name}): its parents do not lead up to the nation")]
    Cycle {
        /// The area.
        code: AreaCode,
        /// Its name.
        name: String,
    },
    /// A change names a code that is in no list.
    #[error("change of {old} to {new} in {month}: {new} is not in the list of areas")]
    UnknownSuccessor {
        /// Code before.
        old: AreaCode,
        /// Code after.
        new: AreaCode,
        /// The month of the change.
        month: Month,
    },
}

/// What a code means in a given month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// The code is the area's code in that month.
    Same(AreaCode),
    /// The area had, or now has, this other code in that month.
    Other(AreaCode),
    /// The area was divided among these; the question has no single answer.
    Divided(Vec<AreaCode>),
}

/// All areas with their changes.
#[derive(Debug, Clone, Default)]
pub struct Areas {
    by_code: BTreeMap<AreaCode, Area>,
    children: BTreeMap<AreaCode, Vec<AreaCode>>,
    changes: Vec<AreaChange>,
}

impl Areas {
    /// Builds the tree. Old codes named by a change become areas of their own when the list lacks
    /// them.
    ///
    /// # Errors
    /// A parent or successor that is not in the list, or a cycle.
    pub fn new(
        areas: impl IntoIterator<Item = Area>,
        changes: Vec<AreaChange>,
    ) -> Result<Self, AreasError> {
        let mut by_code: BTreeMap<_, _> = areas.into_iter().map(|area| (area.code, area)).collect();
        for change in &changes {
            if !by_code.contains_key(&change.new) {
                let AreaChange { old, new, month, .. } = *change;
                return Err(AreasError::UnknownSuccessor { old, new, month });
            }
        }
        for change in &changes {
            by_code.entry(change.old).or_insert_with(|| Area {
                code: change.old,
                name: change.old_name.clone(),
                level: change.old_level,
                parent: Some(change.old_parent),
            });
        }
        let mut children: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for area in by_code.values() {
            let (code, name) = (area.code, area.name.clone());
            match area.parent {
                None if area.level == Level::Nation => continue,
                None => return Err(AreasError::Cycle { code, name }),
                Some(parent) => match by_code.get(&parent) {
                    None => return Err(AreasError::UnknownParent { code, name, parent }),
                    // Levels must fall strictly, which also rules out every cycle.
                    Some(above) if area.level <= above.level => {
                        return Err(AreasError::Cycle { code, name });
                    }
                    Some(_) => children.entry(parent).or_default().push(code),
                },
            }
        }
        Ok(Self { by_code, children, changes })
    }

    /// The area with this code.
    pub fn get(&self, code: AreaCode) -> Option<&Area> {
        self.by_code.get(&code)
    }

    /// Every area, by code. O(n).
    pub fn all(&self) -> impl Iterator<Item = &Area> {
        self.by_code.values()
    }

    /// The changes of codes, as given.
    pub fn changes(&self) -> &[AreaChange] {
        &self.changes
    }

    /// Whether no change of codes speaks of the area.
    pub fn keeps_its_code(&self, code: AreaCode) -> bool {
        self.changes.iter().all(|change| change.old != code && change.new != code)
    }

    /// The area itself and every area above it, upwards to the nation. At most four.
    pub fn line(&self, code: AreaCode) -> impl Iterator<Item = &Area> {
        let next = |area: &&Area| area.parent.and_then(|parent| self.by_code.get(&parent));
        std::iter::successors(self.by_code.get(&code), next)
    }

    /// Whether `code` is `ancestor` or lies below it.
    pub fn within(&self, code: AreaCode, ancestor: AreaCode) -> bool {
        self.line(code).any(|area| area.code == ancestor)
    }

    /// The area itself or the nearest above it at one of the levels.
    pub fn at_level(&self, code: AreaCode, levels: &[Level]) -> Option<AreaCode> {
        self.line(code).find(|area| levels.contains(&area.level)).map(|area| area.code)
    }

    /// The areas directly below.
    pub fn children(&self, code: AreaCode) -> &[AreaCode] {
        self.children.get(&code).map_or(&[], Vec::as_slice)
    }

    /// The area and everything below it, in code order. O(size of the subtree).
    pub fn subtree(&self, code: AreaCode) -> BTreeSet<AreaCode> {
        let mut found = BTreeSet::from([code]);
        let mut open = vec![code];
        while let Some(next) = open.pop() {
            for child in self.children(next) {
                if found.insert(*child) {
                    open.push(*child);
                }
            }
        }
        found
    }

    /// What the code means in the month: itself, its predecessor or successor, or several parts.
    pub fn resolve(&self, code: AreaCode, month: Month) -> Resolved {
        // A split or merge whose old code goes on under the same number changes nothing here.
        let real = |change: &&AreaChange| change.old != change.new;
        let mut parts: Vec<_> = (self.changes.iter().filter(real))
            .filter(|change| change.old == code && change.month <= month)
            .map(|change| change.new)
            .collect();
        parts.dedup();
        match parts.as_slice() {
            [] => {}
            [one] => return self.followed(*one, month),
            _ => return Resolved::Divided(parts),
        }
        // Only renaming and upgrading carry an area back: the heir of a merger had its own code.
        let mut before = self.changes.iter().filter(real).filter(|change| {
            let continues = matches!(change.kind, ChangeKind::Renamed | ChangeKind::Upgraded);
            change.new == code && month < change.month && continues
        });
        before.next().map_or(Resolved::Same(code), |change| self.followed(change.old, month))
    }

    fn followed(&self, code: AreaCode, month: Month) -> Resolved {
        match self.resolve(code, month) {
            Resolved::Same(code) => Resolved::Other(code),
            further => further,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(code: &str, level: Level, parent: Option<&str>) -> Area {
        let parent = parent.map(|parent| parent.parse().unwrap());
        Area { code: code.parse().unwrap(), name: code.into(), level, parent }
    }

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    fn code(text: &str) -> AreaCode {
        text.parse().unwrap()
    }

    fn sample() -> Areas {
        let change = |at: &str, old: &str, new: &str, kind| AreaChange {
            month: month(at),
            old: code(old),
            old_name: old.into(),
            old_parent: code("990000"),
            old_level: Level::Prefecture,
            new: code(new),
            kind,
        };
        let areas = [
            area("000000", Level::Nation, None),
            area("990000", Level::Province, Some("000000")),
            area("990100", Level::Prefecture, Some("990000")),
            area("990200", Level::Prefecture, Some("990000")),
            area("990101", Level::County, Some("990100")),
        ];
        let changes = vec![
            change("2015-03", "992100", "990100", ChangeKind::Upgraded),
            change("2019-01", "991200", "990100", ChangeKind::Merged),
            change("2011-08", "991400", "990100", ChangeKind::Split),
            change("2011-08", "991400", "990200", ChangeKind::Split),
        ];
        Areas::new(areas, changes).unwrap()
    }

    #[test]
    fn a_county_finds_its_prefecture_and_the_nation_above_it() {
        let areas = sample();
        let line: Vec<_> = areas.line(code("990101")).map(|area| area.code.to_string()).collect();
        assert_eq!(line, ["990101", "990100", "990000", "000000"]);
        assert_eq!(areas.at_level(code("990101"), &[Level::Prefecture]), Some(code("990100")));
        assert_eq!(areas.subtree(code("990100")).len(), 2);
    }

    #[test]
    fn codes_resolve_by_month() {
        let areas = sample();
        let resolve = |text, at| areas.resolve(code(text), month(at));
        assert_eq!(resolve("990100", "2015-02"), Resolved::Other(code("992100")));
        assert_eq!(resolve("990100", "2015-03"), Resolved::Same(code("990100")));
        assert_eq!(resolve("992100", "2015-03"), Resolved::Other(code("990100")));
        assert_eq!(resolve("991200", "2018-12"), Resolved::Same(code("991200")));
        assert_eq!(resolve("991200", "2019-01"), Resolved::Other(code("990100")));
        let parts = vec![code("990100"), code("990200")];
        assert_eq!(resolve("991400", "2011-08"), Resolved::Divided(parts));
    }

    #[test]
    fn a_cycle_or_an_unknown_parent_is_refused() {
        let cycle = [
            area("990100", Level::Prefecture, Some("990200")),
            area("990200", Level::Prefecture, Some("990100")),
        ];
        assert!(matches!(Areas::new(cycle, vec![]), Err(AreasError::Cycle { .. })));
        let orphan = [area("990100", Level::Prefecture, Some("990000"))];
        assert!(matches!(Areas::new(orphan, vec![]), Err(AreasError::UnknownParent { .. })));
    }
}

//! Principals: who asks, with which roles, for which areas, from where.
//!
//! **Invariant:** a grant holds for its area and everything below it, and for nothing else.

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

use super::role::Role;
use crate::domain::area::{AreaCode, Areas};

/// A role in an area and everything below it; `000000` is everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// The area.
    pub area: AreaCode,
}

/// Why a text is not a grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("grant {text:?}: expected ROLE:AREA, for example maker:150100")]
pub struct ParseGrantError {
    /// What was given.
    pub text: String,
}

impl FromStr for Grant {
    type Err = ParseGrantError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = |(role, area): (&str, &str)| {
            Some(Self { role: role.parse().ok()?, area: area.parse().ok()? })
        };
        let error = || ParseGrantError { text: text.chars().take(40).collect() };
        text.split_once(':').and_then(read).ok_or_else(error)
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.role, self.area)
    }
}

/// Somebody who signs in: a person, or a program that acts for an office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The name under which everything is recorded.
    pub name: String,
    /// What it may do, and where.
    pub grants: Vec<Grant>,
}

impl Principal {
    /// Whether it has one of the roles in an area.
    pub fn may(&self, roles: &[Role], area: AreaCode, areas: &Areas) -> bool {
        self.reach(roles).holds(area, areas)
    }

    /// Whether it has one of the roles anywhere.
    pub fn has(&self, roles: &[Role]) -> bool {
        self.grants.iter().any(|grant| roles.contains(&grant.role))
    }

    /// The same in no roles but those of some grants.
    pub fn narrowed(self: Arc<Self>, to: &[Grant]) -> Arc<Self> {
        let is_kept = |grant: &Grant| to.iter().any(|one| one.role == grant.role);
        if self.grants.iter().all(is_kept) {
            return self;
        }
        let mut narrowed = Self::clone(&self);
        narrowed.grants.retain(is_kept);
        Arc::new(narrowed)
    }

    /// Where it has one of the roles.
    pub fn reach(&self, roles: &[Role]) -> Reach {
        let granted = self.grants.iter().filter(|grant| roles.contains(&grant.role));
        let areas: Vec<_> = granted.map(|grant| grant.area).collect();
        match areas.contains(&AreaCode::NATION) {
            true => Reach::Everywhere,
            false => Reach::Within(areas),
        }
    }
}

/// The areas that a request may be about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Every area, also one that does not exist.
    Everywhere,
    /// These areas and everything below them.
    Within(Vec<AreaCode>),
}

impl Reach {
    /// Whether an area is among them.
    pub fn holds(&self, area: AreaCode, areas: &Areas) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Within(granted) => granted.iter().any(|above| areas.within(area, *above)),
        }
    }

    /// The first of the areas that is not among them.
    pub fn outside(
        &self,
        asked: impl IntoIterator<Item = AreaCode>,
        areas: &Areas,
    ) -> Option<AreaCode> {
        asked.into_iter().find(|area| !self.holds(*area, areas))
    }
}

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// Nobody signs in here; the name is as stated.
    Stated(String),
    /// Somebody who signed in.
    Known(Arc<Principal>),
    /// Nobody signed in, and no name was stated.
    Public,
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Over the network.
    Peer(IpAddr),
    /// From this program itself.
    InProcess,
    /// From the page, where it knows its visitor's address.
    Page(Option<IpAddr>),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(address) => address.fmt(f),
            Self::InProcess => f.write_str("in process"),
            Self::Page(None) => f.write_str("page"),
            Self::Page(Some(address)) => write!(f, "page {address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::area::{Area, Level};

    fn areas() -> Areas {
        let area = |code: &str, level, parent: Option<&str>| Area {
            code: code.parse().unwrap(),
            name: code.to_owned(),
            level,
            parent: parent.map(|parent| parent.parse().unwrap()),
        };
        let all = vec![
            area("000000", Level::Nation, None),
            area("150000", Level::Province, Some("000000")),
            area("150100", Level::Prefecture, Some("150000")),
            area("150102", Level::County, Some("150100")),
            area("150200", Level::Prefecture, Some("150000")),
        ];
        Areas::new(all, Vec::new()).unwrap()
    }

    fn code(text: &str) -> AreaCode {
        text.parse().unwrap()
    }

    #[test]
    fn a_grant_holds_for_its_area_and_below_and_not_above_or_beside() {
        let grants = vec!["maker:150100".parse().unwrap()];
        let zhang = Principal { name: "zhang".into(), grants };
        let may = |roles: &[Role], area| zhang.may(roles, code(area), &areas());
        for (area, expected) in
            [("150000", false), ("150100", true), ("150102", true), ("150200", false)]
        {
            assert_eq!(may(&[Role::Maker], area), expected, "{area}");
        }
        assert!(!may(&[Role::Approver], "150100"));
        assert!(!may(&[], "150100"));
        assert!(!may(&[Role::Maker], "999999"), "an area that does not exist is nobody's");
    }

    #[test]
    fn the_nation_is_everything_and_roles_do_not_lend_each_other_areas() {
        let grants = vec!["reader:000000".parse().unwrap(), "maker:150100".parse().unwrap()];
        let zhang = Principal { name: "zhang".into(), grants };
        assert_eq!(zhang.reach(&[Role::Reader]), Reach::Everywhere);
        assert_eq!(zhang.reach(&[Role::Maker]), Reach::Within(vec![code("150100")]));
        assert_eq!(zhang.reach(&[Role::Maker, Role::Reader]), Reach::Everywhere);
        assert_eq!(zhang.reach(&[Role::Admin]), Reach::Within(Vec::new()));
        let reach = zhang.reach(&[Role::Maker]);
        let asked = ["150102", "150200", "150000"].map(code);
        assert_eq!(reach.outside(asked, &areas()), Some(code("150200")));
    }

    #[test]
    fn a_grant_reads_as_it_is_written() {
        let grant: Grant = "maker:150100".parse().unwrap();
        assert_eq!(grant.to_string(), "maker:150100");
        for text in ["maker", "maker:1501", "chief:150100", "150100:maker", ""] {
            assert!(text.parse::<Grant>().is_err(), "{text}");
        }
    }
}

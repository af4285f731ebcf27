//! The groups of people a subsidy is owed to, and where they live.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::code::Code;

/// Urban or rural, as the registration of the recipient says (城镇, 农村).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Residence {
    /// 城镇.
    Urban,
    /// 农村(牧区).
    Rural,
}

impl Residence {
    /// Both, in the order in which they are shown.
    pub const ALL: [Self; 2] = [Self::Urban, Self::Rural];

    /// The word used in data files and outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Urban => "urban",
            Self::Rural => "rural",
        }
    }

    /// The Chinese word.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Urban => "城镇",
            Self::Rural => "农村",
        }
    }
}

impl FromStr for Residence {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|residence| residence.as_str() == text);
        found.ok_or_else(|| format!("{text:?}: expected urban or rural"))
    }
}

impl fmt::Display for Residence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A named thing of the data: a group, a series or a standard, in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its code.
    pub code: Code,
    /// Its Chinese name.
    pub zh: String,
    /// Its English name.
    pub en: String,
}

/// A list of named things, in code order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(BTreeMap<Code, Named>);

impl Names {
    /// Adds or replaces an entry.
    pub fn insert(&mut self, named: Named) {
        self.0.insert(named.code.clone(), named);
    }

    /// The entry with this code.
    pub fn get(&self, code: &Code) -> Option<&Named> {
        self.0.get(code)
    }

    /// Whether the code is in the list.
    pub fn contains(&self, code: &Code) -> bool {
        self.0.contains_key(code)
    }

    /// The Chinese name, or the code itself when the list lacks it.
    pub fn zh<'a>(&'a self, code: &'a Code) -> &'a str {
        self.get(code).map_or(code.as_str(), |named| &named.zh)
    }

    /// The English name, or the code itself when the list lacks it.
    pub fn en<'a>(&'a self, code: &'a Code) -> &'a str {
        self.get(code).map_or(code.as_str(), |named| &named.en)
    }

    /// Every entry, by code.
    pub fn all(&self) -> impl Iterator<Item = &Named> {
        self.0.values()
    }
}

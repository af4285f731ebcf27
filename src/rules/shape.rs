//! Values with parts: bases, rises, bands, terms and funding shares.

use rust_decimal::Decimal;
use toml::{Spanned, de::DeValue};

use crate::domain::{area::AreaCode, code::Code, exact::Exact};

use super::{
    reader::Reader,
    sum::read_share,
    value::Value,
    word::{Period, Source},
};

/// An area named by its place relative to the question, or by its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The area asked about.
    Paying,
    /// The area that decides.
    Deciding,
    /// The area above the deciding one.
    Parent,
    /// The province.
    Province,
    /// The nation.
    Nation,
    /// This area.
    Area(AreaCode),
}

impl Value for Place {
    fn read(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Self> {
        Some(match reader.text(item)? {
            "paying" => Self::Paying,
            "deciding" => Self::Deciding,
            "parent" => Self::Parent,
            "province" => Self::Province,
            "nation" => Self::Nation,
            code => match code.parse() {
                Ok(code) => Self::Area(code),
                Err(_) => {
                    let places = "paying, deciding, parent, province, nation or a six-digit code";
                    return reader.expected(item, places);
                }
            },
        })
    }

    fn show(&self) -> String {
        match self {
            Self::Paying => "paying".into(),
            Self::Deciding => "deciding".into(),
            Self::Parent => "parent".into(),
            Self::Province => "province".into(),
            Self::Nation => "nation".into(),
            Self::Area(code) => code.to_string(),
        }
    }
}

/// The standard a sum is computed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// Its code.
    pub standard: Code,
    /// The part of it that counts.
    pub share: Option<Exact>,
    /// Whose standard: the first of these that has it recorded.
    pub places: Vec<Place>,
    /// The period over whose months it is averaged; not a term.
    pub average: Option<Period>,
    /// Of how many years before (上年度: 1).
    pub years_back: u32,
}

impl Value for Base {
    fn read(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Self> {
        if item.get_ref().is_str() {
            let standard = Code::read(reader, item)?;
            let places = vec![Place::Paying];
            return Some(Self { standard, share: None, places, average: None, years_back: 0 });
        }
        let mut table = reader.table(item, "a standard's code or a table with standard = …")?;
        let standard = table.required(reader, "standard", item);
        let share = table.read_with(reader, "share", read_share);
        let places = table.read_with(reader, "area", |reader, item| {
            if item.get_ref().is_str() {
                return Place::read(reader, item).map(|place| vec![place]);
            }
            reader.list(item, "an area or a list of areas", Place::read)
        });
        let average = table.optional(reader, "average");
        let years_back = table.optional(reader, "years_back").unwrap_or(0);
        table.finish(reader);
        if average == Some(Period::Term) {
            return reader.expected(item, "average = month, quarter, half_year or year");
        }
        let places = places.unwrap_or_else(|| vec![Place::Paying]);
        Some(Self { standard: standard?, share, places, average, years_back })
    }

    fn show(&self) -> String {
        let places: Vec<_> = self.places.iter().map(Value::show).collect();
        let mut text = format!("{} of {}", self.standard, places.join(", else "));
        if let Some(share) = self.share {
            text = format!("{share} × {text}");
        }
        if let Some(average) = self.average {
            text = format!("{text}, mean of the {}", average.as_str());
        }
        if 0 < self.years_back {
            text = format!("{text}, {} years before", self.years_back);
        }
        text
    }
}

/// One rise to multiply by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RiseOf {
    /// That of this series.
    Series(Code),
    /// That of the series that triggered; on several, the highest.
    Trigger,
}

/// Which rise a sum is computed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rise {
    /// This one.
    One(RiseOf),
    /// The highest of these; all must be recorded.
    HigherOf(Vec<RiseOf>),
    /// The lowest of these; all must be recorded.
    LowerOf(Vec<RiseOf>),
    /// The first of these that is recorded.
    FirstRecorded(Vec<RiseOf>),
}

impl RiseOf {
    fn read(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Self> {
        match reader.text(item)? {
            "trigger" => Some(Self::Trigger),
            _ => Code::read(reader, item).map(Self::Series),
        }
    }

    fn show(&self) -> &str {
        match self {
            Self::Series(series) => series.as_str(),
            Self::Trigger => "trigger",
        }
    }
}

impl Value for Rise {
    fn read(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Self> {
        const WHAT: &str = "a series, \"trigger\", higher_of, lower_of or first_recorded";
        if item.get_ref().is_str() {
            return RiseOf::read(reader, item).map(Self::One);
        }
        let mut table = reader.table(item, WHAT)?;
        let list = |reader: &mut Reader, item: &Spanned<DeValue<'_>>| {
            reader.list(item, "a list of series", RiseOf::read)
        };
        let higher = table.read_with(reader, "higher_of", list);
        let lower = table.read_with(reader, "lower_of", list);
        let first = table.read_with(reader, "first_recorded", list);
        table.finish(reader);
        match (higher, lower, first) {
            (Some(higher), None, None) => Some(Self::HigherOf(higher)),
            (None, Some(lower), None) => Some(Self::LowerOf(lower)),
            (None, None, Some(first)) => Some(Self::FirstRecorded(first)),
            _ => reader.expected(item, "one of higher_of, lower_of and first_recorded"),
        }
    }

    fn show(&self) -> String {
        let join = |all: &[RiseOf]| all.iter().map(RiseOf::show).collect::<Vec<_>>().join(", ");
        match self {
            Self::One(one) => one.show().to_owned(),
            Self::HigherOf(all) => format!("higher of {}", join(all)),
            Self::LowerOf(all) => format!("lower of {}", join(all)),
            Self::FirstRecorded(all) => format!("first recorded of {}", join(all)),
        }
    }
}

/// An edge of a band.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// Where it lies.
    pub at: Decimal,
    /// Whether the edge itself belongs to the band.
    pub included: bool,
}

/// What a band yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BandYield {
    /// A share of the base.
    Share(Exact),
    /// A sum.
    Yuan(Decimal),
    /// A decision by hand (另行研究).
    ByHand,
    /// Something that the document does not say.
    Open,
}

/// A band of rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    /// Lower edge; absent: open.
    pub lower: Option<Edge>,
    /// Upper edge; absent: open.
    pub upper: Option<Edge>,
    /// What it yields.
    pub yields: BandYield,
}

impl Band {
    /// Whether the rise lies in it.
    pub fn contains(&self, rise: Exact) -> bool {
        let above = |edge: Edge| {
            let at = Exact::from(edge.at);
            at < rise || (edge.included && at == rise)
        };
        let below = |edge: Edge| {
            let at = Exact::from(edge.at);
            rise < at || (edge.included && at == rise)
        };
        self.lower.is_none_or(above) && self.upper.is_none_or(below)
    }

    /// Whether its lower edge leaves the rise above it, or there is none.
    pub fn begins_below(&self, rise: Exact) -> bool {
        Self { upper: None, ..*self }.contains(rise)
    }

    fn read(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Self> {
        let mut table =
            reader.table(item, "a band such as { at_least = \"3.0\", below = \"5.0\" }")?;
        let mut edge = |reader: &mut Reader, with: &str, without: &str| {
            let inner = table.optional(reader, with).map(|at| Edge { at, included: true });
            let outer = table.optional(reader, without).map(|at| Edge { at, included: false });
            if inner.is_some() && outer.is_some() {
                reader.expected::<()>(item, &format!("either {with} or {without}"));
            }
            inner.or(outer)
        };
        let lower = edge(reader, "at_least", "above");
        let upper = edge(reader, "at_most", "below");
        let share = table.optional(reader, "share").map(BandYield::Share);
        let yuan = table.optional(reader, "yuan").map(BandYield::Yuan);
        let by_hand = table.flag(reader, "by_hand").then_some(BandYield::ByHand);
        let open = table.flag(reader, "open").then_some(BandYield::Open);
        table.finish(reader);
        let mut yields = [share, yuan, by_hand, open].into_iter().flatten();
        match (yields.next(), yields.next()) {
            (Some(yields), None) => Some(Self { lower, upper, yields }),
            _ => reader.expected(item, "one of share, yuan, by_hand = true or open = true"),
        }
    }

    /// Whether no rise lies in it.
    pub fn is_empty(&self) -> bool {
        let (Some(lower), Some(upper)) = (self.lower, self.upper) else { return false };
        upper.at < lower.at || (upper.at == lower.at && !(lower.included && upper.included))
    }

    /// The band as text, for example `3.0 ≤ rise < 5.0`.
    pub fn range(&self) -> String {
        let sign = |edge: Edge| if edge.included { "≤" } else { "<" };
        let lower = self.lower.map_or(String::new(), |edge| format!("{} {} ", edge.at, sign(edge)));
        let upper = self.upper.map_or(String::new(), |edge| format!(" {} {}", sign(edge), edge.at));
        format!("{lower}rise{upper}")
    }
}

impl Value for Vec<Band> {
    const IS_LIST: bool = true;

    fn read(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Self> {
        reader.list(item, "a list of bands", Band::read)
    }

    fn show(&self) -> String {
        let show = |band: &Band| {
            let yields = match band.yields {
                BandYield::Share(share) => format!("× {share}"),
                BandYield::Yuan(yuan) => format!("{yuan} yuan"),
                BandYield::ByHand => "by hand".to_owned(),
                BandYield::Open => "open".to_owned(),
            };
            format!("{}: {yields}", band.range())
        };
        self.iter().map(show).collect::<Vec<_>>().join("; ")
    }
}

/// A school term, by months of the year; it may cross the end of the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// First month, 1 to 12.
    pub from: u32,
    /// Last month, 1 to 12.
    pub until: u32,
}

impl Term {
    /// Whether a month of the year lies in it.
    pub fn contains(self, month: u32) -> bool {
        if self.from <= self.until {
            (self.from..=self.until).contains(&month)
        } else {
            self.from <= month || month <= self.until
        }
    }
}

impl Value for Vec<Term> {
    const IS_LIST: bool = true;

    fn read(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Self> {
        reader.list(item, "a list of terms", |reader, item| {
            let mut table = reader.table(item, "a term such as { from = 3, until = 8 }")?;
            let from = table.required(reader, "from", item);
            let until = table.required(reader, "until", item);
            table.finish(reader);
            let term = Term { from: from?, until: until? };
            if (1..=12).contains(&term.from) && (1..=12).contains(&term.until) {
                return Some(term);
            }
            reader.expected(item, "months of the year from 1 to 12")
        })
    }

    fn show(&self) -> String {
        let show = |term: &Term| format!("{:02} to {:02}", term.from, term.until);
        self.iter().map(show).collect::<Vec<_>>().join(", ")
    }
}

/// One payer's share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FundingShare {
    /// Who pays.
    pub source: Source,
    /// How much of the sum.
    pub share: Exact,
}

impl Value for Vec<FundingShare> {
    const IS_LIST: bool = true;

    fn read(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Self> {
        let shares: Self = reader.list(item, "a list of sources", |reader, item| {
            let mut table = reader.table(item, "{ source = \"city\", share = \"0.3\" }")?;
            let source = table.required(reader, "source", item);
            let share = table.required(reader, "share", item);
            table.finish(reader);
            Some(FundingShare { source: source?, share: share? })
        })?;
        let total = shares.iter().try_fold(Exact::ZERO, |sum, one| sum.plus(one.share));
        if total.is_ok_and(|total| total == Exact::whole(1)) {
            return Some(shares);
        }
        reader.expected(item, "shares that add up to 1")
    }

    fn show(&self) -> String {
        let show = |one: &FundingShare| format!("{} {}", one.source.as_str(), one.share);
        self.iter().map(show).collect::<Vec<_>>().join(", ")
    }
}

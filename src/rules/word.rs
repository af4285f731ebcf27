//! The words of the data files that stand for one of a few choices.

use toml::{Spanned, de::DeValue};

use super::{reader::Reader, value::Value};

/// Declares an enumeration whose variants are words of the data files.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$of])* $variant),* }

        impl $name {
            /// Every word.
            pub const WORDS: &[&str] = &[$($word),*];

            /// The word used in data files.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl Value for $name {
            fn read(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Self> {
                match reader.text(item)? {
                    $($word => Some(Self::$variant),)*
                    _ => reader.expected(item, &[$($word),*].join(", ")),
                }
            }

            fn show(&self) -> String {
                self.as_str().to_owned()
            }
        }
    };
}

words! {
    /// How a series is measured.
    Measure {
        /// The month's own rise.
        Month = "month",
        /// The mean since January.
        Cumulative = "cumulative",
        /// The mean of the calendar quarter.
        Quarter = "quarter",
        /// The mean of the last months, the index month included.
        Average = "average",
        /// The mean of the calendar year.
        Year = "year",
    }
}

words! {
    /// How a measure is compared with its threshold.
    Comparator {
        /// Reaches (达到).
        AtLeast = ">=",
        /// Exceeds (超过).
        Above = ">",
        /// Does not exceed.
        AtMost = "<=",
        /// Stays below (低于).
        Below = "<",
    }
}

words! {
    /// How often the threshold series is recorded.
    ThresholdSet {
        /// With January, for the whole year.
        Yearly = "yearly",
        /// With every index month.
        Monthly = "monthly",
    }
}

words! {
    /// The first month paid.
    Start {
        /// The index month that starts it.
        SameMonth = "same_month",
        /// The month after.
        NextMonth = "next_month",
    }
}

words! {
    /// What keeps the mechanism running.
    HoldsOn {
        /// Any condition.
        Any = "any",
        /// Only the conditions that started it.
        Carrying = "carrying",
    }
}

words! {
    /// Which months count in a run.
    CountsFrom {
        /// Any.
        Any = "any",
        /// Only months in which the document is in force.
        Rule = "rule",
    }
}

words! {
    /// A month in which it does not hold.
    Below {
        /// Is not paid.
        Suspend = "suspend",
        /// Is paid until the mechanism ends.
        Pay = "pay",
    }
}

words! {
    /// What a step does.
    StepKind {
        /// Base × rise ÷ 100.
        BaseTimesRise = "base_times_rise",
        /// Base × a fixed share.
        BaseShare = "base_share",
        /// Base × the share of the band the rise lies in.
        BaseShareByBand = "base_share_by_band",
        /// The sum of the band the rise lies in.
        SumByBand = "sum_by_band",
        /// A sum for each point of the rise.
        SumPerPoint = "sum_per_point",
        /// A fixed sum.
        Flat = "flat",
        /// The amount of an earlier index month.
        EarlierAmount = "earlier_amount",
        /// The highest of other steps' sums.
        HigherOf = "higher_of",
        /// The lowest of other steps' sums.
        LowerOf = "lower_of",
        /// Not below.
        Floor = "floor",
        /// Not above.
        Cap = "cap",
        /// More by a sum.
        Add = "add",
        /// Times a number.
        Multiply = "multiply",
        /// Another sum instead.
        Override = "override",
        /// Less what is already paid.
        Subtract = "subtract",
        /// Rounded.
        Round = "round",
    }
}

impl StepKind {
    /// Whether it yields a sum of its own instead of changing one.
    pub fn is_source(self) -> bool {
        matches!(
            self,
            Self::BaseTimesRise
                | Self::BaseShare
                | Self::BaseShareByBand
                | Self::SumByBand
                | Self::SumPerPoint
                | Self::Flat
                | Self::EarlierAmount
                | Self::HigherOf
                | Self::LowerOf
        )
    }
}

words! {
    /// How parts of a point count.
    Points {
        /// As they are.
        Exact = "exact",
        /// As a whole point.
        Up = "up",
        /// Not at all.
        Down = "down",
    }
}

words! {
    /// How a sum is rounded.
    RoundMode {
        /// Half away from zero (四舍五入).
        HalfUp = "half_up",
        /// Up (进一).
        Up = "up",
        /// Down (舍去).
        Down = "down",
        /// Not at all.
        None = "none",
    }
}

words! {
    /// Who a sum is for.
    Unit {
        /// Each person.
        Person = "person",
        /// Each household.
        Household = "household",
        /// Each household, and more for each further person.
        HouseholdAndHeads = "household_and_heads",
    }
}

words! {
    /// The time one sum is for.
    Period {
        /// One index month.
        Month = "month",
        /// A calendar quarter.
        Quarter = "quarter",
        /// Half a calendar year.
        HalfYear = "half_year",
        /// A calendar year.
        Year = "year",
        /// A school term.
        Term = "term",
    }
}

words! {
    /// When payments are made.
    Rhythm {
        /// Each month by itself.
        Monthly = "monthly",
        /// Three months together.
        Quarterly = "quarterly",
        /// Six months together.
        HalfYearly = "half_yearly",
        /// A year together.
        Yearly = "yearly",
        /// A school term together.
        Term = "term",
    }
}

words! {
    /// From where quarters are counted.
    CountedFrom {
        /// The calendar.
        Calendar = "calendar",
        /// The start of the episode.
        Start = "start",
    }
}

words! {
    /// How the due date is found.
    Due {
        /// Working days after release.
        WorkingDays = "working_days",
        /// Days after release.
        Days = "days",
        /// The last day of the month of release.
        MonthOfRelease = "month_of_release",
        /// A fixed day.
        Fixed = "fixed",
    }
}

words! {
    /// Whose list of recipients is paid.
    Roster {
        /// That of the index month.
        IndexMonth = "index_month",
        /// That of the pay month.
        PayMonth = "pay_month",
    }
}

words! {
    /// What a person in several groups gets.
    SeveralGroups {
        /// One payment, the highest.
        Highest = "highest",
        /// One payment for each group.
        Each = "each",
    }
}

words! {
    /// What happens to a document that goes beyond a limit.
    OnBreach {
        /// Nothing.
        Allow = "allow",
        /// A warning.
        Warn = "warn",
        /// It is refused.
        Refuse = "refuse",
    }
}

words! {
    /// Who pays.
    Source {
        /// 中央财政.
        Central = "central",
        /// 省级财政.
        Province = "province",
        /// 市级财政.
        City = "city",
        /// 县级财政.
        County = "county",
        /// 同级财政.
        SameLevel = "same_level",
        /// 地方财政.
        Local = "local",
        /// 失业保险基金.
        UnemploymentFund = "unemployment_fund",
        /// 价格调节基金.
        PriceFund = "price_fund",
        /// 困难群众救助补助资金.
        ReliefFund = "relief_fund",
    }
}

words! {
    /// Why a line of a case has the sum it has, or none.
    Outcome {
        /// A sum is owed.
        Owed = "owed",
        /// The month is not paid.
        NotTriggered = "not_triggered",
        /// It cannot be computed.
        Undecidable = "undecidable",
        /// It is decided by hand (另行研究).
        ByHand = "by_hand",
        /// The sum does not end at the fen.
        NotInFen = "not_in_fen",
        /// It is owed with a later month.
        WithLater = "with_later",
        /// The group is not covered.
        NotCovered = "not_covered",
    }
}

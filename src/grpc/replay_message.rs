//! Comparisons, sweeps and outlooks as messages.

use crate::{
    domain::{code::Code, exact::RangeError},
    engine::{
        amount::LineOutcome,
        reason::{Text, Vocabulary},
    },
    service::replay::{
        compare::ComparedMonth,
        outlook::{AreaOutlook, Need, Needed},
        totals::{self, LawTotals},
    },
};

use super::{convert, v1};

fn name(words: &Vocabulary<'_>, group: &Code) -> v1::Text {
    convert::text(Text::new(words.groups.zh(group), words.groups.en(group)))
}

pub(super) fn month(words: &Vocabulary<'_>, one: &ComparedMonth) -> v1::ComparedMonth {
    let decisions = one.decided.iter().map(|(triggered, state)| v1::ComparedDecision {
        triggered: convert::triggered(*triggered).into(),
        state: convert::state(*state).into(),
    });
    let owed = |owed: &Option<LineOutcome>| {
        let (outcome, yuan) = match owed {
            Some(LineOutcome::Owed(yuan)) => ("OWED", Some(convert::decimal(*yuan))),
            Some(outcome) => (outcome.word().as_str(), None),
            None => ("NOT_COVERED", None),
        };
        v1::ComparedOwed { outcome: outcome.to_ascii_uppercase(), yuan }
    };
    let sums = one.sums.iter().map(|sum| v1::ComparedSum {
        group: sum.group.to_string(),
        group_name: Some(name(words, &sum.group)),
        residence: v1::Residence::from(sum.residence).into(),
        owed: sum.owed.iter().map(owed).collect(),
        persons: sum.persons.map_or(0, |persons| persons as i64),
    });
    v1::ComparedMonth {
        area: one.area.to_string(),
        area_name: words.area(one.area),
        month: Some(convert::month(one.month)),
        decisions: decisions.collect(),
        sums: sums.collect(),
    }
}

/// A law's totals.
///
/// # Errors
/// A sum leaves the range of exact arithmetic.
pub(super) fn totals(
    words: &Vocabulary<'_>,
    law: &str,
    hypothetical: bool,
    with_sums: bool,
    totals: &LawTotals,
) -> Result<v1::LawTotals, RangeError> {
    let groups = totals.sums.iter().map(|((year, code, residence), sums)| v1::GroupTotals {
        year: *year,
        group: code.to_string(),
        group_name: Some(name(words, code)),
        residence: v1::Residence::from(*residence).into(),
        ..group(sums)
    });
    Ok(v1::LawTotals {
        name: law.to_owned(),
        hypothetical,
        months: totals.months as i64,
        paid: totals.paid as i64,
        starts: totals.starts as i64,
        undecidable: totals.undecidable as i64,
        gained: totals.gained as i64,
        lost: totals.lost as i64,
        groups: groups.collect(),
        all: if with_sums { Some(group(&totals.all()?)) } else { None },
    })
}

fn group(sums: &totals::GroupTotals) -> v1::GroupTotals {
    v1::GroupTotals {
        year: 0,
        group: String::new(),
        group_name: None,
        residence: v1::Residence::Unspecified.into(),
        months: sums.months as i64,
        // What could not be worked out is no zero.
        yuan_each: (0 < sums.months).then(|| convert::decimal(sums.yuan_each)),
        person_months: sums.person_months as i64,
        yuan: (0 < sums.person_months).then(|| convert::decimal(sums.yuan)),
        without_sum: sums.without_sum as i64,
        not_costed: sums.not_costed as i64,
    }
}

pub(super) fn outlook(words: &Vocabulary<'_>, one: &AreaOutlook) -> v1::AreaOutlook {
    let nearest = one.outcome.conditions.iter().find(|condition| condition.margin == one.nearest);
    let nearest = nearest.filter(|_| one.nearest.is_some());
    v1::AreaOutlook {
        area: one.area.to_string(),
        area_name: words.area(one.area),
        state: convert::state(one.outcome.state).into(),
        nearest_condition: nearest.map_or_else(String::new, |found| found.name.to_string()),
        margin: one.nearest.map(|margin| convert::decimal(margin.to_decimal(6).normalize())),
        needs: one.needs.iter().map(|one| need(words, one)).collect(),
    }
}

fn need(words: &Vocabulary<'_>, need: &Need) -> v1::OutlookNeed {
    let (zh, en) = (words.series.zh(&need.series), words.series.en(&need.series));
    let place = words.area(need.area);
    let month = need.condition.readings.first().map(|reading| reading.month);
    let month_zh = month.map_or_else(String::new, crate::engine::reason::month_zh);
    let month_en = month.map_or_else(String::new, |month| month.to_string());
    let told = match need.needed {
        Needed::Any => Text::new(
            format!("{place}{month_zh}无论{zh}如何都发放"),
            format!("paid whatever {en} of {place} is in {month_en}"),
        ),
        Needed::AtLeast(needed) => Text::new(
            format!("{place}{month_zh}{zh}达到 {needed} 即发放"),
            format!("paid if {en} of {place} is at least {needed} in {month_en}"),
        ),
        Needed::NotAlone => Text::new(
            format!("{place}{month_zh}仅凭{zh}不足以启动"),
            format!("no {en} of {place} in {month_en} suffices alone"),
        ),
    };
    v1::OutlookNeed {
        condition: need.condition.name.to_string(),
        area: need.area.to_string(),
        series: need.series.to_string(),
        needed: match need.needed {
            Needed::AtLeast(needed) => Some(convert::decimal(needed)),
            _ => None,
        },
        text: Some(convert::text(told)),
    }
}

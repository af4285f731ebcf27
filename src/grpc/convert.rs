//! From the engine's values to messages.

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        area::AreaCode,
        code::Code,
        decision::{self, State, Triggered},
        exact::Exact,
        figure,
        group::Residence,
        month::Month,
        standard,
    },
    engine::{
        amount::{Line, LineOutcome, Operand, Quote, StepTaken},
        condition::ConditionReading,
        deadline::PayBy,
        question::{Missing, Threshold},
        reason::{Text, Vocabulary},
    },
    rules::{
        cite::{Cite, Head, Kind},
        shown::Said,
    },
    service::{
        sheet::{NoticeFile, OfficeFile},
        status::Status,
    },
    sheets::notice::{Notice, NoticeKind},
};

use super::{Decimal, read::Deep, v1};

pub(super) fn month(month: Month) -> v1::YearMonth {
    v1::YearMonth { year: month.year(), month: month.month() as i32 }
}

pub(super) fn decimal(value: rust_decimal::Decimal) -> Decimal {
    Decimal { value: value.to_string() }
}

fn cut(value: Exact) -> Decimal {
    decimal(value.to_decimal(6).normalize())
}

/// An instant as it is sent.
pub fn instant(at: DateTime<Utc>) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.timestamp(), nanos: at.timestamp_subsec_nanos() as i32 }
}

pub(super) fn text(text: Text) -> v1::Text {
    v1::Text { zh: text.zh, en: text.en }
}

pub(super) fn triggered(triggered: Triggered) -> v1::Triggered {
    match triggered {
        Triggered::Yes => v1::Triggered::Yes,
        Triggered::No => v1::Triggered::No,
        Triggered::Undecidable => v1::Triggered::Undecidable,
    }
}

pub(super) fn state(state: State) -> v1::State {
    match state {
        State::Inactive => v1::State::Inactive,
        State::Started => v1::State::Started,
        State::Continuing => v1::State::Continuing,
        State::Suspended => v1::State::Suspended,
        State::Ended => v1::State::Ended,
        State::BackPaid => v1::State::BackPaid,
        State::Undecidable => v1::State::Undecidable,
    }
}

pub(super) fn citation(cite: &Cite) -> v1::Citation {
    v1::Citation {
        instrument: cite.head.id.clone(),
        title_zh: cite.head.title_zh.clone(),
        number: cite.head.number.clone().unwrap_or_default(),
        clause: cite.clause.to_string(),
        confidence: cite.mark.as_str().to_owned(),
        assumed: cite.is_assumed(),
        note: cite.note.to_string(),
    }
}

pub(super) fn provision(said: &Said) -> v1::Provision {
    v1::Provision {
        text: said.text.clone(),
        when: said.when.to_string(),
        citation: Some(citation(&said.cite)),
    }
}

pub(super) fn missing(words: &Vocabulary<'_>, missing: &Missing) -> v1::Missing {
    let mut message =
        v1::Missing { text: Some(text(words.missing(missing))), ..Default::default() };
    let mut about =
        |kind: &str, area: Option<AreaCode>, series: Option<&Code>, at: Option<Month>| {
            message.kind = kind.to_owned();
            message.area = area.map(|area| area.to_string()).unwrap_or_default();
            message.series = series.map(Code::to_string).unwrap_or_default();
            message.month = at.map(month);
        };
    match missing {
        Missing::Law => about("LAW", None, None, None),
        Missing::Parameter { path, .. } => {
            about("PARAMETER", None, None, None);
            message.parameter = path.clone();
        }
        Missing::Figure { area, series, month } => {
            about("FIGURE", Some(*area), Some(series), Some(*month));
        }
        Missing::ReleaseDate { area, series, month } => {
            about("RELEASE_DATE", Some(*area), Some(series), Some(*month));
        }
        Missing::Index { area } => about("INDEX", Some(*area), None, None),
        Missing::Before { month } => about("BEFORE", None, None, Some(*month)),
        Missing::Standard { areas, standard, month } => {
            about("STANDARD", areas.first().copied(), Some(standard), Some(*month));
        }
        Missing::Divided { .. } => about("DIVIDED", None, None, None),
    }
    message
}

fn condition(
    words: &Vocabulary<'_>,
    condition: &ConditionReading,
    carried_by: &[Code],
) -> v1::Condition {
    let threshold = condition.threshold.as_ref();
    let first = condition.readings.first();
    let used = condition.readings.iter().flat_map(|reading| &reading.used);
    v1::Condition {
        name: condition.name.to_string(),
        met: condition.met.as_str().to_owned(),
        comparator: condition.comparator.as_str().to_owned(),
        threshold: threshold.and_then(|cited| match cited.value {
            Threshold::At(at) => Some(decimal(at)),
            Threshold::Between(..) => None,
        }),
        run_months: condition.run_months as i32,
        observed: first.and_then(|reading| reading.value).map(cut),
        margin: condition.margin.map(cut),
        figures: used
            .map(|used| v1::UsedFigure {
                area: used.area.to_string(),
                series: used.series.to_string(),
                month: Some(month(used.month)),
                value: Some(decimal(used.value)),
                revision: used.revision as i32,
            })
            .collect(),
        citation: threshold.map(|cited| citation(&cited.cite)),
        inherited_by: threshold.and_then(|cited| cited.inherited.as_ref()).map(citation),
        missing: condition.missing.iter().map(|one| missing(words, one)).collect(),
        text: Some(text(words.condition(condition))),
        carries: carried_by.contains(&condition.name),
    }
}

pub(super) fn status(words: &Vocabulary<'_>, status: &Status, deep: Deep) -> v1::Status {
    let outcome = &status.outcome;
    let conditions = match deep {
        Deep::Answer => Vec::new(),
        _ => (outcome.conditions.iter())
            .map(|one| condition(words, one, &outcome.carried_by))
            .collect(),
    };
    v1::Status {
        hypothetical: status.documents.iter().any(|head| head.kind == Kind::Reform),
        area: status.area.to_string(),
        area_name: words.area(status.area),
        month: Some(month(outcome.month)),
        triggered: triggered(outcome.triggered).into(),
        state: state(outcome.state).into(),
        deciding_area: outcome.deciding.to_string(),
        deciding_area_name: words.area(outcome.deciding),
        indicative: status.indicative,
        since: outcome.since.map(month),
        carried_by: outcome.carried_by.iter().map(Code::to_string).collect(),
        paid_with: outcome.paid_with.map(month),
        pay_by: day(&status.pay_by),
        pay_by_text: Some(text(words.pay_by(&status.pay_by))),
        reason: Some(text(status.reason(words))),
        conditions,
        missing: outcome.missing.iter().map(|one| missing(words, one)).collect(),
        instruments: (status.documents.iter())
            .map(|head| applied(words, status, head, deep))
            .collect(),
        law_digest: status.law_digest.clone(),
    }
}

fn applied(
    words: &Vocabulary<'_>,
    status: &Status,
    head: &Head,
    deep: Deep,
) -> v1::AppliedInstrument {
    if deep < Deep::Law {
        return v1::AppliedInstrument { id: head.id.clone(), ..Default::default() };
    }
    v1::AppliedInstrument {
        id: head.id.clone(),
        kind: head.kind.as_str().to_owned(),
        title_zh: head.title_zh.clone(),
        title_en: head.title_en.clone(),
        from: Some(month(head.months.from)),
        until: head.months.until.map(month),
        why: Some(text(status.why_applies(words, head))),
    }
}

pub(super) fn quote(
    words: &Vocabulary<'_>,
    asked: &Status,
    quote: &Quote,
    deep: Deep,
) -> v1::Quote {
    v1::Quote {
        status: Some(status(words, asked, deep)),
        lines: quote.lines.iter().map(|one| line(words, one, deep)).collect(),
        discretion: (quote.discretion.iter())
            .map(|one| v1::DiscretionaryPayment {
                groups: one.groups.iter().map(Code::to_string).collect(),
                yuan: Some(decimal(one.yuan)),
                unit: one.unit.as_str().to_owned(),
                reason: one.reason.clone(),
                citation: Some(citation(&one.cite)),
                each_further_yuan: one.each_further_yuan.map(decimal),
                residence: one.residence.map_or(0, |one| v1::Residence::from(one).into()),
            })
            .collect(),
    }
}

impl From<Residence> for v1::Residence {
    fn from(residence: Residence) -> Self {
        match residence {
            Residence::Urban => Self::Urban,
            Residence::Rural => Self::Rural,
        }
    }
}

/// The word for why a line has the sum it has, or none.
pub(super) fn line(words: &Vocabulary<'_>, line: &Line, deep: Deep) -> v1::SubsidyLine {
    let lacks: &[Missing] = match &line.outcome {
        LineOutcome::Undecidable(missing) => missing,
        _ => &[],
    };
    let name = Text::new(words.groups.zh(&line.group), words.groups.en(&line.group));
    v1::SubsidyLine {
        group: line.group.to_string(),
        group_name: Some(text(name)),
        residence: v1::Residence::from(line.residence).into(),
        outcome: line.outcome.word().as_str().to_uppercase(),
        outcome_text: Some(text(words.line_outcome(line))),
        subsidy_yuan: line.yuan().map(decimal),
        unit: line.unit.as_str().to_owned(),
        each_further_yuan: line.each_further_yuan.map(decimal),
        base_standard: line.base().map(|base| base.standard.to_string()).unwrap_or_default(),
        base_yuan: line.base().map(|base| cut(base.yuan)),
        multiplier_series: line.rise().map(|r| r.reading.series.to_string()).unwrap_or_default(),
        rise_pct: line.rise().map(|rise| cut(rise.percent)),
        unrounded_yuan: line.unrounded().map(cut),
        steps: match deep {
            Deep::Answer => Vec::new(),
            _ => line.steps.iter().map(|one| step(words, one)).collect(),
        },
        missing: lacks.iter().map(|one| missing(words, one)).collect(),
        citation: line.steps.first().map(|step| citation(&step.cite)),
        covered_by: Some(citation(&line.covered_by)),
        assumptions: line.assumptions().iter().map(|cite| cite.head.id.clone()).collect(),
        pay_by: day(&line.pay_by),
        pay_by_text: Some(text(words.pay_by(&line.pay_by))),
    }
}

fn day(pay_by: &PayBy) -> String {
    match pay_by {
        PayBy::Day { day, .. } => day.to_string(),
        _ => String::new(),
    }
}

fn step(words: &Vocabulary<'_>, step: &StepTaken) -> v1::Step {
    let own = citation(&step.cite);
    let mut elsewhere: Vec<v1::Citation> = Vec::new();
    for cite in step.operands.iter().filter_map(Operand::cite).map(citation) {
        if cite != own && !elsewhere.contains(&cite) {
            elsewhere.push(cite);
        }
    }
    v1::Step {
        name: step.name.to_string(),
        kind: step.kind.as_str().to_owned(),
        input_yuan: step.input.map(cut),
        output_yuan: Some(cut(step.output)),
        text: Some(text(words.step(step))),
        citation: Some(own),
        operand_citations: elsewhere,
    }
}

pub(super) fn figure(figure: &figure::Figure) -> v1::Figure {
    v1::Figure {
        area: figure.area.to_string(),
        series: figure.series.to_string(),
        month: Some(month(figure.month)),
        value: Some(decimal(figure.value)),
        released_on: figure.released_on.map(|day| day.to_string()).unwrap_or_default(),
        source: figure.source.clone(),
        revision: figure.revision as i32,
        recorded_at: Some(instant(figure.recorded_at)),
    }
}

pub(super) fn standard(standard: &standard::Standard) -> v1::Standard {
    v1::Standard {
        area: standard.area.to_string(),
        standard: standard.standard.to_string(),
        valid_from: Some(month(standard.valid_from)),
        yuan: Some(decimal(standard.yuan)),
        headcount: standard.headcount.unwrap_or(0),
        source: standard.source.clone(),
        revision: standard.revision as i32,
        recorded_at: Some(instant(standard.recorded_at)),
    }
}

pub(super) fn decision(decision: &decision::Decision) -> v1::Decision {
    v1::Decision {
        area: decision.area.to_string(),
        month: Some(month(decision.month)),
        triggered: triggered(decision.triggered).into(),
        state: state(decision.state).into(),
        since: decision.since.map(month),
        carried_by: decision.carried_by.iter().map(Code::to_string).collect(),
        instruments: decision.instruments.clone(),
        law_digest: decision.law_digest.clone(),
        reason: Some(v1::Text { zh: decision.reason_zh.clone(), en: decision.reason_en.clone() }),
        revision: decision.revision as i32,
        recorded_at: Some(instant(decision.recorded_at)),
    }
}

pub(super) fn instrument(head: &Head) -> v1::Instrument {
    v1::Instrument {
        id: head.id.clone(),
        kind: head.kind.as_str().to_owned(),
        title_zh: head.title_zh.clone(),
        title_en: head.title_en.clone(),
        number: head.number.clone().unwrap_or_default(),
        issuers: head.issuers.clone(),
        issued: head.issued.map(|day| day.to_string()).unwrap_or_default(),
        jurisdiction: head.jurisdiction.to_string(),
        from: Some(month(head.months.from)),
        until: head.months.until.map(month),
        amends: head.amends.clone(),
        sources: head.sources.clone(),
        note: head.note.clone(),
        digest: head.digest.clone(),
        text: String::new(),
    }
}

pub(super) fn office_file(file: OfficeFile) -> v1::OfficeFile {
    let OfficeFile { content, content_type, sha256 } = file;
    v1::OfficeFile { content, content_type: content_type.to_owned(), sha256 }
}

pub(super) fn notice(found: NoticeFile) -> v1::Notice {
    let Notice { kind, title, open } = found.notice;
    let kind = match kind {
        NoticeKind::Start => v1::NoticeKind::Start,
        NoticeKind::Continue => v1::NoticeKind::Continue,
        NoticeKind::Suspend => v1::NoticeKind::Suspend,
    };
    v1::Notice {
        kind: kind.into(),
        title,
        open: open.into_iter().map(text).collect(),
        file: Some(office_file(found.file)),
    }
}

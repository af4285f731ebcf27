//! A document set beside the law without it, sent part by part.

use std::{sync::Arc, time::Instant};

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

use crate::{
    engine::{
        amount::LineOutcome,
        reason::{Text, Vocabulary},
    },
    service::{
        Service,
        diff::{Asked, CoverageChange, Diff, MonthChange, ParameterChange, SumChange},
    },
};

use super::{
    answers::{STREAM_WAITING_MAX, Streamed},
    called::blocking,
    convert,
    read::BadField,
    status::{of_timeline, refused},
    v1::{self, diff_instrument_request::Document, diff_instrument_response::Item},
};

/// The document asked about.
pub(super) fn document_in(document: Option<Document>) -> Result<Asked, BadField> {
    match document {
        Some(Document::Id(id)) => Ok(Asked::Id(id)),
        Some(Document::Text(text)) => Ok(Asked::Text(text)),
        None => Err(BadField::new("document", "", "an id or the text of a document")),
    }
}

/// Sends the parts until done, cancelled or out of time.
pub(super) fn stream(
    service: Arc<Service>,
    diff: Diff,
    deadline: Option<Instant>,
) -> Streamed<v1::DiffInstrumentResponse> {
    let (send, receive) = mpsc::channel(STREAM_WAITING_MAX);
    blocking(move || {
        let words = service.reference.words();
        // A client that went away ends the work at once.
        let sent = |item: Result<Item, Status>| {
            let failed = item.is_err();
            let item = item.map(|item| v1::DiffInstrumentResponse { item: Some(item) });
            send.blocking_send(item).is_ok() && !failed
        };
        if !sent(Ok(Item::Law(law(&words, &diff)))) {
            return;
        }
        let mut totals = v1::DiffTotals::default();
        for area in &diff.areas {
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                let message = "the deadline passed before the comparison was done";
                sent(Err(refused(Code::DeadlineExceeded, "DEADLINE", message)));
                return;
            }
            let months = match diff.area(*area) {
                Ok(months) => months,
                Err(error) => {
                    sent(Err(of_timeline(&error)));
                    return;
                }
            };
            totals.areas += 1;
            for change in months {
                totals.months_decided_differently += i64::from(change.is_decided_differently());
                totals.months_paid_differently += i64::from(!change.sums.is_empty());
                totals.sums_different += change.sums.len() as i64;
                if !sent(Ok(Item::Month(month(&words, &change)))) {
                    return;
                }
            }
        }
        sent(Ok(Item::Totals(totals)));
    });
    Box::pin(ReceiverStream::new(receive))
}

fn law(words: &Vocabulary<'_>, diff: &Diff) -> v1::LawChanges {
    let changes = diff.law();
    let parameter = |change: &ParameterChange| v1::ParameterChange {
        from: Some(convert::month(change.from)),
        path: change.path.clone(),
        before: change.before.iter().map(convert::provision).collect(),
        after: change.after.iter().map(convert::provision).collect(),
    };
    let group = |change: &CoverageChange| v1::CoverageChange {
        from: Some(convert::month(change.from)),
        group: change.group.to_string(),
        name: Some(name(words, &change.group)),
        before: change.before.as_ref().map(convert::citation),
        after: change.after.as_ref().map(convert::citation),
    };
    v1::LawChanges {
        instrument: Some(convert::instrument(&diff.head)),
        parameters: changes.parameters.iter().map(parameter).collect(),
        groups: changes.groups.iter().map(group).collect(),
        restated: changes.restated,
    }
}

fn name(words: &Vocabulary<'_>, group: &crate::domain::code::Code) -> v1::Text {
    convert::text(Text::new(words.groups.zh(group), words.groups.en(group)))
}

fn month(words: &Vocabulary<'_>, change: &MonthChange) -> v1::MonthChange {
    let [before, after] = change.decided;
    v1::MonthChange {
        area: change.area.to_string(),
        area_name: words.area(change.area),
        month: Some(convert::month(change.month)),
        triggered_before: convert::triggered(before.0).into(),
        triggered_after: convert::triggered(after.0).into(),
        state_before: convert::state(before.1).into(),
        state_after: convert::state(after.1).into(),
        sums: change.sums.iter().map(|one| sum(words, one)).collect(),
    }
}

fn sum(words: &Vocabulary<'_>, change: &SumChange) -> v1::SumChange {
    let outcome = |side: &Option<LineOutcome>| {
        let word = |outcome: &LineOutcome| outcome.word().as_str().to_uppercase();
        side.as_ref().map_or_else(|| "NOT_COVERED".to_owned(), word)
    };
    let yuan = |side: &Option<LineOutcome>| match side {
        Some(LineOutcome::Owed(yuan)) => Some(convert::decimal(*yuan)),
        _ => None,
    };
    let [before, after] = &change.owed;
    v1::SumChange {
        group: change.group.to_string(),
        group_name: Some(name(words, &change.group)),
        residence: v1::Residence::from(change.residence).into(),
        outcome_before: outcome(before),
        outcome_after: outcome(after),
        yuan_before: yuan(before),
        yuan_after: yuan(after),
    }
}

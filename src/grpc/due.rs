//! Payments as they fall due, and those that no live run pays: in and out.

use tonic::Status;

use crate::{
    domain::month::Month,
    engine::{deadline::PayBy, reason::Vocabulary},
    service::{
        Service,
        due::{Due, MISSING_MONTHS},
    },
};

use super::{
    asker::Asker,
    convert::{month, text},
    page::Page,
    read::{BadField, area_opt, date_in, month_in, month_opt},
    status::of_service,
    v1,
};

/// Most days ahead.
const DAYS_MAX: u32 = 366;

pub(super) fn list_due_payments(
    service: &Service,
    asker: &Asker,
    asked: v1::ListDuePaymentsRequest,
) -> Result<v1::ListDuePaymentsResponse, Status> {
    let page = Page::read(asked.page_size, &asked.page_token, 200, 1_000)?;
    let pay_month = month_in("pay_month", asked.pay_month)?;
    let within = asker.root(service, area_opt("within", &asked.within)?)?;
    let mut all = service.due(within, pay_month).map_err(|error| of_service(&error))?;
    all.retain(|due| asker.sees(service, due.area));
    let (found, next_page_token) = page.of(all.iter());
    let words = service.reference.words();
    let payments = found.into_iter().map(|due| payment(&words, due)).collect();
    Ok(v1::ListDuePaymentsResponse { payments, next_page_token })
}

pub(super) fn list_missing_runs(
    service: &Service,
    asker: &Asker,
    asked: v1::ListMissingRunsRequest,
) -> Result<v1::ListMissingRunsResponse, Status> {
    let page = Page::read(asked.page_size, &asked.page_token, 200, 1_000)?;
    let on = date_in("on", &asked.on)?;
    let on = on.ok_or_else(|| BadField::new("on", "", "a day such as 2021-11-30"))?;
    let days = u32::try_from(asked.within_days).ok().filter(|days| *days <= DAYS_MAX);
    let expected = format!("0 to {DAYS_MAX}");
    let days = days.ok_or_else(|| BadField::new("within_days", asked.within_days, &expected))?;
    let since = match month_opt("since", asked.since)? {
        Some(since) => since,
        None => {
            let this = Month::of(on);
            let this = this.ok_or_else(|| BadField::new("on", on, "a day from 1990 to 2099"))?;
            this.plus(-MISSING_MONTHS).unwrap_or(Month::FIRST)
        }
    };
    let until = month_opt("until", asked.until)?;
    let within = asker.root(service, area_opt("within", &asked.within)?)?;
    let mut all = service
        .missing_runs(within, (since, until), on, days)
        .map_err(|error| of_service(&error))?;
    all.retain(|due| asker.sees(service, due.area));
    let (found, next_page_token) = page.of(all.iter());
    let words = service.reference.words();
    let payments = found.into_iter().map(|due| payment(&words, due)).collect();
    Ok(v1::ListMissingRunsResponse { payments, next_page_token })
}

fn payment(words: &Vocabulary<'_>, due: &Due) -> v1::DuePayment {
    let Due { area, payment, days_left } = due;
    v1::DuePayment {
        area: area.to_string(),
        index_months: payment.months.iter().map(|at| month(*at)).collect(),
        groups: payment.groups.iter().map(ToString::to_string).collect(),
        rhythm: payment.kind.as_str().to_owned(),
        pay_by: match &payment.pay_by {
            PayBy::Day { day, .. } => day.to_string(),
            _ => String::new(),
        },
        pay_by_text: Some(text(words.pay_by(&payment.pay_by))),
        days_left: days_left.and_then(|days| i32::try_from(days).ok()),
    }
}

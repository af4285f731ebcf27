//! What falls due, and what no run pays yet.

use chrono::{Local, NaiveDate};
use clap::Args;

use crate::{domain::month::Month, grpc::v1};

use super::super::{
    Format, Place,
    client::{self, month_text, told, with, year_month},
    output::{Rows, json, say},
};

#[derive(Debug, Args)]
pub(super) struct Due {
    /// The month in which they fall due; while a due date is unknown, the pay month of the rule.
    #[arg(value_name = "YYYY-MM")]
    pay_month: Month,
    /// Only this area and those below it.
    #[arg(long, value_name = "CODE")]
    within: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Missing {
    /// The day from which days are counted; today when left out.
    #[arg(long, value_name = "YYYY-MM-DD")]
    on: Option<NaiveDate>,
    /// Also what is due by so many days after it.
    #[arg(long, value_name = "DAYS", default_value_t = 0, value_parser = clap::value_parser!(i32).range(0..=366))]
    within_days: i32,
    /// The first index month looked at; twelve months before the day when left out.
    #[arg(long, value_name = "YYYY-MM")]
    since: Option<Month>,
    /// The last index month looked at; the newest when left out.
    #[arg(long, value_name = "YYYY-MM")]
    until: Option<Month>,
    /// Only this area and those below it.
    #[arg(long, value_name = "CODE")]
    within: Option<String>,
}

impl Due {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let all = with(place, |transport| async move {
            let request = v1::ListDuePaymentsRequest {
                pay_month: Some(year_month(self.pay_month)),
                within: self.within.clone().unwrap_or_default(),
                page_size: 1_000,
                ..Default::default()
            };
            client::lists::due(&transport, request).await.map_err(told)
        })?;
        shown(place, &all, false)
    }
}

impl Missing {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let on = self.on.unwrap_or_else(|| Local::now().date_naive());
        let all = with(place, |transport| async move {
            let request = v1::ListMissingRunsRequest {
                on: on.to_string(),
                within_days: self.within_days,
                since: self.since.map(year_month),
                until: self.until.map(year_month),
                within: self.within.clone().unwrap_or_default(),
                page_size: 1_000,
                ..Default::default()
            };
            client::lists::missing_runs(&transport, request).await.map_err(told)
        })?;
        shown(place, &all, true)
    }
}

fn shown(place: &Place, all: &[v1::DuePayment], with_days: bool) -> anyhow::Result<()> {
    if place.format == Format::Json {
        return all.iter().try_for_each(|payment| json("DuePayment", payment));
    }
    let mut columns = vec!["area_code", "index_months", "groups", "rhythm", "pay_by"];
    columns.extend(with_days.then_some("days_left"));
    columns.push("due");
    let mut rows = Rows::new(&columns);
    for payment in all {
        let months = payment.index_months.iter().map(|month| month_text(Some(*month)));
        let mut row = vec![
            payment.area.clone(),
            months.collect::<Vec<_>>().join("+"),
            payment.groups.join("+"),
            payment.rhythm.clone(),
            payment.pay_by.clone(),
        ];
        if with_days {
            row.push(payment.days_left.map(|days| days.to_string()).unwrap_or_default());
        }
        row.push(say(place, &payment.pay_by_text));
        rows.push(row);
    }
    rows.print(place.format)
}

//! `outlook`

use clap::Args;

use crate::{domain::month::Month, grpc::v1};

use super::{
    super::{
        Asking, Format, Place,
        ask::state_word,
        client::{self, month_text, told, with, year_month},
        output::{Rows, json, number, say},
    },
    supposed,
};

/// `outlook`
#[derive(Debug, Args)]
pub(in super::super) struct Outlook {
    /// The areas, six digits each; may be repeated. Without it: every area with an index.
    #[arg(long, value_name = "CODE")]
    area: Vec<String>,
    /// Every area that decides in this one, with or without an index of its own.
    #[arg(long, value_name = "CODE", conflicts_with = "area")]
    within: Option<String>,
    /// The month looked on from; the newest with an index when left out.
    #[arg(long, value_name = "YYYY-MM")]
    month: Option<Month>,
    /// Only areas within this many points of their nearest threshold, on either side.
    #[arg(long, value_name = "POINTS")]
    near: Option<rust_decimal::Decimal>,
    /// Supposed figures, in the columns of `index record`: they stand before those recorded.
    #[arg(long, value_name = "FILE")]
    suppose: Option<std::path::PathBuf>,
    #[command(flatten)]
    asking: Asking,
}

impl Outlook {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let request = v1::GetOutlookRequest {
            areas: self.area.clone(),
            within: self.within.clone().unwrap_or_default(),
            month: self.month.map(year_month),
            asking: Some(self.asking.message()?),
            supposed_figures: supposed(place, self.suppose.as_ref())?,
        };
        let mut outlook = with(place, |transport| async move {
            let outlook = client::replay(&transport).get_outlook(request).await;
            Ok(outlook.map_err(told)?.into_inner())
        })?;
        if let Some(near) = self.near {
            outlook.areas.retain(|area| {
                let margin = area.margin.as_ref().and_then(|margin| margin.value.parse().ok());
                margin.is_some_and(|margin: rust_decimal::Decimal| margin.abs() <= near)
            });
        }
        if place.format == Format::Json {
            return json("GetOutlookResponse", &outlook);
        }
        let mut rows = Rows::new(&[
            "area_code",
            "area_name",
            "index_month",
            "state",
            "condition",
            "margin",
            "needs_series",
            "needed",
            "needed_text",
        ]);
        for area in &outlook.areas {
            let head = [
                area.area.clone(),
                area.area_name.clone(),
                month_text(outlook.month),
                state_word(area.state).to_owned(),
                area.nearest_condition.clone(),
                number(&area.margin),
            ];
            if area.needs.is_empty() {
                rows.push(head.iter().cloned().chain([const { String::new() }; 3]).collect());
            }
            for need in &area.needs {
                let need = [need.series.clone(), number(&need.needed), say(place, &need.text)];
                rows.push(head.iter().cloned().chain(need).collect());
            }
        }
        rows.print(place.format)
    }
}

//! `cases`

use clap::Args;

use crate::service::cases::run;

use super::{Format, Language, Place, client::open, output::Rows};

/// `cases`
#[derive(Debug, Args)]
pub(super) struct Cases {
    /// Only rows with this verdict: reproduced, contradicted or not_checkable.
    #[arg(long)]
    verdict: Option<String>,
}

impl Cases {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        anyhow::ensure!(place.server.is_none(), "cases run in process: leave --server out");
        let service = open(place)?;
        let checked = run(&service.reference, &service.writer.snapshot());
        let checked = checked.map_err(|why| anyhow::anyhow!("{why}"))?;
        let mut rows =
            Rows::new(&["case_id", "area_code", "index_month", "verdict", "checked", "why"]);
        let mut counts = [0_usize; 3];
        for one in &checked {
            let verdict = one.verdict.as_str();
            let at = ["reproduced", "contradicted", "not_checkable"];
            if let Some(at) = at.iter().position(|word| *word == verdict) {
                counts[at] += 1;
            }
            if self.verdict.as_ref().is_some_and(|wanted| wanted != verdict) {
                continue;
            }
            let why = if place.lang == Language::Zh { &one.why_zh } else { &one.why_en };
            rows.push(vec![
                one.id.clone(),
                one.area.clone(),
                one.months.clone(),
                verdict.to_owned(),
                one.respects.join("+"),
                why.clone(),
            ]);
        }
        rows.print(if place.format == Format::Json { Format::Csv } else { place.format })?;
        let [reproduced, contradicted, not_checkable] = counts;
        eprintln!(
            "{} published rows: {reproduced} reproduced, {contradicted} contradicted, \
             {not_checkable} not checkable",
            checked.len()
        );
        Ok(())
    }
}

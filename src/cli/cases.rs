//! `cases`

use clap::{Args, ValueEnum};

use crate::service::cases::{Checked, Verdict, run};

use super::{Format, Language, Place, client::open, output::Rows};

/// `cases`
#[derive(Debug, Args)]
pub(super) struct Cases {
    /// Only rows with this verdict.
    #[arg(long, value_enum)]
    verdict: Option<Wanted>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Wanted {
    /// The law, applied to facts stated apart from the outcome, gives the published outcome.
    Reproduced,
    /// Published numbers agree with each other or with what is recorded.
    Consistent,
    /// Something does not come out.
    Contradicted,
    /// It cannot be checked, and the row says why.
    NotCheckable,
}

impl Wanted {
    fn verdict(self) -> Verdict {
        match self {
            Self::Reproduced => Verdict::Reproduced,
            Self::Consistent => Verdict::Consistent,
            Self::Contradicted => Verdict::Contradicted,
            Self::NotCheckable => Verdict::NotCheckable,
        }
    }
}

const COLUMNS: [&str; 7] =
    ["case_id", "area", "index_month", "checked", "verdict", "source", "why"];
const COLUMNS_ZH: [&str; 7] =
    ["编号", "地区", "指数月份(发放月份)", "核对内容", "结论", "来源", "说明"];

impl Cases {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        anyhow::ensure!(place.server.is_none(), "cases run in process: leave --server out");
        let service = open(place)?;
        let checked = run(&service.reference, &service.writer.snapshot());
        let checked = checked.map_err(|why| anyhow::anyhow!("{why}"))?;
        // Words for reading are in the language asked for; columns for programs keep their codes.
        let in_chinese = place.lang == Language::Zh && place.format == Format::Table;
        let mut rows = Rows::new(if in_chinese { &COLUMNS_ZH } else { &COLUMNS });
        let wanted = self.verdict.map(Wanted::verdict);
        for one in &checked {
            if wanted.is_none_or(|wanted| wanted == one.verdict) {
                rows.push(row(place, one, in_chinese));
            }
        }
        rows.print(place.format)?;
        let count = |verdict| checked.iter().filter(|one| one.verdict == verdict).count();
        let [reproduced, consistent, contradicted, not_checkable] = Verdict::ALL.map(count);
        let all = checked.len();
        match place.lang {
            Language::Zh => eprintln!(
                "公布的 {all} 行:{reproduced} 行由规则重现,{consistent} 行公布数相符(不证明规则),\
                 {contradicted} 行不符,{not_checkable} 行无法核对"
            ),
            Language::En => eprintln!(
                "{all} published rows: {reproduced} reproduced by the law, {consistent} consistent \
                 (which proves nothing about the law), {contradicted} contradicted, \
                 {not_checkable} not checkable"
            ),
        }
        Ok(())
    }
}

fn row(place: &Place, one: &Checked, in_chinese: bool) -> Vec<String> {
    let checked = one.respects.iter().map(|(respect, derived)| match (in_chinese, derived) {
        (true, false) => respect.zh().to_owned(),
        (true, true) => format!("{}(推算)", respect.zh()),
        (false, false) => respect.as_str().to_owned(),
        (false, true) => format!("{} (derived)", respect.as_str()),
    });
    let why = match place.lang {
        Language::Zh => &one.why.zh,
        Language::En => &one.why.en,
    };
    let verdict = if in_chinese { one.verdict.zh() } else { one.verdict.as_str() };
    vec![
        one.id.clone(),
        one.area.clone(),
        one.months.clone(),
        checked.collect::<Vec<_>>().join(if in_chinese { "、" } else { ", " }),
        verdict.to_owned(),
        one.source.clone(),
        why.clone(),
    ]
}

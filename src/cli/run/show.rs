//! What is shown of runs.

use std::io::Write;

use anyhow::{Context, bail};

use crate::grpc::v1;

use super::{
    super::{
        Format, Language, Place,
        client::{self, month_text, told, with, year_month},
        output::{Rows, json, number, say},
        owed::residence_word,
    },
    List,
};

/// Columns of `run lines`.
const LINE_COLUMNS: [&str; 15] = [
    "run",
    "index_month",
    "area_code",
    "group",
    "residence",
    "persons",
    "households",
    "basis",
    "rate_yuan",
    "each_further_yuan",
    "yuan",
    "increment_yuan",
    "charges",
    "pay_by",
    "paid_before_yuan",
];

fn state_word(place: &Place, state: v1::RunState) -> &'static str {
    let (zh, en) = match state {
        v1::RunState::Unspecified => ("", ""),
        v1::RunState::Draft => ("草稿", "draft"),
        v1::RunState::Submitted => ("已提交", "submitted"),
        v1::RunState::Approved => ("已批准", "approved"),
        v1::RunState::Released => ("已拨付", "released"),
        v1::RunState::Closed => ("已办结", "closed"),
        v1::RunState::Rejected => ("已退回", "rejected"),
        v1::RunState::Voided => ("已作废", "voided"),
    };
    if place.lang == Language::Zh && place.format == Format::Table { zh } else { en }
}

fn move_word(place: &Place, made: v1::RunMove) -> &'static str {
    let (zh, en) = match made {
        v1::RunMove::Unspecified => ("", ""),
        v1::RunMove::Submit => ("提交", "submitted"),
        v1::RunMove::Approve => ("批准", "approved"),
        v1::RunMove::Reject => ("退回", "rejected"),
        v1::RunMove::Release => ("拨付", "released"),
        v1::RunMove::Settle => ("回盘", "settled"),
        v1::RunMove::Close => ("办结", "closed"),
        v1::RunMove::Void => ("作废", "voided"),
    };
    if place.lang == Language::Zh { zh } else { en }
}

fn instant_text(at: &Option<prost_types::Timestamp>) -> String {
    let at = at.as_ref();
    let at = at.and_then(|at| chrono::DateTime::from_timestamp(at.seconds, at.nanos as u32));
    at.map_or_else(String::new, |at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
}

fn charged(charges: &[v1::Charge]) -> String {
    let one = |charge: &v1::Charge| format!("{} {}", charge.source, number(&charge.yuan));
    charges.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// What became of the rows of a roster, and of the lines of its payment list.
fn roster(out: &mut impl Write, place: &Place, run: &v1::Run) -> anyhow::Result<()> {
    let Some(pin) = &run.roster else { return Ok(()) };
    let counted = |counts: &std::collections::HashMap<String, i64>| {
        let sorted: std::collections::BTreeMap<_, _> = counts.iter().collect();
        let counts = sorted.into_iter().map(|(why, count)| format!("{why} {count}"));
        counts.collect::<Vec<_>>().join(", ")
    };
    let settled = run.events.iter().filter_map(|event| event.settlement.as_ref());
    let paid: i64 = settled.clone().map(|one| one.paid).sum();
    let failed: i64 = settled.flat_map(|one| one.failed.values()).sum();
    let rejects: i64 = pin.rejects.values().sum();
    let why = match counted(&pin.rejects) {
        why if why.is_empty() => why,
        why if place.lang == Language::Zh => format!("({why})"),
        why => format!(" ({why})"),
    };
    let (rows, beaten, open) = (pin.rows, pin.beaten, run.open_lines);
    let follows = &pin.follows;
    match place.lang {
        Language::Zh => {
            writeln!(out, "  名册 {rows} 行:就高合并 {beaten} 行,不发放 {rejects} 行{why}")?;
            writeln!(out, "  发放清单:已发放 {paid},失败 {failed},待回盘 {open}")?;
        }
        Language::En => {
            writeln!(out, "  roster of {rows} rows: {beaten} beaten, {rejects} not paid{why}")?;
            writeln!(out, "  payment list: {paid} paid, {failed} failed, {open} open")?;
        }
    }
    if !follows.is_empty() {
        let word = if place.lang == Language::Zh { "补发批次,接续" } else { "follows" };
        writeln!(out, "  {word} {follows}")?;
    }
    Ok(())
}

pub(super) fn show_one(place: &Place, run: &v1::Run) -> anyhow::Result<()> {
    if place.format == Format::Json {
        return json("Run", run);
    }
    if place.format == Format::Csv {
        return runs(place, std::slice::from_ref(run));
    }
    let mut out = std::io::stdout().lock();
    let zh = place.lang == Language::Zh;
    let word = |zh_word, en_word| if zh { zh_word } else { en_word };
    let id = match run.id.as_str() {
        "" => word("(未记录)", "(not recorded)"),
        id => id,
    };
    let (state, yuan) = (state_word(place, run.state()), number(&run.yuan));
    let (lines, persons) = (run.lines, run.persons);
    if zh {
        writeln!(out, "{id} {state}:{persons} 人次、{lines} 行,合计 {yuan} 元")?;
    } else {
        writeln!(out, "{id} {state}: {persons} persons in {lines} lines, {yuan} yuan in all")?;
    }
    for charge in &run.charges {
        writeln!(out, "  {} {}", charge.source, number(&charge.yuan))?;
    }
    if !run.adjusts.is_empty() {
        let counted: Vec<_> =
            [&run.adjusts].into_iter().chain(&run.adjusts_after).cloned().collect();
        let (run, counted) = (&run.adjusts, counted.join(", "));
        match zh {
            true => writeln!(out, "  补发 {run};已发数计入 {counted}")?,
            false => writeln!(out, "  adjusts {run}, counting what {counted} pay")?,
        }
    }
    roster(&mut out, place, run)?;
    let (by, at) = (&run.made_by, instant_text(&run.made_at));
    writeln!(out, "  {} {by} {at} {}", word("编制", "made by"), run.note)?;
    for event in &run.events {
        let (by, at, made) = (&event.by, instant_text(&event.at), move_word(place, event.made()));
        writeln!(out, "  {made} {by} {at} {}", event.reason)?;
    }
    for finding in &run.findings {
        let weight = match finding.weight.as_str() {
            "blocking" => word("阻断", "blocking"),
            _ => word("提示", "warning"),
        };
        let (month, area) = (month_text(finding.month), &finding.area);
        let text = say(place, &finding.text);
        writeln!(out, "  [{weight}] {} {month} {area} {text}", finding.code)?;
    }
    let pins = run.pins.clone().unwrap_or_default();
    let mut documents: Vec<_> = pins.documents.keys().cloned().collect();
    documents.sort();
    let (figures, standards) = (pins.figures.len(), pins.standards.len());
    let known_at = instant_text(&pins.known_at);
    let documents = documents.join(", ");
    if zh {
        writeln!(
            out,
            "  依据:截至 {known_at} 所知的文件 {documents};指数 {figures} 个,标准 {standards} 个"
        )?;
    } else {
        writeln!(
            out,
            "  rests on what was known at {known_at}: documents {documents}; {figures} figures, \
             {standards} standards"
        )?;
    }
    Ok(())
}

fn runs(place: &Place, runs: &[v1::Run]) -> anyhow::Result<()> {
    let columns =
        ["run", "state", "made_by", "made_at", "lines", "persons", "yuan", "charges", "note"];
    let mut rows = Rows::new(&columns);
    for run in runs {
        rows.push(vec![
            run.id.clone(),
            state_word(place, run.state()).to_owned(),
            run.made_by.clone(),
            instant_text(&run.made_at),
            run.lines.to_string(),
            run.persons.to_string(),
            number(&run.yuan),
            charged(&run.charges),
            run.note.clone(),
        ]);
    }
    rows.print(place.format)
}

impl List {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let found = with(place, |transport| async move {
            let request = v1::ListRunsRequest {
                within: self.within.clone().unwrap_or_default(),
                month: self.month.map(year_month),
                page_size: 500,
                ..Default::default()
            };
            client::lists::runs(&transport, request).await.map_err(told)
        })?;
        match place.format {
            Format::Json => found.iter().try_for_each(|run| json("Run", run)),
            _ => runs(place, &found),
        }
    }
}

fn line_row(run: &str, line: &v1::RunLine) -> Vec<String> {
    let payees = line.payees.clone().unwrap_or_default();
    let households = match payees.households {
        0 => String::new(),
        count => count.to_string(),
    };
    vec![
        run.to_owned(),
        month_text(payees.month),
        payees.area.clone(),
        payees.group.clone(),
        residence_word(payees.residence).to_owned(),
        payees.persons.to_string(),
        households,
        line.basis.clone(),
        number(&line.rate_yuan),
        number(&line.each_further_yuan),
        number(&line.yuan),
        number(&line.increment_yuan),
        charged(&line.charges),
        line.pay_by.clone(),
        number(&line.paid_before_yuan),
    ]
}

pub(super) fn lines(place: &Place, run: String) -> anyhow::Result<()> {
    let of = run.clone();
    let all = with(place, |transport| async move {
        let (run, page_size) = (run.clone(), 5_000);
        let request = v1::ListRunLinesRequest { run, page_size, ..Default::default() };
        client::lists::run_lines(&transport, request).await.map_err(told)
    })?;
    if place.format == Format::Json {
        return all.iter().try_for_each(|line| json("RunLine", line));
    }
    let mut rows = Rows::new(&LINE_COLUMNS);
    all.iter().for_each(|line| rows.push(line_row(&of, line)));
    rows.print(place.format)
}

pub(super) fn verify(place: &Place, run: String) -> anyhow::Result<()> {
    let of = run.clone();
    let found = with(place, |transport| async move {
        let found = client::run(&transport).verify_run(v1::VerifyRunRequest { run }).await;
        Ok(found.map_err(told)?.into_inner())
    })?;
    if place.format == Format::Json {
        json("RunVerification", &found)?;
    }
    if !found.equal {
        bail!("run {of} differs when computed again\n{}", found.differences.join("\n"));
    }
    if place.format == Format::Json {
        return Ok(());
    }
    let equal = match place.lang {
        Language::Zh => format!("{of}:按当时的依据重新计算,结果一致"),
        Language::En => format!("{of}: computed again from what it pins, equal"),
    };
    writeln!(std::io::stdout().lock(), "{equal}").context("write to standard output")
}

pub(super) fn drift(place: &Place) -> anyhow::Result<()> {
    let all = with(place, |transport| async move {
        let request = v1::ListRunDriftRequest { page_size: 1_000, ..Default::default() };
        client::lists::drift(&transport, request).await.map_err(told)
    })?;
    if place.format == Format::Json {
        return all.iter().try_for_each(|line| json("RunDrift", line));
    }
    let columns = [
        "run",
        "index_month",
        "area_code",
        "group",
        "residence",
        "run_yuan",
        "now_yuan",
        "difference_yuan",
        "why",
    ];
    let mut rows = Rows::new(&columns);
    for one in all {
        let payees = one.payees.unwrap_or_default();
        rows.push(vec![
            one.run,
            month_text(payees.month),
            payees.area.clone(),
            payees.group.clone(),
            residence_word(payees.residence).to_owned(),
            number(&one.run_yuan),
            number(&one.now_yuan),
            number(&one.difference_yuan),
            one.why,
        ]);
    }
    rows.print(place.format)
}

pub(super) fn receipt(place: &Place, run: String) -> anyhow::Result<()> {
    let found = with(place, |transport| async move {
        let request = v1::GetRunReceiptRequest { run };
        let found = client::run(&transport).get_run_receipt(request).await;
        Ok(found.map_err(told)?.into_inner())
    })?;
    eprintln!("sha256 {}", found.sha256);
    // Exactly the text that the digest is of: no line feed at its end.
    write!(std::io::stdout().lock(), "{}", found.json).context("write to standard output")
}

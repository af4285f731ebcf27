//! 说明: what a run's sheets rest on, how it stands, and who signs.

use chrono::{DateTime, FixedOffset, Utc};
use rust_xlsxwriter::{Format, Worksheet};

use crate::{
    domain::{
        life::RunState,
        run::{RunFinding, Weight},
    },
    engine::reason::month_zh,
};

use super::{
    PinnedDocument, RunPaper, SheetError,
    capital::capital_yuan,
    layout::Plan,
    scope::span,
    style::{Paper, Styles, across, lines, office, set_page},
};

const WIDTHS: [u32; 5] = [16, 20, 24, 18, 24];
const LAST: u16 = WIDTHS.len() as u16 - 1;

/// An instant as clocks in China show it.
pub(super) fn beijing(at: DateTime<Utc>) -> String {
    match FixedOffset::east_opt(8 * 3_600) {
        Some(offset) => at.with_timezone(&offset).format("%Y-%m-%d %H:%M").to_string(),
        None => at.format("%Y-%m-%d %H:%M UTC").to_string(),
    }
}

/// The line under a title: which run, and whether it may be paid from.
pub(super) fn standing(paper: &RunPaper<'_>) -> String {
    let (id, state) = (&paper.life.run.id, paper.life.state());
    let marked = match state {
        RunState::Approved | RunState::Released | RunState::Closed => "",
        _ => "，未经批准，不得据以拨付",
    };
    let made_at = beijing(paper.life.made_at);
    format!("批次编号：{id}（状态：{}{marked}）    测算时间：{made_at}", state.zh())
}

/// Writes the sheet.
pub(super) fn write(
    sheet: &mut Worksheet,
    paper: &RunPaper<'_>,
    plan: &Plan<'_>,
    styles: &Styles,
) -> Result<(), SheetError> {
    sheet.set_name("说明")?;
    for (wide, at) in WIDTHS.into_iter().zip(0..) {
        sheet.set_column_width(at, wide)?;
    }
    let mut page = Page { sheet, paper, styles, at: 0 };
    across(page.sheet, 0, (0, LAST), &plan.scope.title("价格临时补贴测算说明"), &styles.title)?;
    page.sheet.set_row_height(0, 30)?;
    page.at = 1;
    page.run()?;
    page.events()?;
    page.findings()?;
    page.documents()?;
    page.figures()?;
    page.standards()?;
    page.signatures()?;
    let last = (page.at - 1, LAST);
    set_page(sheet, Paper::Portrait, last)?;
    Ok(())
}

struct Page<'a, 'b> {
    sheet: &'a mut Worksheet,
    paper: &'a RunPaper<'b>,
    styles: &'a Styles,
    at: u32,
}

impl Page<'_, '_> {
    fn section(&mut self, title: &str) -> Result<(), SheetError> {
        across(self.sheet, self.at, (0, LAST), title, &self.styles.section)?;
        self.at += 1;
        Ok(())
    }

    /// A name and what is said of it.
    fn said(&mut self, name: &str, text: &str, format: &Format) -> Result<(), SheetError> {
        self.sheet.write_string_with_format(self.at, 0, name, &self.styles.centre)?;
        across(self.sheet, self.at, (1, LAST), text, format)?;
        let wide: u32 = WIDTHS[1..].iter().sum();
        self.sheet.set_row_height(self.at, 16 * lines(text, wide as usize - 2))?;
        self.at += 1;
        Ok(())
    }

    /// Five cells; the titles of a list.
    fn titles(&mut self, titles: [&str; 5]) -> Result<(), SheetError> {
        self.cells(titles.map(str::to_owned), &self.styles.head)
    }

    fn cells(&mut self, texts: [String; 5], format: &Format) -> Result<(), SheetError> {
        let high = texts.iter().zip(WIDTHS).map(|(text, wide)| lines(text, wide as usize - 1));
        self.sheet.set_row_height(self.at, 16 * high.max().unwrap_or(1))?;
        for (text, at) in texts.into_iter().zip(0..) {
            self.sheet.write_string_with_format(self.at, at, text, format)?;
        }
        self.at += 1;
        Ok(())
    }

    fn run(&mut self) -> Result<(), SheetError> {
        let (styles, life) = (self.styles, &self.paper.life);
        let run = &life.run;
        self.section("一、测算")?;
        self.said("批次编号", &run.id, &styles.text)?;
        self.said("状态", life.state().zh(), &styles.text)?;
        let words = capital_yuan(run.yuan).unwrap_or_default();
        self.said("合计金额", &format!("{} 元（人民币{words}）", run.yuan), &styles.text)?;
        self.said("编制人", &run.made_by, &styles.free)?;
        let made_at = format!("{}（北京时间）", beijing(life.made_at));
        self.said("编制时间", &made_at, &styles.text)?;
        self.said("备注", &run.note, &styles.free)?;
        let needed = format!("须由编制人以外的 {} 人批准", run.approvals_needed);
        self.said("批准", &needed, &styles.text)?;
        let strict = if run.pins.strict {
            "不采用假设"
        } else {
            "文件未作规定处可采用假设，均已注明"
        };
        self.said("假设", strict, &styles.text)?;
        self.said("核验凭据", &format!("SHA-256 {}", self.paper.receipt), &styles.text)?;
        self.said("人数名册", &format!("SHA-256 {}", run.pins.headcounts), &styles.text)?;
        self.said("程序版本", &format!("price-linkage {}", run.pins.engine), &styles.text)
    }

    fn events(&mut self) -> Result<(), SheetError> {
        self.section("二、办理经过")?;
        let head = &self.styles.head;
        for (title, at) in ["办理", "办理人", "时间（北京时间）"].into_iter().zip(0..)
        {
            self.sheet.write_string_with_format(self.at, at, title, head)?;
        }
        across(self.sheet, self.at, (3, LAST), "理由", head)?;
        self.at += 1;
        if self.paper.life.events.is_empty() {
            return self.said("—", "尚未提交", &self.styles.text);
        }
        for event in &self.paper.life.events {
            let when = beijing(event.at);
            let free = &self.styles.free;
            for (text, at) in [event.made.zh(), &event.by, &when].into_iter().zip(0..) {
                self.sheet.write_string_with_format(self.at, at, text, free)?;
            }
            across(self.sheet, self.at, (3, LAST), &event.reason, free)?;
            let wide: u32 = WIDTHS[3..].iter().sum();
            self.sheet.set_row_height(self.at, 16 * lines(&event.reason, wide as usize - 2))?;
            self.at += 1;
        }
        Ok(())
    }

    fn findings(&mut self) -> Result<(), SheetError> {
        self.section("三、提示")?;
        if self.paper.life.run.findings.is_empty() {
            return self.said("—", "没有需要注意的事项", &self.styles.text);
        }
        for RunFinding { weight, month, area, zh, .. } in &self.paper.life.run.findings {
            let weight = match weight {
                Weight::Blocking => "阻断",
                Weight::Warning => "提示",
            };
            let area = self.paper.words.area(*area);
            let text = office(&format!("{area}{}:{zh}", month_zh(*month)));
            self.said(weight, &text, &self.styles.text)?;
        }
        Ok(())
    }

    fn documents(&mut self) -> Result<(), SheetError> {
        self.section("四、依据文件")?;
        self.titles(["文件标识", "文号", "标题", "适用指数月份", "SHA-256"])?;
        for PinnedDocument { id, head, digest } in &self.paper.documents {
            let of = |text: Option<String>| text.unwrap_or_else(|| "不详".to_owned());
            let head = head.as_ref();
            let cells = [
                id.clone(),
                of(head.and_then(|head| head.number.clone())),
                of(head.map(|head| format!("《{}》", head.title_zh))),
                of(head.map(|head| span(head))),
                digest.clone(),
            ];
            self.cells(cells, &self.styles.text)?;
        }
        Ok(())
    }

    fn figures(&mut self) -> Result<(), SheetError> {
        self.section("五、采用的价格指数（同比涨幅，%）")?;
        self.titles(["指数月份", "地区", "指标", "数值", "第几次发布、发布日期"])?;
        for figure in &self.paper.figures {
            let words = &self.paper.words;
            let released = figure.released_on.map(|day| format!("，{day}")).unwrap_or_default();
            let cells = [
                figure.month.to_string(),
                words.area(figure.area),
                words.series.zh(&figure.series).to_owned(),
                figure.value.to_string(),
                format!("第 {} 次{released}", figure.revision),
            ];
            self.cells(cells, &self.styles.text)?;
        }
        Ok(())
    }

    fn standards(&mut self) -> Result<(), SheetError> {
        self.section("六、采用的保障标准")?;
        self.titles(["执行月份起", "地区", "标准", "元/月", "第几次记录、出处"])?;
        for standard in &self.paper.standards {
            let words = &self.paper.words;
            let cells = [
                standard.valid_from.to_string(),
                words.area(standard.area),
                words.standards.zh(&standard.standard).to_owned(),
                standard.yuan.to_string(),
                format!("第 {} 次，{}", standard.revision, standard.source),
            ];
            self.cells(cells, &self.styles.free)?;
        }
        Ok(())
    }

    fn signatures(&mut self) -> Result<(), SheetError> {
        self.section("七、会签")?;
        self.titles(["部门", "填报人", "审核人", "日期", "盖章"])?;
        for office in ["发展改革部门", "财政部门", "民政部门", "人力资源和社会保障部门"]
        {
            self.sheet.write_string_with_format(self.at, 0, office, &self.styles.centre)?;
            for at in 1..=LAST {
                self.sheet.write_blank(self.at, at, &self.styles.blank)?;
            }
            self.sheet.set_row_height(self.at, 34)?;
            self.at += 1;
        }
        Ok(())
    }
}

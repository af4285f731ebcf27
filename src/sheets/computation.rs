//! 联合测算表: one row for each index month, area, group and residence, with live sums below.

use rust_decimal::Decimal;
use rust_xlsxwriter::{Format, Formula, IgnoreError, Worksheet};

use crate::{
    domain::run::{Charge, RunLine},
    engine::{amount::Line, reason::Vocabulary},
    rules::word::Unit,
};

use super::{
    RunPaper, SheetError,
    layout::{Column, FIRST_ROW, Plan, Row, shown_sum},
    remarks::standing,
    style::{Paper, Styles, across, lines, money_width, set_page, width},
    totals,
};

/// The name of the sheet.
pub(super) const NAME: &str = "联合测算表";

/// Writes the sheet.
pub(super) fn write(
    sheet: &mut Worksheet,
    paper: &RunPaper<'_>,
    plan: &Plan<'_>,
    styles: &Styles,
) -> Result<(), SheetError> {
    sheet.set_name(NAME)?;
    let mut table = Table { sheet, paper, plan, styles, widths: Vec::new(), at: 0 };
    table.widths()?;
    table.head()?;
    for (at, row) in plan.rows.iter().enumerate() {
        table.line(at, row)?;
    }
    let next = totals::write(sheet, paper, plan, styles)?;
    let last = (plan.columns.len() - 1) as u16;
    if let Some(column) = plan.column(Column::Code) {
        let as_text = IgnoreError::NumberStoredAsText;
        sheet.ignore_error_range(FIRST_ROW, column, next - 1, column, as_text)?;
    }
    sheet.set_freeze_panes(FIRST_ROW, 0)?;
    sheet.set_repeat_rows(FIRST_ROW - 2, FIRST_ROW - 1)?;
    set_page(sheet, Paper::Landscape, (next - 1, last))?;
    Ok(())
}

struct Table<'a, 'b> {
    sheet: &'a mut Worksheet,
    paper: &'a RunPaper<'b>,
    plan: &'a Plan<'a>,
    styles: &'a Styles,
    widths: Vec<u32>,
    /// The next row.
    at: u32,
}

impl Table<'_, '_> {
    fn words(&self) -> &Vocabulary<'_> {
        &self.paper.words
    }

    fn last(&self) -> u16 {
        (self.plan.columns.len() - 1) as u16
    }

    fn widths(&mut self) -> Result<(), SheetError> {
        let all = || self.plan.rows.iter().map(|row| row.line);
        let mut widths: Vec<u32> = Vec::new();
        for column in &self.plan.columns {
            let least = least_width(*column);
            let texts = |text: &dyn Fn(&RunLine) -> String, most: usize| {
                all().map(|line| width(&text(line))).max().unwrap_or(0).min(most) + 1
            };
            let most = match column {
                Column::Area => {
                    texts(&|line| self.plan.scope.area(self.words(), line.payees.area), 24)
                }
                Column::Group => {
                    texts(&|line| self.words().groups.zh(&line.payees.group).to_owned(), 20)
                }
                Column::Documents => self
                    .plan
                    .rows
                    .iter()
                    .map(|row| width(&self.cited(row)))
                    .max()
                    .unwrap_or(0)
                    .min(18),
                Column::Yuan | Column::Increment | Column::Source(_) => {
                    money_width(self.plan.sum(*column, all())?) + 3
                }
                Column::Persons | Column::Households => {
                    money_width(self.plan.sum(*column, all())?) + 1
                }
                _ => 0,
            };
            widths.push(least.max(most) as u32);
        }
        for (at, width) in widths.iter().enumerate() {
            self.sheet.set_column_width(at as u16, *width)?;
        }
        self.widths = widths;
        Ok(())
    }

    /// How many half-width characters stand in a line of a column.
    fn wide(&self, column: Column) -> usize {
        let place = self.plan.columns.iter().position(|one| *one == column);
        place.and_then(|at| self.widths.get(at)).map_or(1, |wide| *wide as usize).max(2) - 1
    }

    fn head(&mut self) -> Result<(), SheetError> {
        let (styles, last) = (self.styles, self.last());
        across(
            self.sheet,
            0,
            (0, last),
            &self.plan.scope.title("价格临时补贴联合测算表"),
            &styles.title,
        )?;
        self.sheet.set_row_height(0, 30)?;
        let remark = standing(self.paper);
        let middle = last - 3;
        across(self.sheet, 1, (0, middle), &remark, &styles.remark)?;
        across(self.sheet, 1, (middle + 1, last), "单位：人、元", &styles.remark_right)?;
        let mut at = 0;
        while let Some(column) = self.plan.columns.get(usize::from(at)) {
            let (group, members) = match column {
                Column::IncrementRate => (Some("其中：增支"), 2),
                Column::Source(0) => (Some("资金来源及承担金额"), self.plan.sources.len() as u16),
                _ => (None, 1),
            };
            match group {
                None => {
                    let title = self.title(*column);
                    self.sheet.merge_range(2, at, 3, at, &title, &styles.head)?;
                }
                Some(group) => {
                    across(self.sheet, 2, (at, at + members - 1), group, &styles.head)?;
                }
            }
            at += members;
        }
        for (at, column) in self.plan.columns.iter().enumerate() {
            if matches!(column, Column::IncrementRate | Column::Increment | Column::Source(_)) {
                let title = self.title(*column);
                self.sheet.write_string_with_format(3, at as u16, title, &styles.head)?;
            }
        }
        self.sheet.set_row_height(2, 18)?;
        self.sheet.set_row_height(3, 30)?;
        self.at = FIRST_ROW;
        Ok(())
    }

    fn title(&self, column: Column) -> String {
        let text = match column {
            Column::Number => "序号",
            Column::Month => "指数月份",
            Column::Code => "地区代码",
            Column::Area => "地区",
            Column::Group => "保障对象",
            Column::Residence => "城乡",
            Column::Persons => "人数",
            Column::Households => "户数",
            Column::Unit => "计发单位",
            Column::Base => "基础标准（元/月）",
            Column::Rise => "涨幅（%）",
            Column::Computed => "测算值",
            Column::Rate if self.plan.column(Column::Unit).is_some() => "发放标准",
            Column::Rate => "发放标准（元/人·月）",
            Column::Further => "每增一人加发",
            Column::Yuan => "补贴金额",
            Column::IncrementRate => "增支标准",
            Column::Increment => "增支金额",
            Column::Source(at) => return self.words().source(self.plan.sources[at]).zh,
            Column::PayBy => "发放期限",
            Column::Documents => "依据文件",
            Column::Derivation => "推导",
        };
        text.to_owned()
    }

    fn line(&mut self, number: usize, row: &Row<'_>) -> Result<(), SheetError> {
        let (styles, at) = (self.styles, self.at);
        let RunLine { payees, covers, rate_yuan, each_further_yuan, pay_by, .. } = row.line;
        let rule = row.rule.map(|(line, _)| line);
        for (column, place) in self.plan.columns.iter().zip(0..) {
            let text = |text: String| Cell::Text(text, &styles.centre);
            let cell = match column {
                Column::Number => Cell::Number(Decimal::from(number + 1), &styles.centre),
                Column::Month if covers.0 == covers.1 => text(payees.month.to_string()),
                Column::Month => text(format!("{}至{}", covers.0, covers.1)),
                Column::Code => text(payees.area.to_string()),
                Column::Area => {
                    Cell::Text(self.plan.scope.area(self.words(), payees.area), &styles.text)
                }
                Column::Group => {
                    Cell::Text(self.words().groups.zh(&payees.group).to_owned(), &styles.text)
                }
                Column::Residence => text(payees.residence.zh().to_owned()),
                Column::Persons => Cell::Number(payees.persons.into(), &styles.count),
                Column::Households => optional(payees.households, &styles.count),
                Column::Unit => text(unit_zh(row.unit).to_owned()),
                Column::Base => optional(
                    rule.and_then(Line::base).map(|base| shown_sum(base.yuan)),
                    &styles.exact,
                ),
                Column::Rise => optional(
                    rule.and_then(Line::rise).map(|rise| shown_sum(rise.percent)),
                    &styles.percent,
                ),
                Column::Computed => optional(rule.and_then(computed), &styles.exact),
                Column::Rate => Cell::Number(*rate_yuan, &styles.money),
                Column::Further => optional(*each_further_yuan, &styles.money),
                Column::IncrementRate => {
                    optional(row.rule.map(|(_, funding)| funding.increment_rate), &styles.money)
                }
                Column::Yuan => live(&row.formulas.yuan, row.line.yuan, &styles.money),
                Column::Increment => {
                    live(&row.formulas.increment, row.line.increment_yuan, &styles.money)
                }
                Column::Source(source) => self.charge(row, *source, &styles.money),
                Column::PayBy => text(pay_by.map_or_else(|| "不详".to_owned(), |d| d.to_string())),
                Column::Documents => text(self.cited(row)),
                Column::Derivation => match row.derivation {
                    Some(place) => Cell::Number(Decimal::from(place + 1), &styles.centre),
                    None if row.rule.is_none() => text("酌情".to_owned()),
                    None => Cell::Blank(&styles.centre),
                },
            };
            cell.write(self.sheet, at, place)?;
        }
        let names = [
            (Column::Area, self.plan.scope.area(self.words(), payees.area)),
            (Column::Group, self.words().groups.zh(&payees.group).to_owned()),
            (Column::Documents, self.cited(row)),
        ];
        let high = names.into_iter().map(|(column, text)| lines(&text, self.wide(column)));
        self.sheet.set_row_height(at, 15 * high.max().unwrap_or(1) + 5)?;
        self.at += 1;
        Ok(())
    }

    fn charge<'c>(&self, row: &Row<'_>, source: usize, format: &'c Format) -> Cell<'c> {
        let named = |charge: &Charge| charge.source == self.plan.sources[source];
        match row.line.charges.iter().position(named) {
            Some(at) => live(&row.formulas.charges[at], row.line.charges[at].yuan, format),
            None => Cell::Blank(format),
        }
    }

    fn cited(&self, row: &Row<'_>) -> String {
        let one = |place: &usize| format!("[{}]{}", place + 1, self.plan.mark(*place));
        row.documents.iter().map(one).collect()
    }
}

/// What goes into a cell.
pub(super) enum Cell<'a> {
    Blank(&'a Format),
    Text(String, &'a Format),
    Number(Decimal, &'a Format),
    /// A formula without `=`, and the figure that it gives.
    Live(String, Decimal, &'a Format),
}

impl Cell<'_> {
    pub fn write(self, sheet: &mut Worksheet, row: u32, column: u16) -> Result<(), SheetError> {
        match self {
            Self::Blank(format) => sheet.write_blank(row, column, format)?,
            Self::Text(text, format) => {
                sheet.write_string_with_format(row, column, text, format)?
            }
            Self::Number(value, format) => {
                sheet.write_with_format(row, column, value.normalize(), format)?
            }
            Self::Live(formula, value, format) => {
                let formula = Formula::new(format!("={formula}"));
                let formula = formula.set_result(value.normalize().to_string());
                sheet.write_formula_with_format(row, column, formula, format)?
            }
        };
        Ok(())
    }
}

fn optional<'a>(value: Option<impl Into<Decimal>>, format: &'a Format) -> Cell<'a> {
    value.map_or(Cell::Blank(format), |value| Cell::Number(value.into(), format))
}

pub(super) fn live<'a>(formula: &Option<String>, value: Decimal, format: &'a Format) -> Cell<'a> {
    match formula {
        Some(formula) => Cell::Live(formula.clone(), value, format),
        None => Cell::Number(value, format),
    }
}

/// The sum of the steps that yield one, before floors, caps, doublings and rounding.
fn computed(line: &Line) -> Option<Decimal> {
    let source = line.steps.iter().rfind(|step| step.kind.is_source());
    source.map(|step| shown_sum(step.output))
}

fn unit_zh(unit: Unit) -> &'static str {
    match unit {
        Unit::Person => "人",
        Unit::Household => "户",
        Unit::HouseholdAndHeads => "户加人",
    }
}

/// Room for the header and the plainest values, in half-width characters.
fn least_width(column: Column) -> usize {
    match column {
        Column::Number | Column::Residence | Column::Derivation => 5,
        Column::Rise | Column::Households | Column::Unit => 7,
        Column::Month | Column::Persons | Column::Code | Column::IncrementRate => 8,
        Column::Base | Column::Computed | Column::Rate | Column::Further => 9,
        Column::Area | Column::Group | Column::Documents => 9,
        Column::Yuan | Column::Increment | Column::Source(_) | Column::PayBy => 11,
    }
}

//! 资金申请表: what is asked for, area by area and source by source, in figures and in words. Its sums
//! are live over the computation table behind it.

use rust_decimal::Decimal;
use rust_xlsxwriter::{Worksheet, utility::column_number_to_name};

use crate::domain::run::RunLine;

use super::{
    RunPaper, SheetError,
    capital::capital_yuan,
    computation::{self, Cell},
    layout::{Column, Plan},
    remarks::standing,
    style::{Paper, Styles, across, money_width, set_page, width},
    totals::sum_of,
};

/// The columns before the first source.
const NAMES: [&str; 5] = ["序号", "地区代码", "地区", "补贴人次", "补贴金额合计"];

/// Writes the sheet.
pub(super) fn write(
    sheet: &mut Worksheet,
    paper: &RunPaper<'_>,
    plan: &Plan<'_>,
    styles: &Styles,
) -> Result<(), SheetError> {
    sheet.set_name("资金申请表")?;
    let mut summed = vec![Column::Persons, Column::Yuan];
    summed.extend((0..plan.sources.len()).map(Column::Source));
    let mut request = Request { sheet, paper, plan, styles, summed, at: 0 };
    request.widths()?;
    request.head()?;
    request.areas()?;
    request.in_words()?;
    request.signatures()?;
    let last = (request.at - 1, request.last());
    sheet.set_repeat_rows(HEAD_ROW, HEAD_ROW)?;
    set_page(sheet, Paper::Landscape, last)?;
    Ok(())
}

/// The row of the headers, from 0.
const HEAD_ROW: u32 = 3;

struct Request<'a, 'b> {
    sheet: &'a mut Worksheet,
    paper: &'a RunPaper<'b>,
    plan: &'a Plan<'a>,
    styles: &'a Styles,
    /// The columns of the computation table that are summed here, in order.
    summed: Vec<Column>,
    at: u32,
}

impl<'a> Request<'a, '_> {
    /// The last column: remarks.
    fn last(&self) -> u16 {
        NAMES.len() as u16 + self.plan.sources.len() as u16
    }

    fn lines(&self) -> impl Iterator<Item = &'a RunLine> + use<'a> {
        self.plan.rows.iter().map(|row| row.line)
    }

    fn widths(&mut self) -> Result<(), SheetError> {
        let name =
            |line: &RunLine| width(&self.plan.scope.area(&self.paper.words, line.payees.area));
        let names = self.lines().map(name).max().unwrap_or(0).clamp(14, 30) as u32;
        let money = money_width(self.paper.life.run.yuan).max(14) as u32 + 2;
        for (at, wide) in [6, 10, names, 12].into_iter().zip(0..).map(|(wide, at)| (at, wide)) {
            self.sheet.set_column_width(at, wide)?;
        }
        for at in 4..self.last() {
            self.sheet.set_column_width(at, money)?;
        }
        self.sheet.set_column_width(self.last(), 16)?;
        Ok(())
    }

    fn head(&mut self) -> Result<(), SheetError> {
        let (styles, last, plan) = (self.styles, self.last(), self.plan);
        across(
            self.sheet,
            0,
            (0, last),
            &plan.scope.title("价格临时补贴资金申请表"),
            &styles.title,
        )?;
        self.sheet.set_row_height(0, 32)?;
        across(self.sheet, 1, (0, last), &standing(self.paper), &styles.remark)?;
        let middle = last - 2;
        let unit = "申请单位（章）：                    申请日期：      年    月    日";
        across(self.sheet, 2, (0, middle), unit, &styles.remark)?;
        across(self.sheet, 2, (middle + 1, last), "单位：人次、元", &styles.remark_right)?;
        let names = NAMES.map(str::to_owned).into_iter();
        let sources = plan.sources.iter().map(|source| self.paper.words.source(source).zh);
        let all = names.chain(sources).chain(["备注".to_owned()]);
        for (title, at) in all.zip(0..) {
            self.sheet.write_string_with_format(HEAD_ROW, at, title, &styles.head)?;
        }
        self.sheet.set_row_height(HEAD_ROW, 32)?;
        self.at = HEAD_ROW + 1;
        Ok(())
    }

    fn areas(&mut self) -> Result<(), SheetError> {
        let (styles, plan) = (self.styles, self.plan);
        let first = self.at + 1;
        for (number, (area, ranges)) in plan.by_area().into_iter().enumerate() {
            let name = plan.scope.area(&self.paper.words, area);
            let names = [
                Cell::Number(Decimal::from(number + 1), &styles.centre),
                Cell::Text(area.to_string(), &styles.centre),
                Cell::Text(name, &styles.text),
            ];
            for (cell, at) in names.into_iter().zip(0..) {
                cell.write(self.sheet, self.at, at)?;
            }
            let within = ranges.iter().flat_map(|(first, last)| &plan.rows[*first..=*last]);
            let within: Vec<_> = within.map(|row| row.line).collect();
            self.sums(&within, &|column, _| {
                let range = |(first, last): &(usize, usize)| {
                    let cells = plan.range(plan.column(column)?, *first, *last);
                    Some(format!("'{}'!{cells}", computation::NAME))
                };
                sum_of(&ranges.iter().filter_map(range).collect::<Vec<_>>())
            })?;
        }
        let last = self.at;
        across(self.sheet, self.at, (0, 2), "合计", &styles.total_text)?;
        self.sums(&self.lines().collect::<Vec<_>>(), &|_, at| {
            let letters = column_number_to_name(at);
            format!("SUM({letters}{first}:{letters}{last})")
        })
    }

    /// The sums of a row and its empty remark.
    fn sums(
        &mut self,
        within: &[&RunLine],
        formula: &dyn Fn(Column, u16) -> String,
    ) -> Result<(), SheetError> {
        for (column, at) in self.summed.iter().zip(3..) {
            let sum = self.plan.sum(*column, within.iter().copied())?;
            let text = formula(*column, at);
            let cell = match column {
                Column::Persons => Cell::Live(text, sum, &self.styles.count),
                _ => Cell::Live(format!("ROUND({text},2)"), sum, &self.styles.money),
            };
            cell.write(self.sheet, self.at, at)?;
        }
        Cell::Blank(&self.styles.blank).write(self.sheet, self.at, self.last())?;
        self.sheet.set_row_height(self.at, 20)?;
        self.at += 1;
        Ok(())
    }

    /// Each source's sum once more, in figures and in words.
    fn in_words(&mut self) -> Result<(), SheetError> {
        let (styles, last) = (self.styles, self.last());
        let total_row = self.at;
        for (text, columns) in
            [("申请资金来源", (0, 2)), ("金额（小写）", (3, 4)), ("金额（大写）", (5, last))]
        {
            across(self.sheet, self.at, columns, text, &styles.head)?;
        }
        self.at += 1;
        let whole = self.summed.iter().copied().skip(1).zip(4_u16..);
        // The sum of all stands last.
        let (all, sources): (Vec<_>, Vec<_>) = whole.partition(|(one, _)| *one == Column::Yuan);
        for (column, at) in sources.into_iter().chain(all) {
            let name = match column {
                Column::Source(place) => self.paper.words.source(self.plan.sources[place]).zh,
                _ => "合计".to_owned(),
            };
            let sum = self.plan.sum(column, self.lines())?;
            let words = capital_yuan(sum).unwrap_or_default();
            across(self.sheet, self.at, (0, 2), &name, &styles.text)?;
            self.sheet.merge_range(self.at, 3, self.at, 4, "", &styles.money)?;
            let formula = format!("{}{total_row}", column_number_to_name(at));
            Cell::Live(formula, sum, &styles.money).write(self.sheet, self.at, 3)?;
            let words = format!("人民币{words}");
            across(self.sheet, self.at, (5, last), &words, &styles.text)?;
            self.sheet.set_row_height(self.at, 20)?;
            self.at += 1;
        }
        Ok(())
    }

    fn signatures(&mut self) -> Result<(), SheetError> {
        let (styles, last) = (self.styles, self.last());
        let mut notes = vec![
            "注：本表金额由“联合测算表”汇总；大写金额为测算时的金额，改动明细后应重新生成。"
                .to_owned(),
        ];
        if self.plan.sources.contains(&"unstated") {
            notes.push(
                "“来源未明确”：现行文件没有规定由谁承担，或没有规定该地区增支部分的分担比例，须先行明确。"
                    .to_owned(),
            );
        }
        for note in notes {
            across(self.sheet, self.at, (0, last), &note, &styles.note)?;
            self.sheet.set_row_height(self.at, 18)?;
            self.at += 1;
        }
        self.at += 1;
        let signatures = "单位负责人：                    财务负责人：                    \
                          经办人：                    联系电话：";
        across(self.sheet, self.at, (0, last), signatures, &styles.remark)?;
        self.at += 1;
        Ok(())
    }
}

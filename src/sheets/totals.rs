//! Below the computation table: totals of all, of each area and of each group, the check of the
//! sources, documents and signatures.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_xlsxwriter::{Format, Worksheet, utility::column_number_to_name};

use crate::domain::{group::Residence, run::RunLine};

use super::{
    RunPaper, SheetError,
    capital::capital_yuan,
    computation::Cell,
    layout::{Column, FIRST_ROW, Plan},
    scope::span,
    style::{Styles, across, lines},
};

/// Writes everything below the lines; the next free row.
pub(super) fn write(
    sheet: &mut Worksheet,
    paper: &RunPaper<'_>,
    plan: &Plan<'_>,
    styles: &Styles,
) -> Result<u32, SheetError> {
    let at = FIRST_ROW + plan.rows.len() as u32;
    let mut below = Below { sheet, paper, plan, styles, at };
    below.total()?;
    below.by_area()?;
    below.by_group()?;
    below.notes()?;
    Ok(below.at)
}

struct Below<'a, 'b> {
    sheet: &'a mut Worksheet,
    paper: &'a RunPaper<'b>,
    plan: &'a Plan<'a>,
    styles: &'a Styles,
    at: u32,
}

impl<'a> Below<'a, '_> {
    fn last(&self) -> u16 {
        (self.plan.columns.len() - 1) as u16
    }

    /// The place before that of the persons: names stand there.
    fn names_until(&self) -> u16 {
        self.plan.column(Column::Persons).unwrap_or(1) - 1
    }

    fn all_lines(&self) -> impl Iterator<Item = &'a RunLine> + use<'a> {
        self.plan.rows.iter().map(|row| row.line)
    }

    /// The grand total, the check that the sources add up to it, and the total in words.
    fn total(&mut self) -> Result<(), SheetError> {
        let (styles, plan) = (self.styles, self.plan);
        let until = self.names_until();
        across(self.sheet, self.at, (0, until), "合计", &styles.total_text)?;
        let end = plan.rows.len() - 1;
        let formula = |column: u16| format!("SUM({})", plan.range(column, 0, end));
        let total = self.at;
        let bold = (&styles.total_count, &styles.total_money);
        self.sums(until + 1, &formula, &self.all_lines().collect::<Vec<_>>(), bold)?;
        let places = |wanted: Column| plan.column(wanted);
        if let (Some(yuan), Some(first)) = (places(Column::Yuan), places(Column::Source(0))) {
            let last = first + plan.sources.len() as u16 - 1;
            let cell = |column: u16| format!("{}{}", column_number_to_name(column), total + 1);
            let check = format!("ROUND({}-SUM({}:{}),2)", cell(yuan), cell(first), cell(last));
            let text = "核对：补贴金额减各资金来源之和（应为0.00）";
            across(self.sheet, self.at, (0, yuan - 1), text, &styles.text)?;
            Cell::Live(check, Decimal::ZERO, &styles.money).write(self.sheet, self.at, yuan)?;
            across(self.sheet, self.at, (yuan + 1, self.last()), "", &styles.text)?;
            self.at += 1;
        }
        let words = capital_yuan(self.paper.life.run.yuan).unwrap_or_default();
        let text = format!("合计金额（大写）：人民币{words}");
        across(self.sheet, self.at, (0, self.last()), &text, &styles.section)?;
        self.at += 1;
        Ok(())
    }

    fn by_area(&mut self) -> Result<(), SheetError> {
        let (styles, plan) = (self.styles, self.plan);
        across(self.sheet, self.at, (0, self.last()), "分地区合计", &styles.section)?;
        self.at += 1;
        for (area, ranges) in plan.by_area() {
            let within = ranges.iter().flat_map(|(first, last)| &plan.rows[*first..=*last]);
            let within: Vec<_> = within.map(|row| row.line).collect();
            let formula = |column: u16| {
                let range = |(first, last): &(usize, usize)| plan.range(column, *first, *last);
                sum_of(&ranges.iter().map(range).collect::<Vec<_>>())
            };
            for (column, place) in plan.columns.iter().zip(0..=self.names_until()) {
                let cell = match column {
                    Column::Code => Cell::Text(area.to_string(), &styles.centre),
                    Column::Area => {
                        Cell::Text(plan.scope.area(&self.paper.words, area), &styles.text)
                    }
                    _ => Cell::Blank(&styles.centre),
                };
                cell.write(self.sheet, self.at, place)?;
            }
            let plain = (&styles.count, &styles.money);
            self.sums(self.names_until() + 1, &formula, &within, plain)?;
        }
        Ok(())
    }

    fn by_group(&mut self) -> Result<(), SheetError> {
        let (styles, plan) = (self.styles, self.plan);
        across(self.sheet, self.at, (0, self.last()), "分保障对象合计", &styles.section)?;
        self.at += 1;
        // By name, since that is what the formula compares.
        let mut groups: Vec<((&str, Residence), Vec<&RunLine>)> = Vec::new();
        for line in self.all_lines() {
            let name = self.paper.words.groups.zh(&line.payees.group);
            let key = (name, line.payees.residence);
            match groups.iter_mut().find(|(known, _)| *known == key) {
                Some((_, within)) => within.push(line),
                None => groups.push((key, vec![line])),
            }
        }
        groups.sort_by_key(|(key, _)| *key);
        let place = |column| plan.column(column).unwrap_or_default();
        let (group_at, residence_at) = (place(Column::Group), place(Column::Residence));
        for ((name, residence), within) in groups {
            let row = self.at + 1;
            let is = |column: Column, at: u16| {
                format!("({}=${}{row})", plan.fixed_range(column), column_number_to_name(at))
            };
            let these = [is(Column::Group, group_at), is(Column::Residence, residence_at)];
            let formula = |column: u16| {
                let range = plan.range(column, 0, plan.rows.len() - 1);
                format!("SUMPRODUCT({}*{},{range})", these[0], these[1])
            };
            for (column, place) in plan.columns.iter().zip(0..=self.names_until()) {
                let cell = match column {
                    Column::Group => Cell::Text(name.to_owned(), &styles.text),
                    Column::Residence => Cell::Text(residence.zh().to_owned(), &styles.centre),
                    _ => Cell::Blank(&styles.centre),
                };
                cell.write(self.sheet, self.at, place)?;
            }
            let plain = (&styles.count, &styles.money);
            self.sums(self.names_until() + 1, &formula, &within, plain)?;
        }
        Ok(())
    }

    /// A row of sums from a column on; yuan are rounded to the fen, which binary sums are not.
    fn sums(
        &mut self,
        from: u16,
        formula: &dyn Fn(u16) -> String,
        within: &[&RunLine],
        (count, money): (&Format, &Format),
    ) -> Result<(), SheetError> {
        let (styles, plan) = (self.styles, self.plan);
        let summed: BTreeMap<u16, Column> = plan.summed_columns().collect();
        for place in from..=self.last() {
            let Some(column) = summed.get(&place) else {
                Cell::Blank(&styles.total_text).write(self.sheet, self.at, place)?;
                continue;
            };
            let sum = plan.sum(*column, within.iter().copied())?;
            let counted = matches!(column, Column::Persons | Column::Households);
            let (text, format) = match counted {
                true => (formula(place), count),
                false => (format!("ROUND({},2)", formula(place)), money),
            };
            Cell::Live(text, sum, format).write(self.sheet, self.at, place)?;
        }
        self.sheet.set_row_height(self.at, 20)?;
        self.at += 1;
        Ok(())
    }

    fn notes(&mut self) -> Result<(), SheetError> {
        let styles = self.styles;
        let mut notes = vec!["依据文件：".to_owned()];
        for (at, head) in self.plan.documents.iter().enumerate() {
            let number = head.number.as_ref().map_or_else(String::new, |n| format!("（{n}）"));
            let mark = self.plan.mark(at);
            let (title, months) = (&head.title_zh, span(head));
            notes.push(format!("[{}]{mark}《{title}》{number}，适用指数月份 {months}", at + 1));
        }
        if (0..self.plan.documents.len()).any(|at| !self.plan.mark(at).is_empty()) {
            notes.push("※ 为测算假设，不是文件规定；正式使用前应以文件核定。".to_owned());
        }
        notes.push(
            "注：补贴金额=发放标准×计发人数（户数）；各来源份额截至分，余下的分由规则指定的来源（未指定的，\
             由列在最后的来源）承担。发放标准的推导见“标准推导”表，测算依据、核验凭据和会签见“说明”表。"
                .to_owned(),
        );
        for note in notes {
            self.note(&note, &styles.note)?;
        }
        let signatures = "发展改革部门（章）：                财政部门（章）：                \
                          民政部门（章）：                人力资源和社会保障部门（章）：";
        self.at += 1;
        self.note(signatures, &styles.remark)
    }

    fn note(&mut self, text: &str, format: &Format) -> Result<(), SheetError> {
        across(self.sheet, self.at, (0, self.last()), text, format)?;
        let wide = 11 * self.plan.columns.len();
        self.sheet.set_row_height(self.at, 15 * lines(text, wide))?;
        self.at += 1;
        Ok(())
    }
}

/// Most ranges in one SUM.
const ARGUMENTS_MAX: usize = 200;

/// The sum over ranges, however many.
pub(super) fn sum_of(ranges: &[String]) -> String {
    let sums = ranges.chunks(ARGUMENTS_MAX).map(|some| format!("SUM({})", some.join(",")));
    sums.collect::<Vec<_>>().join("+")
}

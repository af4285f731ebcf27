//! 标准推导: how each rate was found, step by step, as the evaluation found it.

use rust_xlsxwriter::Worksheet;

use super::{
    SheetError,
    computation::Cell,
    layout::{Derivation, Plan},
    style::{Paper, Styles, across, lines, set_page},
};

const TITLES: [&str; 6] = ["推导", "适用行（序号）", "步骤", "计算", "结果（元）", "依据"];
const WIDTHS: [u32; 6] = [6, 13, 15, 46, 11, 58];
const LAST: u16 = TITLES.len() as u16 - 1;
/// The place of the result.
const RESULT: usize = 4;
/// Most runs of row numbers shown for one derivation.
const ROWS_MAX: usize = 12;

/// Writes the sheet.
pub(super) fn write(
    sheet: &mut Worksheet,
    plan: &Plan<'_>,
    styles: &Styles,
) -> Result<(), SheetError> {
    sheet.set_name("标准推导")?;
    for (wide, at) in WIDTHS.into_iter().zip(0..) {
        sheet.set_column_width(at, wide)?;
    }
    across(sheet, 0, (0, LAST), &plan.scope.title("价格临时补贴发放标准推导"), &styles.title)?;
    sheet.set_row_height(0, 30)?;
    for (title, at) in TITLES.into_iter().zip(0..) {
        sheet.write_string_with_format(1, at, title, &styles.head)?;
    }
    let mut row = 2;
    for (number, Derivation { steps, rows }) in plan.derivations.iter().enumerate() {
        for (at, step) in steps.iter().enumerate() {
            let assumed = if step.assumed { "※假设：" } else { "" };
            let cites = format!("{assumed}{}", step.cites);
            let (number, applies) = match at {
                0 => ((number + 1).to_string(), numbers(rows)),
                _ => (String::new(), String::new()),
            };
            let texts = [&number, &applies, &step.name, &step.text, "", &cites];
            let high = texts.iter().zip(WIDTHS).map(|(text, wide)| lines(text, wide as usize - 3));
            sheet.set_row_height(row, 16 * high.max().unwrap_or(1) + 2)?;
            for (at, text) in texts.into_iter().enumerate() {
                let format = if at < 3 { &styles.centre } else { &styles.text };
                let cell = match at {
                    RESULT => Cell::Number(step.output, &styles.exact),
                    _ => Cell::Text(text.to_owned(), format),
                };
                cell.write(sheet, row, at as u16)?;
            }
            row += 1;
        }
    }
    let marks = "依据后方括号内为资料可信度：A 正式文本或其官方报道；B 注明出处的转载；C 由 A、B 推算；\
                 M 一份二手转载，或几份一致的地方文本；H 假设；L 没有文本的推断；U 未核实。";
    across(sheet, row, (0, LAST), marks, &styles.note)?;
    sheet.set_row_height(row, 30)?;
    sheet.set_repeat_rows(1, 1)?;
    sheet.set_freeze_panes(2, 0)?;
    set_page(sheet, Paper::Landscape, (row, LAST))?;
    Ok(())
}

/// Row numbers from 1, neighbours as a span: `1—3、7`.
fn numbers(rows: &[usize]) -> String {
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for row in rows {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == *row => *last = *row,
            _ => spans.push((*row, *row)),
        }
    }
    let span = |(first, last): &(usize, usize)| match first == last {
        true => format!("{}", first + 1),
        false => format!("{}—{}", first + 1, last + 1),
    };
    let shown: Vec<_> = spans.iter().take(ROWS_MAX).map(span).collect();
    let more = if ROWS_MAX < spans.len() { "等" } else { "" };
    match more {
        "" => shown.join("、"),
        more => format!("{}{more}，共 {} 行", shown.join("、"), rows.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_named_as_a_span_and_a_long_list_is_cut() {
        assert_eq!(numbers(&[0]), "1");
        assert_eq!(numbers(&[0, 1, 2, 6]), "1—3、7");
        let every_other: Vec<_> = (0..26).step_by(2).collect();
        assert!(numbers(&every_other).ends_with("23等，共 13 行"), "{}", numbers(&every_other));
    }
}

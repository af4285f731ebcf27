//! A notice on paper: A4, type area 156 mm × 225 mm, 22 lines of 28 points, as GB/T 9704 asks.

use docx_rs::{
    AlignmentType, Docx, Footer, LineSpacing, LineSpacingType, PageMargin, PageNum, Paragraph, Run,
    RunFonts, Settings, SpecialIndentType, Table, TableAlignmentType, TableBorder,
    TableBorderPosition, TableBorders, TableCell, TableLayoutType, TableRow, VAlignType, WidthType,
    XMLDocx,
};

use super::text::{Block, NoticeText, Span};

/// Sizes in half points: 二号, 三号, 四号 and 小四.
const SECOND: usize = 44;
const THIRD: usize = 32;
const FOURTH: usize = 28;
const SMALL_FOURTH: usize = 24;
/// Twentieths of a point.
const LINE: i32 = 560;
const TABLE_LINE: i32 = 400;
/// Lengths in twentieths of a point: 1 mm is 56.7.
const PAGE: (u32, u32) = (11_906, 16_838);
const TOP: i32 = 2_098;
const BOTTOM: i32 = 1_984;
const LEFT: i32 = 1_588;
const RIGHT: i32 = 1_474;
const FOOTER: i32 = 1_247;
const WIDTH: usize = 8_844;

const TITLE_FONT: &str = "方正小标宋简体";
const BODY_FONT: &str = "仿宋_GB2312";
const HEADING_FONT: &str = "黑体";

pub(super) fn document(text: &NoticeText) -> XMLDocx {
    let blank = |name: &str| Span { text: format!("【{name}】"), blank: true };
    let mut docx = Docx::new()
        .page_size(PAGE.0, PAGE.1)
        .page_margin(
            PageMargin::new().top(TOP).bottom(BOTTOM).left(LEFT).right(RIGHT).footer(FOOTER),
        )
        .default_fonts(fonts(BODY_FONT))
        .default_size(THIRD)
        .settings(Settings::new().even_and_odd_headers())
        .footer(Footer::new().add_paragraph(page_number(AlignmentType::Right)))
        .even_footer(Footer::new().add_paragraph(page_number(AlignmentType::Left)))
        .add_paragraph(line(vec![blank("发文字号")], AlignmentType::Center))
        .add_paragraph(empty());
    for title in &text.title {
        let title = run(title, SECOND, TITLE_FONT);
        let paragraph = Paragraph::new().align(AlignmentType::Center).line_spacing(exactly(640));
        docx = docx.add_paragraph(paragraph.add_run(title));
    }
    docx = docx.add_paragraph(empty());
    let colon = Span { text: "：".into(), blank: false };
    docx = docx.add_paragraph(line(vec![blank("主送机关"), colon], AlignmentType::Left));
    for (at, block) in text.body.iter().enumerate() {
        // The signature never stands on a page by itself.
        let last = at + 1 == text.body.len();
        docx = match block {
            Block::Body(spans) if last => docx.add_paragraph(body(spans, THIRD).keep_next(true)),
            Block::Remark(spans) if last => {
                docx.add_paragraph(body(spans, SMALL_FOURTH).keep_next(true))
            }
            _ => add(docx, block, THIRD),
        };
    }
    docx = docx
        .add_paragraph(empty().keep_next(true))
        .add_paragraph(signature(blank("发文机关署名")).keep_next(true))
        .add_paragraph(signature(blank("成文日期")).keep_next(true))
        .add_paragraph(empty().keep_next(true))
        .add_table(record(&blank));
    let mut draft = text.draft.iter();
    if let Some(Block::Heading(title)) = draft.next() {
        let title = run(title, THIRD, HEADING_FONT);
        docx = docx.add_paragraph(
            Paragraph::new()
                .align(AlignmentType::Center)
                .line_spacing(exactly(LINE))
                .page_break_before(true)
                .add_run(title),
        );
    }
    for block in draft {
        docx = add(docx, block, SMALL_FOURTH);
    }
    docx.build()
}

fn fonts(east_asia: &str) -> RunFonts {
    let latin = "Times New Roman";
    RunFonts::new().ascii(latin).hi_ansi(latin).cs(latin).east_asia(east_asia)
}

fn run(text: &str, size: usize, font: &str) -> Run {
    Run::new().add_text(text).size(size).fonts(fonts(font))
}

fn span(span: &Span, size: usize) -> Run {
    let run = run(&span.text, size, BODY_FONT);
    if span.blank { run.highlight("yellow") } else { run }
}

fn exactly(line: i32) -> LineSpacing {
    LineSpacing::new().line_rule(LineSpacingType::Exact).line(line).before(0).after(0)
}

fn empty() -> Paragraph {
    Paragraph::new().line_spacing(exactly(LINE))
}

fn line(spans: Vec<Span>, align: AlignmentType) -> Paragraph {
    let paragraph = empty().align(align);
    spans.iter().fold(paragraph, |paragraph, one| paragraph.add_run(span(one, THIRD)))
}

/// Two characters in from the left in the first line.
fn body(spans: &[Span], size: usize) -> Paragraph {
    let (align, line) = match size {
        THIRD => (AlignmentType::Both, LINE),
        _ => (AlignmentType::Left, TABLE_LINE),
    };
    let paragraph = Paragraph::new()
        .align(align)
        .line_spacing(exactly(line))
        .indent(None, Some(SpecialIndentType::FirstLine(size as i32 * 20)), None, None)
        .first_line_chars(200);
    spans.iter().fold(paragraph, |paragraph, one| paragraph.add_run(span(one, size)))
}

/// Four characters in from the right.
fn signature(blank: Span) -> Paragraph {
    line(vec![blank], AlignmentType::Right).indent(None, None, Some(THIRD as i32 * 40), None)
}

fn page_number(align: AlignmentType) -> Paragraph {
    let dash = |text: &str| Run::new().add_text(text).size(FOURTH).fonts(fonts("宋体"));
    // One character in from the outer edge.
    let (left, right) = match align {
        AlignmentType::Right => (None, Some(280)),
        _ => (Some(280), None),
    };
    Paragraph::new()
        .align(align)
        .size(FOURTH)
        .indent(left, None, right, None)
        .add_run(dash("— "))
        .add_page_num(PageNum::new())
        .add_run(dash(" —"))
}

fn add(docx: Docx, block: &Block, size: usize) -> Docx {
    match block {
        Block::Heading(title) => docx
            .add_paragraph(body(&[], size).add_run(run(title, size, HEADING_FONT)).keep_next(true)),
        Block::Body(spans) => docx.add_paragraph(body(spans, size)),
        Block::Remark(spans) => docx.add_paragraph(body(spans, SMALL_FOURTH)),
        Block::Table { titles, parts, rows } => docx.add_table(table(titles, parts, rows)),
    }
}

fn table(titles: &[String], parts: &[usize], rows: &[Vec<Vec<Span>>]) -> Table {
    let widths: Vec<usize> = parts.iter().map(|part| WIDTH * part / 100).collect();
    let cell = |at: usize, spans: &[Span], font: &str| {
        let paragraph =
            Paragraph::new().align(AlignmentType::Center).line_spacing(exactly(TABLE_LINE));
        let filled = spans.iter().fold(paragraph, |paragraph, one| {
            let run = run(&one.text, SMALL_FOURTH, font);
            paragraph.add_run(if one.blank { run.highlight("yellow") } else { run })
        });
        TableCell::new()
            .width(widths[at], WidthType::Dxa)
            .vertical_align(VAlignType::Center)
            .add_paragraph(filled)
    };
    let head = titles
        .iter()
        .enumerate()
        .map(|(at, title)| cell(at, &[Span { text: title.clone(), blank: false }], HEADING_FONT));
    let mut all = vec![TableRow::new(head.collect()).cant_split()];
    for row in rows {
        let cells = row.iter().enumerate().map(|(at, spans)| cell(at, spans, BODY_FONT));
        all.push(TableRow::new(cells.collect()).cant_split());
    }
    Table::new(all)
        .width(WIDTH, WidthType::Dxa)
        .layout(TableLayoutType::Fixed)
        .align(TableAlignmentType::Center)
        .set_grid(widths.clone())
}

/// 版记: to whom copies go, who prints it and when, between rules.
fn record(blank: &dyn Fn(&str) -> Span) -> Table {
    let said = |text: &str| Span { text: text.into(), blank: false };
    let row = |spans: &[Span]| {
        let paragraph = Paragraph::new().line_spacing(exactly(TABLE_LINE)).indent(
            Some(280),
            None,
            Some(280),
            None,
        );
        let filled =
            spans.iter().fold(paragraph, |paragraph, one| paragraph.add_run(span(one, FOURTH)));
        TableRow::new(vec![TableCell::new().width(WIDTH, WidthType::Dxa).add_paragraph(filled)])
            .cant_split()
    };
    let rows = vec![
        row(&[said("抄送："), blank("抄送机关"), said("。")]),
        row(&[blank("印发机关"), said("　　"), blank("印发日期"), said("印发")]),
    ];
    let rule = |position, size| TableBorder::new(position).size(size);
    let rules = TableBorders::with_empty()
        .set(rule(TableBorderPosition::Top, 8))
        .set(rule(TableBorderPosition::InsideH, 4))
        .set(rule(TableBorderPosition::Bottom, 8));
    Table::new(rows)
        .width(WIDTH, WidthType::Dxa)
        .layout(TableLayoutType::Fixed)
        .set_grid(vec![WIDTH])
        .set_borders(rules)
}

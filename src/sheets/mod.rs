//! The papers that offices fill, sign and send: the joint computation table, the funding request and
//! the notice of a month.
//!
//! **Invariant:** a paper shows the figures of the run or of the answer it is of. A formula stands in
//! a cell only where it gives that figure again to the fen; text is written as text, never as a
//! formula; the same run in the same state gives the same bytes.

use std::sync::Arc;

use rust_decimal::Decimal;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, XlsxError};

use crate::{
    domain::{exact::RangeError, figure::Figure, life::Life, standard::Standard},
    engine::{grounds::Grounds, reason::Vocabulary},
    rules::cite::Head,
};

pub mod capital;

mod style;

mod scope;

mod layout;

mod formula;

mod basis;

mod computation;

mod totals;

mod request;

mod remarks;

pub mod notice;

/// Media type of a spreadsheet.
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Which sheet of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SheetKind {
    /// The joint computation table (联合测算表).
    Computation,
    /// The funding request (资金申请表), with the computation table behind it.
    Funding,
}

/// Why there is no paper.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// A sum leaves the range of exact arithmetic.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// A spreadsheet keeps 15 digits of a number, which a sum to the fen would lose.
    #[error("{yuan} yuan in a spreadsheet: expected at most 15 digits")]
    Digits {
        /// The sum.
        yuan: Decimal,
    },
    /// The file cannot be put together.
    #[error("put the spreadsheet together: {0}")]
    Xlsx(#[from] XlsxError),
    /// The file cannot be put together.
    #[error("put the document together: {0}")]
    Docx(String),
}

/// A document that a run rests on.
#[derive(Debug, Clone)]
pub struct PinnedDocument {
    /// Its id.
    pub id: String,
    /// Its head; none when it is no longer known.
    pub head: Option<Arc<Head>>,
    /// SHA-256 of its text.
    pub digest: String,
}

/// A run with all that its sheets show.
#[derive(Debug)]
pub struct RunPaper<'a> {
    /// The run with its life so far.
    pub life: &'a Life,
    /// On what each line rests, in the order of the lines.
    pub grounds: &'a [Option<Grounds>],
    /// SHA-256 of its receipt.
    pub receipt: &'a str,
    /// The documents it pins, by id.
    pub documents: Vec<PinnedDocument>,
    /// The figures it pins, in the revisions pinned, by area, month and series.
    pub figures: Vec<&'a Figure>,
    /// The standards it pins, in the revisions pinned, by area, month and code.
    pub standards: Vec<&'a Standard>,
    /// The names.
    pub words: Vocabulary<'a>,
}

/// The spreadsheet of a run. O(lines × sources).
///
/// # Errors
/// A sum does not fit into a spreadsheet, or the file cannot be put together.
pub fn run_sheet(paper: &RunPaper<'_>, kind: SheetKind) -> Result<Vec<u8>, SheetError> {
    let styles = style::Styles::default();
    let plan = layout::Plan::new(paper)?;
    let mut book = Workbook::new();
    let title = match kind {
        SheetKind::Computation => plan.scope.title("价格临时补贴联合测算表"),
        SheetKind::Funding => plan.scope.title("价格临时补贴资金申请表"),
    };
    let properties = DocProperties::new().set_title(title).set_author("price-linkage");
    let made_at = paper.life.made_at.timestamp();
    let made_at = ExcelDateTime::from_timestamp(made_at)?;
    book.set_properties(&properties.set_creation_datetime(&made_at));
    if kind == SheetKind::Funding {
        request::write(book.add_worksheet(), paper, &plan, &styles)?;
    }
    computation::write(book.add_worksheet_with_low_memory()?, paper, &plan, &styles)?;
    remarks::write(book.add_worksheet(), paper, &plan, &styles)?;
    basis::write(book.add_worksheet_with_low_memory()?, &plan, &styles)?;
    Ok(book.save_to_buffer()?)
}

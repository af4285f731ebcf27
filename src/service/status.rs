//! The answer to whether the mechanism pays, put together for those who ask.

use std::sync::Arc;

use crate::{
    domain::{area::AreaCode, month::Month},
    engine::{
        amount::{Quote, quote},
        deadline::{PayBy, pay_by},
        question::{Applied, Missing, QuestionError, Terms, World},
        reason::{Text, Vocabulary, month_zh},
        timeline::{Timeline, TimelineError},
        trigger::MonthOutcome,
    },
    rules::cite::{Head, Kind},
};

/// A decided month with the law it was decided under.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// The area asked about.
    pub area: AreaCode,
    /// Whether it lies above every level that decides.
    pub indicative: bool,
    /// The decision.
    pub outcome: MonthOutcome,
    /// By when it must be paid.
    pub pay_by: PayBy,
    /// The documents applied, from the one furthest down to the topmost.
    pub documents: Vec<Arc<Head>>,
    /// SHA-256 over those documents.
    pub law_digest: String,
}

impl Status {
    /// The answering sentence.
    pub fn reason(&self, words: &Vocabulary<'_>) -> Text {
        let mut text = words.answer(self.area, &self.outcome);
        if self.indicative {
            text.zh.push_str("(仅为本级指数情况,启动由下级地区分别决定)");
            text.en.push_str(" (its own index only; the areas below decide each for itself)");
        }
        if self.documents.iter().any(|head| head.kind == Kind::Reform) {
            text.zh.push_str("(按假设的规则,不得据以发放)");
            text.en.push_str(" (under a supposed rule; nothing may be paid by it)");
        }
        text
    }

    /// Why a document applies.
    pub fn why_applies(&self, words: &Vocabulary<'_>, head: &Head) -> Text {
        let month = self.outcome.month;
        let place = words.area(head.jurisdiction);
        let (zh, en) = match head.kind {
            Kind::National => ("全国性文件", "the national document"),
            Kind::Regional => {
                ("地方文件,优先于其上级文件", "a regional document, over those above it")
            }
            Kind::Overlay => ("阶段性文件,优先于常规文件", "a temporary measure, over the others"),
            Kind::Reform => ("假设的规则,优先于全部文件", "a supposed rule, over every document"),
            Kind::Assumption => {
                ("假设,仅补充文件未作规定之处", "an assumption, only where the law is open")
            }
        };
        let span = head.months;
        Text::new(
            format!("{zh}({place}),适用指数月份 {span},{}在其中", month_zh(month)),
            format!(
                "{en} of {}; in force for index months {span}, {month} among them",
                head.jurisdiction
            ),
        )
    }
}

/// A decided month with what each group is owed.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The decision.
    pub status: Status,
    /// The sums, when asked for.
    pub quote: Option<Quote>,
}

/// Answers for months of one timeline. O(1) per month, plus groups × steps with sums.
///
/// # Errors
/// The area or document does not exist, or a figure is out of range.
pub fn answer(
    world: World<'_>,
    timeline: &Timeline,
    month: Month,
    terms: &Terms,
    with_amounts: bool,
) -> Result<Answer, TimelineError> {
    let area = timeline.area;
    let outcome = match timeline.get(month) {
        Some(outcome) => outcome.clone(),
        None => MonthOutcome::undecidable(area, month, Missing::Law),
    };
    let mut status = Status {
        area,
        indicative: false,
        outcome,
        pay_by: PayBy::NothingOwed,
        documents: Vec::new(),
        law_digest: String::new(),
    };
    let applied = match Applied::new(world, area, month, terms)? {
        Ok(applied) => applied,
        Err(_) => return Ok(Answer { status, quote: None }),
    };
    status.indicative = applied.indicative;
    status.documents.clone_from(&applied.rules.documents);
    status.law_digest.clone_from(&applied.rules.digest);
    let context = applied.context_of_payment(&status.outcome.carried_by);
    status.pay_by = pay_by(&applied, timeline, &status.outcome, &context);
    let sums = || quote(&applied, timeline, &status.outcome, terms);
    let quote = if with_amounts { Some(sums()?) } else { None };
    Ok(Answer { status, quote })
}

/// Whether an area is known at all.
pub fn known(world: World<'_>, area: AreaCode) -> Result<(), QuestionError> {
    match world.areas.get(area) {
        Some(_) => Ok(()),
        None => Err(QuestionError::UnknownArea { area }),
    }
}

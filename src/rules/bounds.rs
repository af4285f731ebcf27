//! How large a document and its numbers may be, so that no document makes reading, checking or
//! deciding slow. Every bound lies far beyond what any notice says.
//!
//! **Invariant:** a document that was read without an error lies within every bound here.

use super::{
    param::{Param, values},
    reader::Reader,
    terms::Terms,
};

/// Largest text of a document, in bytes.
pub const TEXT_BYTES_MAX: usize = 1024 * 1024;
/// Most cases of one parameter, and most members of a list that is walked for every month.
pub const LIST_MAX: usize = 500;

const CONDITIONS_MAX: usize = 8;
const STEPS_MAX: usize = 64;
const EXAMPLES_MAX: usize = 200;

/// Reports everything beyond its bound.
pub(super) fn check(reader: &mut Reader, terms: &Terms, examples: usize) {
    let counts = [
        ("trigger.conditions", terms.conditions.len(), CONDITIONS_MAX),
        ("amount.steps", terms.steps.len(), STEPS_MAX),
        ("groups", terms.groups.len(), LIST_MAX),
        ("discretion", terms.discretion.len(), LIST_MAX),
        ("cases", examples, EXAMPLES_MAX),
    ];
    for (path, count, most) in counts {
        if most < count {
            let en = format!("{path}: {count} entries, expected at most {most}");
            let zh = format!("{path}:共 {count} 项,最多 {most} 项");
            reader.error("too_large", 1, en, zh);
        }
    }
    let named = terms.groups.iter().map(|change| change.add.len() + change.remove.len());
    if LIST_MAX < named.sum() {
        let en = format!("groups: expected at most {LIST_MAX} names in all");
        let zh = format!("groups:名称合计最多 {LIST_MAX} 个");
        reader.error("too_large", 1, en, zh);
    }
    for shown in terms.list() {
        if LIST_MAX < shown.says.len() {
            let (path, line) = (&shown.path, shown.says[LIST_MAX].cite.line);
            let en = format!("{path}: expected at most {LIST_MAX} cases");
            let zh = format!("{path}:最多 {LIST_MAX} 项");
            reader.error("too_large", line, en, zh);
        }
    }
    numbers(reader, terms);
    for (name, step) in &terms.steps {
        lengths(reader, &format!("amount.steps.{name}.of"), &step.of, STEPS_MAX);
        lengths(reader, &format!("amount.steps.{name}.bands"), &step.bands, LIST_MAX);
    }
    lengths(reader, "amount.order", &terms.amount.order, STEPS_MAX);
}

fn numbers(reader: &mut Reader, terms: &Terms) {
    let (trigger, payment) = (&terms.trigger, &terms.payment);
    let mut bounds = vec![
        ("trigger.back_pay_months".to_owned(), &trigger.back_pay_months, 1, 36),
        ("trigger.end_after_months".to_owned(), &trigger.end_after_months, 1, 12),
        ("trigger.longest_run_months".to_owned(), &trigger.longest_run_months, 1, 24),
        ("trigger.pause_months".to_owned(), &trigger.pause_months, 1, 120),
        ("payment.due_days".to_owned(), &payment.due_days, 0, 366),
        ("payment.due_day".to_owned(), &payment.due_day, 1, 31),
        ("payment.due_months_after".to_owned(), &payment.due_months_after, 0, 24),
        ("payment.pay_month_offset".to_owned(), &payment.pay_month_offset, 0, 24),
    ];
    for (name, one) in &terms.conditions {
        let path = |key| format!("trigger.conditions.{name}.{key}");
        bounds.push((path("average_months"), &one.average_months, 1, 12));
        bounds.push((path("run_months"), &one.run_months, 1, 12));
        bounds.push((path("decimals"), &one.decimals, 0, 6));
    }
    for (name, one) in &terms.steps {
        let path = |key| format!("amount.steps.{name}.{key}");
        bounds.push((path("rise_average_months"), &one.rise_average_months, 1, 12));
        bounds.push((path("rise_decimals"), &one.rise_decimals, 0, 6));
        bounds.push((path("months_back"), &one.months_back, 1, 36));
    }
    for (path, param, least, most) in bounds {
        let outside = values(param).filter(|(number, _)| **number < least || most < **number);
        for (number, cite) in outside {
            let en = format!("{path} {number}: expected a whole number from {least} to {most}");
            let zh = format!("{path} {number}:应为 {least} 至 {most} 的整数");
            reader.error("out_of_range", cite.line, en, zh);
        }
    }
}

fn lengths<T>(reader: &mut Reader, path: &str, param: &Param<Vec<T>>, most: usize) {
    for (list, cite) in values(param).filter(|(list, _)| most < list.len()) {
        let count = list.len();
        let en = format!("{path}: {count} entries, expected at most {most}");
        let zh = format!("{path}:共 {count} 项,最多 {most} 项");
        reader.error("too_large", cite.line, en, zh);
    }
}

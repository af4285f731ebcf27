//! Settlements from tables: what became of the lines of a payment list.

use std::collections::HashMap;

use super::{
    figures::column,
    table::{Column, Gathered, Problems, Row, Table},
};

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The money arrived.
    Paid,
    /// 账号不存在.
    AccountUnknown,
    /// 账户已销户或冻结.
    AccountClosed,
    /// 户名不符.
    NameMismatch,
    /// It did not arrive for another reason.
    Failed,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 5] =
        [Self::Paid, Self::AccountUnknown, Self::AccountClosed, Self::NameMismatch, Self::Failed];

    /// The word used in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::AccountUnknown => "account_unknown",
            Self::AccountClosed => "account_closed",
            Self::NameMismatch => "name_mismatch",
            Self::Failed => "failed",
        }
    }

    /// The words it is called by in tables.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Paid => &["paid", "已发放", "成功", "发放成功"],
            Self::AccountUnknown => &["account_unknown", "账号不存在"],
            Self::AccountClosed => &["account_closed", "账户已销户", "账户冻结"],
            Self::NameMismatch => &["name_mismatch", "户名不符"],
            Self::Failed => &["failed", "失败", "发放失败"],
        }
    }
}

const COLUMNS: [Column; 2] =
    [column("reference", &["发放编号"], true), column("outcome", &["发放结果", "结果"], true)];

/// Reads what became of the lines of a run, of which there are so many. O(rows).
///
/// # Errors
/// Every bad row.
pub fn read_settlements(
    bytes: &[u8],
    run: &str,
    lines: u32,
) -> Result<Vec<(u32, Outcome)>, Problems> {
    let mut table = Table::open_of_persons(bytes, &COLUMNS)?;
    let mut problems = Gathered::default();
    let (mut found, mut seen) = (Vec::new(), HashMap::new());
    while let Some(row) = table.next(&mut problems) {
        let (line, outcome) = (line(&row, run, lines, &mut problems), outcome(&row, &mut problems));
        let (Some(line), Some(outcome)) = (line, outcome) else { continue };
        if let Some(first) = seen.insert(line, row.line) {
            let expected = format!("each reference once; line {first} has it as well");
            problems.push(row.line, "reference", row.get(0), expected);
        }
        found.push((line, outcome));
    }
    problems.finish(found)
}

fn line(row: &Row, run: &str, lines: u32, problems: &mut Gathered) -> Option<u32> {
    let text = row.get(0);
    let number = text.strip_prefix(run).and_then(|rest| rest.strip_prefix('-'));
    let digits = |number: &&str| number.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.filter(digits).and_then(|number| number.parse().ok());
    let found = number.filter(|line| (1..=lines).contains(line));
    if found.is_none() {
        // Whatever else stands there may be a person's.
        problems.push(row.line, "reference", "", format!("{run}-1 to {run}-{lines}"));
    }
    found
}

fn outcome(row: &Row, problems: &mut Gathered) -> Option<Outcome> {
    let text = row.get(1);
    let found = Outcome::ALL.into_iter().find(|one| one.names().contains(&text));
    if found.is_none() {
        let names = Outcome::ALL.map(|one| one.names()[1]).join(", ");
        let codes = Outcome::ALL.map(Outcome::as_str).join(", ");
        problems.push(row.line, "outcome", "", format!("{codes} ({names})"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &str) -> Result<Vec<(u32, Outcome)>, String> {
        let text = format!("发放编号,姓名,发放结果\n{rows}");
        read_settlements(text.as_bytes(), "R25", 10).map_err(|problems| problems.to_string())
    }

    #[test]
    fn references_and_outcomes_are_read_in_either_language() {
        let found = read("R25-1,某,已发放\nR25-10,某,account_closed\nR25-2,某,失败\n").unwrap();
        let expected = [(1, Outcome::Paid), (10, Outcome::AccountClosed), (2, Outcome::Failed)];
        assert_eq!(found, expected);
    }

    #[test]
    fn references_beyond_the_list_of_others_and_twice_are_told_without_what_stands_there() {
        for bad in ["R25-0", "R25-11", "R24-1", "R251", "R25-", "R25-+1", "某某"] {
            let said = read(&format!("{bad},某,paid\n")).unwrap_err();
            assert!(
                said.starts_with("line 2, column reference, value \"\": expected R25-1 to R25-10")
            );
        }
        let twice = read("R25-1,某,paid\nR25-1,某,failed\n").unwrap_err();
        assert!(twice.contains("line 2 has it as well"), "{twice}");
        let unknown = read("R25-1,某,某某\n").unwrap_err();
        assert!(unknown.contains("column outcome, value \"\": expected paid, "), "{unknown}");
    }
}

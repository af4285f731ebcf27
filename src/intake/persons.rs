//! Lists of persons to match a roster against: who left a group, and who is paid elsewhere.

use chrono::NaiveDate;

use crate::domain::{
    calendar::read_day,
    code::Code,
    group::Names,
    identity::{Identity, IdentityKind},
};

use super::{
    figures::column,
    table::{Column, Gathered, Problems, Row, Table},
};

const COLUMNS: [Column; 4] = [
    column("person_id", &["证件号码", "身份证号", "身份证号码", "公民身份号码"], true),
    column("id_type", &["证件类型"], false),
    column("since", &["起始日期", "日期"], false),
    column("group", &["保障对象", "对象"], false),
];

/// A person on a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Who.
    pub person: Identity,
    /// Since when; none when the list does not say.
    pub since: Option<NaiveDate>,
    /// With which group it conflicts; none for all.
    pub group: Option<Code>,
}

/// Reads a list of persons. O(rows).
///
/// # Errors
/// Every bad row, without the person's number.
pub fn read_persons(bytes: &[u8], groups: &Names) -> Result<Vec<Listed>, Problems> {
    let mut table = Table::open_of_persons(bytes, &COLUMNS)?;
    let mut problems = Gathered::default();
    let mut found = Vec::new();
    while let Some(row) = table.next(&mut problems) {
        let person = person(&row, &mut problems);
        let since = match row.get(2) {
            "" => Some(None),
            text => {
                let day = read_day(text.as_bytes());
                if day.is_none() {
                    problems.push(row.line, "since", text, "a day such as 2021-03-31");
                }
                day.map(Some)
            }
        };
        let group = match row.get(3) {
            "" => Some(None),
            text => group(text, groups, row.line, &mut problems).map(Some),
        };
        if let (Some(person), Some(since), Some(group)) = (person, since, group) {
            found.push(Listed { person, since, group });
        }
    }
    problems.finish(found)
}

fn person(row: &Row, problems: &mut Gathered) -> Option<Identity> {
    let Some(kind) = IdentityKind::named(row.get(1)) else {
        problems.push(row.line, "id_type", "", "a kind of document, such as 居民身份证 or 护照");
        return None;
    };
    let read = Identity::read(kind, row.get(0).as_bytes());
    read.map_err(|error| problems.push(row.line, "person_id", "", error.to_string())).ok()
}

fn group(text: &str, groups: &Names, line: u64, problems: &mut Gathered) -> Option<Code> {
    let found = groups.all().find(|one| one.code.as_str() == text || one.zh == text);
    if found.is_none() {
        problems.push(line, "group", text, "a group of groups.toml, by code or Chinese name");
    }
    found.map(|group| group.code.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::group::Named;

    fn read(text: &str) -> Result<Vec<Listed>, String> {
        let mut groups = Names::default();
        let (code, zh) = ("orphan".parse().unwrap(), "孤儿".to_owned());
        groups.insert(Named { code, zh, en: String::new() });
        read_persons(text.as_bytes(), &groups).map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_list_names_persons_days_and_groups() {
        let found = read(
            "证件号码,保障对象,起始日期\n990101199003077719,孤儿,2021-03-31\n99010119900307004x,,\n",
        );
        let found = found.unwrap();
        assert_eq!(found[0].since, NaiveDate::from_ymd_opt(2021, 3, 31));
        assert_eq!(found[0].group.as_ref().unwrap().as_str(), "orphan");
        assert_eq!((found[1].since, &found[1].group), (None, &None));
        assert_eq!(found[1].person.as_bytes(), b"99010119900307004X");
    }

    #[test]
    fn a_bad_row_is_told_without_the_number() {
        let said = read("person_id,id_type\n990101199003077718,\n990101199003077719,驾驶证\n");
        let said = said.unwrap_err();
        assert!(
            said.contains("line 2, column person_id, value \"\": expected the check digit"),
            "{said}"
        );
        assert!(said.contains("line 3, column id_type, value \"\": expected a kind"), "{said}");
        assert!(!said.contains("99010119900307771"));
    }
}

//! The columns of a roster, by whatever headers an office gives them.

use std::collections::BTreeMap;

use super::RosterError;

/// Most columns a roster may have.
pub const WIDTH_MAX: usize = 256;

/// A column that a roster run understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// The number of the identity document.
    Person,
    /// Its kind; a resident identity card when the column is absent.
    Kind,
    /// The name, for the payment list.
    Name,
    /// Where the person is paid, six digits.
    Area,
    /// The group, by code or Chinese name.
    Group,
    /// Urban or rural.
    Residence,
    /// Whether the person is on the group's list: 正常 or 停发, 注销, 死亡.
    Status,
    /// First day on the group's list.
    From,
    /// Last day on it.
    Until,
    /// Where the money goes, for the payment list.
    Account,
}

impl Column {
    /// Every column.
    pub const ALL: [Self; 10] = [
        Self::Person,
        Self::Kind,
        Self::Name,
        Self::Area,
        Self::Group,
        Self::Residence,
        Self::Status,
        Self::From,
        Self::Until,
        Self::Account,
    ];

    /// The header in English.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person_id",
            Self::Kind => "id_type",
            Self::Name => "name",
            Self::Area => "area_code",
            Self::Group => "group",
            Self::Residence => "residence",
            Self::Status => "status",
            Self::From => "from",
            Self::Until => "until",
            Self::Account => "account",
        }
    }

    /// The headers in Chinese; the first is the one written.
    pub fn zh(self) -> &'static [&'static str] {
        match self {
            Self::Person => &["证件号码", "身份证号", "身份证号码", "公民身份号码"],
            Self::Kind => &["证件类型"],
            Self::Name => &["姓名"],
            Self::Area => &["地区代码", "区划代码", "行政区划代码"],
            Self::Group => &["保障对象", "对象", "对象类别"],
            Self::Residence => &["城乡"],
            Self::Status => &["状态", "人员状态"],
            Self::From => &["起始日期", "开始日期"],
            Self::Until => &["终止日期", "截止日期"],
            Self::Account => &["发放账号", "银行账号", "账号", "社保卡号"],
        }
    }

    fn required(self) -> bool {
        matches!(self, Self::Person | Self::Name | Self::Area | Self::Group | Self::Residence)
    }
}

/// Headers of one's own: English name of the column → header in the file.
pub type Mapping = BTreeMap<String, String>;

/// Which place of a row holds which column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// For each place of a row the column it holds.
    pub(super) columns: Vec<Option<Column>>,
}

impl Layout {
    /// Finds the columns in a header.
    ///
    /// # Errors
    /// A column that is missing or there twice, a mapping to a header that is not there.
    pub fn of(header: &[String], mapping: &Mapping) -> Result<Self, RosterError> {
        if WIDTH_MAX < header.len() {
            let expected = format!("at most {WIDTH_MAX} columns");
            return Err(RosterError::header(&header.len().to_string(), expected));
        }
        let named = |name: &String| Column::ALL.into_iter().any(|column| column.as_str() == name);
        if let Some(name) = mapping.keys().find(|name| !named(name)) {
            let names = Column::ALL.map(Column::as_str).join(", ");
            return Err(RosterError::header(name, format!("in the mapping one of {names}")));
        }
        let mut columns = vec![None; header.len()];
        for column in Column::ALL {
            let own = mapping.get(column.as_str()).map(String::as_str);
            let is = |text: &str| match own {
                Some(own) => text == own,
                None => text == column.as_str() || column.zh().contains(&text),
            };
            let mut places = (0..header.len()).filter(|at| is(header[*at].trim()));
            match (places.next(), places.next()) {
                (Some(at), None) => columns[at] = Some(column),
                (Some(_), Some(twice)) => {
                    let expected = format!("one column for {}", column.as_str());
                    return Err(RosterError::header(&header[twice], expected));
                }
                (None, _) if own.is_some() || column.required() => {
                    let names = own.map_or_else(
                        || format!("{} or {}", column.as_str(), column.zh().join(", ")),
                        str::to_owned,
                    );
                    return Err(RosterError::header("", format!("a column {names}")));
                }
                (None, _) => {}
            }
        }
        Ok(Self { columns })
    }

    /// Whether the roster has the column.
    pub fn has(&self, column: Column) -> bool {
        self.columns.contains(&Some(column))
    }
}

/// The fields of a row by column; absent ones are empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fields<'a>([&'a [u8]; Column::ALL.len()]);

impl<'a> Fields<'a> {
    /// The field without blanks around it.
    pub fn get(&self, column: Column) -> &'a [u8] {
        trimmed(self.0[column as usize])
    }

    pub(super) fn set(&mut self, column: Column, field: &'a [u8]) {
        self.0[column as usize] = field;
    }
}

/// Without blanks around it, the wide blank included.
fn trimmed(mut field: &[u8]) -> &[u8] {
    loop {
        field = field.trim_ascii();
        let wide = "\u{3000}".as_bytes();
        match field.strip_prefix(wide).or_else(|| field.strip_suffix(wide)) {
            Some(rest) => field = rest,
            None => return field,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(header: &[&str], mapping: &[(&str, &str)]) -> Result<Layout, String> {
        let header: Vec<_> = header.iter().map(|&text| text.to_owned()).collect();
        let mapping =
            mapping.iter().map(|&(name, own)| (name.to_owned(), own.to_owned())).collect();
        Layout::of(&header, &mapping).map_err(|error| error.to_string())
    }

    const ZH: [&str; 5] = ["证件号码", "姓名", "地区代码", "保障对象", "城乡"];

    #[test]
    fn columns_are_found_by_either_language_and_in_any_order() {
        let found = layout(&["group", "x", "姓名", "residence", "area_code", " 身份证号 "], &[]);
        let columns = found.unwrap().columns;
        let expected = [
            Some(Column::Group),
            None,
            Some(Column::Name),
            Some(Column::Residence),
            Some(Column::Area),
            Some(Column::Person),
        ];
        assert_eq!(columns, expected);
    }

    #[test]
    fn a_mapping_takes_the_place_of_the_names() {
        let mut header = ZH;
        header[0] = "号";
        let found = layout(&header, &[("person_id", "号")]).unwrap();
        assert!(found.has(Column::Person));
        let wrong = layout(&header, &[("person", "号")]).unwrap_err();
        assert!(wrong.contains("\"person\": expected in the mapping one of person_id"), "{wrong}");
        let absent = layout(&ZH, &[("person_id", "号")]).unwrap_err();
        assert!(absent.contains("expected a column 号"), "{absent}");
    }

    #[test]
    fn a_missing_and_a_double_column_are_named() {
        let missing = layout(&ZH[..4], &[]).unwrap_err();
        assert!(missing.contains("expected a column residence or 城乡"), "{missing}");
        let mut double = ZH.to_vec();
        double.push("身份证号");
        let double = layout(&double, &[]).unwrap_err();
        assert!(double.contains("\"身份证号\": expected one column for person_id"), "{double}");
    }

    #[test]
    fn blanks_of_both_widths_are_cut_off() {
        assert_eq!(trimmed(" \u{3000}a\u{3000} b\u{3000}\t".as_bytes()), "a\u{3000} b".as_bytes());
        assert_eq!(trimmed("\u{3000}".as_bytes()), b"");
    }
}

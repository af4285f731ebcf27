//! Rows that are not paid, and why. A reject names the row; it carries nothing of the person.

use super::{columns::Column, source::RowFault};
use crate::domain::identity::IdentityError;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $zh:literal, $column:expr;)+) => {
        /// Why a row is not paid.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason { $($(#[$doc])* $name,)+ }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word used in outputs.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// In Chinese.
            pub fn zh(self) -> &'static str {
                match self { $(Self::$name => $zh,)+ }
            }

            /// The column at fault, if it is one.
            pub fn column(self) -> Option<Column> {
                match self { $(Self::$name => $column,)+ }
            }
        }
    };
}

reasons! {
    /// Another number of fields than the header.
    Width = "row_width", "列数与表头不符", None;
    /// Text after a closing quote.
    Quote = "row_quote", "引号后有多余内容", None;
    /// Neither UTF-8 nor GB18030, or control characters.
    Text = "row_text", "含有无法识别的字符", None;
    /// Longer than 64 KiB.
    Long = "row_long", "一行超过 64 KiB", None;
    /// An unknown kind of document.
    Kind = "id_type_unknown", "证件类型不在列表中", Some(Column::Kind);
    /// No identity number.
    IdShape = "id_shape", "不是 18 位或 15 位身份证号", Some(Column::Person);
    /// No date of birth in it.
    IdBirth = "id_birth", "身份证号中的出生日期不存在", Some(Column::Person);
    /// A wrong check digit.
    IdCheck = "id_check", "身份证号校验码不符(GB 11643)", Some(Column::Person);
    /// No number of another document.
    IdOther = "id_other", "证件号码应为 1 至 32 位字母、数字、括号或连字符", Some(Column::Person);
    /// An area that is in no list.
    Area = "area_unknown", "地区代码不在列表中", Some(Column::Area);
    /// A group that is in no list.
    Group = "group_unknown", "保障对象不在列表中", Some(Column::Group);
    /// Neither urban nor rural.
    Residence = "residence_unknown", "城乡应为城镇或农村", Some(Column::Residence);
    /// A status that is in no list.
    Status = "status_unknown", "状态应为正常、停发、注销或死亡", Some(Column::Status);
    /// A date that is no day.
    From = "from_unreadable", "起始日期应为 YYYY-MM-DD", Some(Column::From);
    /// A date that is no day.
    Until = "until_unreadable", "终止日期应为 YYYY-MM-DD", Some(Column::Until);
    /// The roster or the list of statuses says that the person left the group.
    Ended = "ended", "已停发、注销或死亡", Some(Column::Status);
    /// On the group's list on no day of the month.
    OutsideMonth = "outside_month", "指数当月不在保障名单内", Some(Column::From);
    /// The area pays nothing for the month.
    NotTriggered = "not_triggered", "当月未启动", Some(Column::Area);
    /// Whether the area pays cannot be said.
    Undecidable = "undecidable", "当月是否启动无法判定", Some(Column::Area);
    /// The parts of the area decide each for itself.
    Indicative = "indicative", "由下级地区分别判定", Some(Column::Area);
    /// In that month the area had another code.
    OtherCode = "other_code", "该地区当月使用其他代码", Some(Column::Area);
    /// The rule does not cover the group.
    NotCovered = "not_covered", "当月规定的保障对象不包括该类人员", Some(Column::Group);
    /// There is no sum under the rule.
    NoSum = "no_sum", "按规定算不出金额", None;
    /// Paid in one sum with a later month.
    WithLater = "with_later", "与以后月份合并发放", None;
    /// Paid by household.
    Household = "by_household", "按户发放,名册只支持按人发放", None;
    /// The rule pays a person once for each group.
    Each = "each_group", "按规定每一身份各发一份,名册只支持就高发放一份", None;
    /// Paid all the same, but on a list of those who are paid elsewhere.
    Conflict = "conflict", "在其他发放或参保名单内,仍列入发放,请核实", Some(Column::Person);
    /// Another run pays the person for the month.
    PaidBefore = "paid_before", "同月已由其他批次发放", Some(Column::Person);
}

impl From<RowFault> for Reason {
    fn from(fault: RowFault) -> Self {
        match fault {
            RowFault::Width => Self::Width,
            RowFault::Quote => Self::Quote,
            RowFault::Text => Self::Text,
            RowFault::Long => Self::Long,
        }
    }
}

impl From<IdentityError> for Reason {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Shape => Self::IdShape,
            IdentityError::Birth => Self::IdBirth,
            IdentityError::Check => Self::IdCheck,
            IdentityError::Other => Self::IdOther,
        }
    }
}

/// A row that is not paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reject {
    /// The row.
    pub row: u32,
    /// Why.
    pub reason: Reason,
}

//! Why something is refused, in Chinese: by the services' stable names of reasons, and what was expected of a
//! field by what they say in English.

use crate::{charts::Lang, grpc::v1};

use super::visit::Visit;

/// What each reason means to whoever uses the page.
const REASONS: &[(&str, &str)] = &[
    ("BAD_FIELD", "填写有误"),
    ("REQUEST_ID_REUSED", "这张表单已用于另一次录入,请重新打开页面"),
    ("AREA_UNKNOWN", "地区清单中没有该代码"),
    ("REFORM_REFUSED", "假设的规则无法读取,或通不过 `rules check`"),
    ("HYPOTHETICAL", "规定含假设,不得据以发放"),
    ("DOCUMENT_UNKNOWN", "没有此编号的文件"),
    ("DOCUMENT_REFUSED", "所给文件不能生效,原因见其检查结果"),
    ("FIGURE_NOT_RECORDED", "该数据没有记录"),
    ("RUN_UNKNOWN", "没有此批次"),
    ("RUN_EXISTS", "该对象在该地区(或其上级、下级)该月已有有效批次,见 `ResourceInfo`"),
    ("RUN_EMPTY", "所有人数都得不出金额"),
    ("RUN_NOT_ADJUSTABLE", "批次未拨付,或本身是补发批次,不能补发"),
    ("RUN_NOTHING_TO_ADJUST", "没有需要补发的金额"),
    ("RUN_COUNTED", "以后的补发批次已计入本补发批次,须先作废后者"),
    ("RUN_REFUSED", "有的人数不能编入"),
    ("RUN_STATE", "批次的状态不允许此操作"),
    ("RUN_OWN", "编制人不得批准自己编制的批次"),
    ("RUN_APPROVED_BEFORE", "每人只能批准一次"),
    ("RUN_BLOCKED", "有阻断事项,须说明理由方可批准"),
    ("RUN_STALE", "按现在的依据金额已有不同,批准、拨付须说明理由"),
    ("RUN_NEEDS_REASON", "退回和作废须说明理由"),
    ("RUN_UNSETTLED", "还有未回盘的行,办结须说明理由"),
    ("BAD_ROSTER", "名册整体无法读取"),
    ("BAD_PERSONS", "人员名单有错误的行"),
    ("BAD_SETTLEMENT", "回盘文件有错误的行"),
    ("NO_PERSON_KEY", "服务没有人员哈希密钥,或不是该月批次的密钥"),
    ("NO_STORE", "本服务没有落盘的存储"),
    ("OTHER_ROSTER", "这不是编制该批次所用的名册"),
    ("OVERTAKEN", "其间该月另有记录,请重试"),
    ("CLAIMS_DAMAGED", "该月以前批次的人员哈希文件缺失或损坏"),
    ("CANCELLED", "请求方已离开"),
    ("NO_NOTICE", "该月没有需要通知的事项,或已随另一个月份通知"),
    ("OUT_OF_RANGE", "金额超出精确计算或电子表格的范围"),
    ("SIGN_IN", "请先登录"),
    ("NOT_ALLOWED", "您没有办理这一事项的角色"),
    ("NOT_YOURS", "该地区,或批次所涉的某地区,不在您的授权范围内"),
    ("OTHER_NAME", "元数据所称姓名与登录主体不同"),
    ("TOO_MANY_CALLS", "请求过于频繁,请稍后再试"),
    ("WATCH_LAGGED", "接收推送过慢,请重新列出后再订阅"),
    ("DEADLINE", "超过调用方给定的时限"),
    ("BUSY", "等待录入的请求过多,请稍后再试"),
    ("STALE", "本服务跟随另一服务,数据可能过旧,请稍后再试"),
    ("FOLLOWS", "本服务跟随另一服务,只供查询,请到那里录入"),
    ("OTHER_JOURNAL", "跟随者的最后一笔不在本账本中"),
    ("FILE_UNKNOWN", "没有账目指明该文件,或文件缺失"),
    ("STOPPING", "服务正在停止"),
    ("STORE_BROKEN", "无法录入,请用 `verify` 检查"),
    ("INTERNAL", "程序自身的错误,日志中有编号和详情"),
];

/// What a reason means.
pub(super) fn reason(code: &str) -> Option<&'static str> {
    REASONS.iter().find(|(name, _)| *name == code).map(|(_, zh)| *zh)
}

/// Fields of forms and files.
const FIELDS: &[(&str, &str)] = &[
    ("month", "月份"),
    ("index_month", "指数月份"),
    ("area", "地区"),
    ("area_code", "地区代码"),
    ("series", "指数名称"),
    ("value", "数值"),
    ("yoy_pct", "同比涨幅"),
    ("index", "指数"),
    ("released_on", "发布日期"),
    ("source", "来源"),
    ("group", "保障对象"),
    ("residence", "城乡"),
    ("persons", "人数"),
    ("households", "户数"),
    ("header", "表头"),
    ("file", "文件"),
    ("row", "行"),
    ("known_at", "所知时点"),
    ("from", "起"),
    ("until", "止"),
    ("since", "起始月份"),
    ("reform", "试算数值"),
    ("note", "说明"),
    ("reason", "理由"),
    ("made", "事项"),
    ("as_of", "规则月份"),
    ("document", "文件"),
    ("within", "地区"),
];

/// A field's name.
pub(super) fn field<'a>(visit: &Visit, name: &'a str) -> &'a str {
    match visit.lang {
        Lang::En => name,
        Lang::Zh => field_zh(name),
    }
}

/// A field's name in Chinese; one that has none stands for itself.
pub(super) fn field_zh(name: &str) -> &str {
    let last = name.rsplit('.').next().unwrap_or(name);
    FIELDS.iter().find(|(code, _)| *code == last).map_or(name, |(_, zh)| zh)
}

/// What is expected of a value, as the services and the readers of files say it: whole, or how it begins and
/// ends, with what stands between kept.
const EXPECTED: &[(&str, &str, &str, &str)] = &[
    (
        "a decimal such as 3.5, at most 15 digits before and 6 after the point",
        "",
        "应为数字,如 3.5,小数点前至多 15 位、后至多 6 位",
        "",
    ),
    ("a rise in per cent from -80 to 1000", "", "应为 -80 至 1000 之间的涨幅(%)", ""),
    (
        "a rise in per cent from -20 to 50",
        "",
        "应为 -20 至 50 之间的涨幅(%);104.5 这样的指数请减去 100",
        "*",
    ),
    ("yuan from 0 to 1000000000", "", "应为 0 至 1000000000 之间的元数", ""),
    ("1 for yes or 0 for no", "", "应为 1(是)或 0(否)", ""),
    ("a day not before the index month", "", "应为不早于指数月份的日期", ""),
    (
        "a date such as 2019-08-09, not before the index month",
        "",
        "应为日期,如 2019-08-09,且不早于指数月份",
        "",
    ),
    ("exactly one of yoy_pct, index and value", "", "同比涨幅、指数、数值三列应恰填一列", ""),
    (
        "YYYY-MM in plain digits, with year 1990 to 2099 and month 01 to 12",
        "",
        "应为年-月,如 2021-04(1990 至 2099 年)",
        "",
    ),
    (
        "a year from 1990 to 2099 and a month from 1 to 12",
        "",
        "应为年-月,如 2021-04(1990 至 2099 年)",
        "",
    ),
    (
        "a group of groups.toml, by code or Chinese name",
        "",
        "应为已登记的保障对象(代码或中文名称)",
        "",
    ),
    (
        "each area, series and month once; line ",
        " has it as well",
        "同一地区、指数和月份只能有一行,与第 ",
        " 行重复",
    ),
    (
        "each area, group and residence once; line ",
        " has them too",
        "同一地区、对象和城乡只能有一行,与第 ",
        " 行重复",
    ),
    ("each key once; row ", " has it as well", "同一项只能有一行,与第 ", " 行重复"),
    ("a whole number up to ", ", in plain digits", "应为不大于 ", " 的整数"),
    (
        "text without control characters, at most 64 KiB",
        "",
        "应为不含控制字符的文字,至多 64 KiB",
        "",
    ),
    ("at most ", " bytes", "文件至多 ", " 字节"),
    ("at most ", " rows", "至多 ", " 行"),
    ("", " fields, as in the header", "应有 ", " 列,与表头一致"),
    ("six plain digits of a listed area", "", "应为地区清单中的六位代码", ""),
    ("a series of series.toml", "", "应为已登记的指数名称(代码或中文名称)", "*"),
    ("a column ", "", "缺少列 ", ""),
    ("each column once", "", "每列只能有一次", ""),
    ("one of ", "", "应为下列列名之一:", ""),
    ("a row of comma-separated text", "", "应为以逗号分隔的一行文字", ""),
    ("a standard of standards.toml", "", "应为已登记的标准名称", "*"),
    ("at most ", " characters, none of control", "至多 ", " 个字,不含控制字符"),
];

/// What is expected of a value.
pub(super) fn expected(visit: &Visit, told: &str) -> String {
    match visit.lang {
        Lang::En => format!("expected {told}"),
        Lang::Zh => expected_zh(told),
    }
}

/// Why a row leads to nothing, where that is what a service says of it: in both languages at once.
pub(super) fn told<'a>(visit: &Visit, problem: &'a v1::RowProblem) -> Option<&'a str> {
    let is_code = problem.field.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let (zh, en) = problem.expected.split_once(" / ").filter(|_| is_code)?;
    Some(visit.lang.pick(zh, en))
}

/// The same in Chinese; what has no Chinese words is told as it was.
pub(super) fn expected_zh(told: &str) -> String {
    let told = told.strip_prefix("expected ").unwrap_or(told);
    zh(told).unwrap_or_else(|| format!("应为 {told}"))
}

fn zh(told: &str) -> Option<String> {
    EXPECTED.iter().find_map(|(begins, ends, before, after)| {
        let rest = told.strip_prefix(begins)?;
        if *after == "*" {
            return Some((*before).to_owned());
        }
        let kept = rest.strip_suffix(ends)?;
        // A text that is whole must be so; one with a gap keeps what fills it.
        let is_whole = ends.is_empty() && !begins.ends_with(' ');
        (is_whole == kept.is_empty()).then(|| format!("{before}{kept}{after}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_of_the_readme_has_words() {
        let readme = include_str!("../../README.md");
        let codes = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
        let codes = codes.filter(|(code, rest)| {
            code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
                && rest.split(" | ").next().is_some_and(|one| {
                    one.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
                })
        });
        let codes: Vec<_> = codes.map(|(code, _)| code).collect();
        assert!(40 < codes.len(), "{codes:?}");
        for code in codes {
            assert!(reason(code).is_some(), "{code}");
        }
    }

    #[test]
    fn what_is_expected_is_told_in_chinese_with_the_number_in_it() {
        for (told, expected) in [
            ("1 for yes or 0 for no", Some("应为 1(是)或 0(否)")),
            (
                "each area, series and month once; line 3 has it as well",
                Some("同一地区、指数和月份只能有一行,与第 3 行重复"),
            ),
            ("a whole number up to 100, in plain digits", Some("应为不大于 100 的整数")),
            ("8 fields, as in the header", Some("应有 8 列,与表头一致")),
            ("something new", None),
        ] {
            assert_eq!(zh(told).as_deref(), expected);
        }
    }
}

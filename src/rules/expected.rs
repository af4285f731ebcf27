//! What was expected of a value, in Chinese: by what is said of it in English.
//!
//! **Invariant:** words of the format stay as they are written in a document; only the sentence
//! around them changes.

/// What is said in English, and in Chinese; a text that begins or ends with a gap keeps what fills it.
const EXPECTED: &[(&str, &str)] = &[
    ("a text in quotes", "加英文引号的文字"),
    ("a decimal in quotes such as \"3.5\"", "加英文引号、不带单位的小数,如 \"3.5\""),
    (
        "a share in quotes such as \"0.9\" or \"1/12\"",
        "加英文引号的比例,如 \"0.9\" 或 \"1/12\"(20%写作 \"0.2\")",
    ),
    (
        "a share above 0 such as \"0.2\", \"1/12\" or \"2\"",
        "大于 0 的比例或倍数,如 \"0.2\"、\"1/12\" 或 \"2\"",
    ),
    ("a whole number from 0 to 1200, without quotes", "0 至 1200 的整数,不加引号"),
    ("a code of a-z, 0-9 and _", "由 a-z、0-9 和 _ 组成的代码"),
    (
        "yuan in quotes such as \"30\", { standard = … } or { step = … }",
        "加英文引号的元数,如 \"30\",或 { standard = … },或 { step = … }",
    ),
    (
        "points in quotes such as \"3.4\", or { threshold_of = … }",
        "加英文引号的百分点数,如 \"3.4\",或 { threshold_of = … }",
    ),
    (
        "yuan, jiao, fen or a number of yuan in whole fen from \"0.01\" to \"1000\", such as \"5\"",
        "yuan、jiao、fen,或 \"0.01\" 至 \"1000\" 的元数(到分为止),如 \"5\"",
    ),
    ("a month such as \"2019-07\"", "加英文引号的月份,如 \"2019-07\""),
    ("a date such as \"2014-01-28\"", "加英文引号的日期,如 \"2014-01-28\""),
    ("a six-digit area code in quotes", "加英文引号的六位地区代码"),
    (
        "paying, deciding, parent, province, nation or a six-digit code",
        "paying、deciding、parent、province、nation 或六位地区代码",
    ),
    ("urban or rural", "urban(城镇)或 rural(农村)"),
    ("nation, province, prefecture or county", "nation、province、prefecture 或 county"),
    ("yes, no or undecidable", "yes、no 或 undecidable"),
    ("A, B, C, M, H, L or U", "A、B、C、M、H、L 或 U"),
    ("true, or leave the key out", "true,否则不写此项"),
    ("names of conditions joined by and, or, ( and )", "条件名,用 and、or 和括号连接"),
    (
        "a series, \"trigger\", higher_of, lower_of or first_recorded",
        "指数代码、\"trigger\"、{ higher_of = [ … ] }、{ lower_of = [ … ] } 或 \
         { first_recorded = [ … ] }",
    ),
    ("one of higher_of, lower_of and first_recorded", "higher_of、lower_of 和 first_recorded 之一"),
    (
        "one of share, yuan, by_hand = true or open = true",
        "share、yuan、by_hand = true 和 open = true 之一",
    ),
    (
        "one of value, open = true, inherited = true or, for a number, lower_to",
        "value、open = true、inherited = true 之一,数字还可用 lower_to",
    ),
    ("average = month, quarter, half_year or year", "average = month、quarter、half_year 或 year"),
    ("a standard's code or a table with standard = …", "标准代码,或写有 standard = … 的表"),
    ("a value or a list of cases with value = …", "一个值,或各写有 value = … 的几种情形"),
    ("shares that add up to 1", "合计为 1 的各方份额"),
    ("months of the year from 1 to 12", "1 至 12 的月份"),
    ("an until that is not before from", "不早于 from 的 until"),
    ("an area or a list of areas", "地区或地区列表"),
    (
        "an expectation such as triggered, state or amounts",
        "期望的结果,如 triggered、state 或 amounts",
    ),
    ("a list of names", "名称列表"),
    ("a list of texts", "文字列表"),
    ("a list of levels", "级别列表"),
    ("a list of series", "指数列表"),
    ("a list of bands", "档次列表"),
    ("a list of terms", "学期列表"),
    ("a list of sources", "资金来源列表"),
    ("a list of area codes", "地区代码列表"),
    ("a list of months of the year, 1 to 12", "1 至 12 的月份列表"),
    ("a list of tables with ", "各写有以下各项的表的列表:"),
    ("one or more ", "一个或几个 "),
    ("a table with ", "一个表,其中写有 "),
    ("a case with ", "一个例子,其中写有 "),
    ("a case such as ", "一种情形,如 "),
    ("a band such as ", "一档,如 "),
    ("a term such as ", "一个学期,如 "),
    ("a table", "一个表"),
    ("either ", "以下之一:"),
];

/// The same in Chinese; what has no Chinese words is told as it was.
pub(super) fn expected_zh(told: &str) -> String {
    let found = EXPECTED.iter().find_map(|(en, zh)| {
        let rest = told.strip_prefix(en)?;
        (rest.is_empty() || en.ends_with(' ')).then(|| format!("{zh}{rest}"))
    });
    // Words of the format stand apart from the Chinese before them.
    found.unwrap_or_else(|| format!(" {told}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_is_told_in_chinese_and_words_of_the_format_stay() {
        for (told, expected) in [
            ("a text in quotes", "加英文引号的文字"),
            ("a table", "一个表"),
            ("a table with standard = …", "一个表,其中写有 standard = …"),
            ("one or more [[cases]] tables", "一个或几个 [[cases]] tables"),
            ("yearly, monthly", " yearly, monthly"),
            ("a text in quotes or more", " a text in quotes or more"),
        ] {
            assert_eq!(expected_zh(told), expected);
        }
    }

    #[test]
    fn every_sentence_in_the_code_that_reads_documents_has_chinese_words() {
        let code = [
            include_str!("case.rs"),
            include_str!("expr.rs"),
            include_str!("head.rs"),
            include_str!("instrument.rs"),
            include_str!("reader.rs"),
            include_str!("shape.rs"),
            include_str!("sum.rs"),
            include_str!("value.rs"),
        ];
        let sentences = code.iter().flat_map(|code| code.split(".expected(").skip(1));
        let quoted = sentences.filter_map(|rest| {
            let call = rest.split(")").next()?;
            let begin = call.split_once("\"")?.1;
            let end = begin.replace("\\\"", "'");
            Some(end.split('"').next()?.to_owned()).filter(|text| text.starts_with("a "))
        });
        for sentence in quoted {
            let told = sentence.replace('\'', "\"");
            let whole = told.split('{').next().unwrap();
            assert!(!expected_zh(whole).starts_with(' '), "{told}");
        }
    }
}

//! Tables in CSV (RFC 4180), UTF-8. Text that a spreadsheet would take for a formula is made text by
//! an apostrophe in front.

use std::io::Write;

use super::{Heading, Kind, Out, RosterError, Value, refused};

pub(super) fn begin(mut out: Out, headings: &[Heading]) -> Result<Out, RosterError> {
    let names: Vec<_> = headings.iter().map(|heading| heading.name).collect();
    out.write_all(names.join(",").as_bytes()).map_err(refused)?;
    out.write_all(b"\n").map_err(refused)?;
    Ok(out)
}

pub(super) fn push(lines: &mut Vec<u8>, row: &[Value<'_>], headings: &[Heading]) {
    for (at, (value, heading)) in row.iter().zip(headings).enumerate() {
        if 0 < at {
            lines.push(b',');
        }
        match (*value, heading.kind) {
            (Value::Text(field), _) => text(lines, field),
            (Value::Number(fen), Kind::Yuan) => {
                number(lines, fen / 100);
                let rest = (fen % 100) as u8;
                lines.extend_from_slice(&[b'.', b'0' + rest / 10, b'0' + rest % 10]);
            }
            (Value::Number(whole), _) => number(lines, whole),
        }
    }
    lines.push(b'\n');
}

fn text(lines: &mut Vec<u8>, field: &[u8]) {
    let special = |byte: &u8| matches!(byte, b',' | b'"' | b'\n' | b'\r');
    let quoted = field.iter().any(special);
    if quoted {
        lines.push(b'"');
    }
    if is_formula(field) {
        lines.push(b'\'');
    }
    match quoted {
        false => lines.extend_from_slice(field),
        true => {
            for byte in field {
                if *byte == b'"' {
                    lines.push(b'"');
                }
                lines.push(*byte);
            }
            lines.push(b'"');
        }
    }
}

/// Whether a spreadsheet would take the text for a formula.
fn is_formula(field: &[u8]) -> bool {
    match field.first() {
        Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r') => true,
        // ＝ ＋ － ＠
        Some(0xef) => {
            ["＝", "＋", "－", "＠"].iter().any(|sign| field.starts_with(sign.as_bytes()))
        }
        _ => false,
    }
}

fn number(lines: &mut Vec<u8>, mut whole: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (whole % 10) as u8;
        whole /= 10;
        if whole == 0 {
            break;
        }
    }
    lines.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADINGS: [Heading; 3] = [
        Heading { name: "a", width: 9, zh: "甲", kind: Kind::Text },
        Heading { name: "b", width: 9, zh: "乙", kind: Kind::Yuan },
        Heading { name: "c", width: 9, zh: "丙", kind: Kind::Number },
    ];

    fn line(text: &str, fen: u64, number: u64) -> String {
        let mut lines = Vec::new();
        let row = [Value::Text(text.as_bytes()), Value::Number(fen), Value::Number(number)];
        push(&mut lines, &row, &HEADINGS);
        String::from_utf8(lines).unwrap()
    }

    #[test]
    fn fen_are_written_as_yuan_with_two_places() {
        for (fen, yuan) in [(0, "0.00"), (9, "0.09"), (10, "0.10"), (12_345, "123.45")] {
            assert_eq!(line("x", fen, 7), format!("x,{yuan},7\n"));
        }
        assert_eq!(line("", u64::MAX, u64::MAX), ",184467440737095516.15,18446744073709551615\n");
    }

    #[test]
    fn fields_with_commas_quotes_and_line_ends_are_quoted() {
        assert_eq!(line("a,b", 0, 0), "\"a,b\",0.00,0\n");
        assert_eq!(line("a\"b", 0, 0), "\"a\"\"b\",0.00,0\n");
        assert_eq!(line("a\nb", 0, 0), "\"a\nb\",0.00,0\n");
    }

    #[test]
    fn no_text_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1", "＠x"] {
            assert_eq!(line(text, 0, 0), format!("'{text},0.00,0\n"));
        }
        assert_eq!(line("=\"x\"", 0, 0), "\"'=\"\"x\"\"\",0.00,0\n");
        assert_eq!(line("a=1", 0, 0), "a=1,0.00,0\n");
    }
}

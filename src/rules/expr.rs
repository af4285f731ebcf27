//! Expressions over named conditions: `cpi or (food and grain)`.
//!
//! **Invariant:** an expression names at least one condition; nesting is bounded.

use std::fmt;

use toml::{Spanned, de::DeValue};

use crate::domain::code::Code;

use super::{reader::Reader, value::Value};

/// A condition's name, or several joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// This condition.
    Name(Code),
    /// At least one (或).
    Any(Vec<Expr>),
    /// All (且).
    All(Vec<Expr>),
}

const DEPTH_MAX: u32 = 16;

impl Expr {
    /// Reads an expression; `and` binds closer than `or`.
    pub fn parse(text: &str) -> Option<Self> {
        let spaced = text.replace('(', " ( ").replace(')', " ) ");
        let words: Vec<_> = spaced.split_whitespace().collect();
        let mut at = 0;
        let expr = Self::any(&words, &mut at, 0)?;
        (at == words.len()).then_some(expr)
    }

    fn any(words: &[&str], at: &mut usize, depth: u32) -> Option<Self> {
        let mut parts = vec![Self::all(words, at, depth)?];
        while words.get(*at) == Some(&"or") {
            *at += 1;
            parts.push(Self::all(words, at, depth)?);
        }
        Some(if parts.len() == 1 { parts.remove(0) } else { Self::Any(parts) })
    }

    fn all(words: &[&str], at: &mut usize, depth: u32) -> Option<Self> {
        let mut parts = vec![Self::one(words, at, depth)?];
        while words.get(*at) == Some(&"and") {
            *at += 1;
            parts.push(Self::one(words, at, depth)?);
        }
        Some(if parts.len() == 1 { parts.remove(0) } else { Self::All(parts) })
    }

    fn one(words: &[&str], at: &mut usize, depth: u32) -> Option<Self> {
        let word = *words.get(*at)?;
        *at += 1;
        if word == "(" {
            let inner = (depth < DEPTH_MAX).then(|| Self::any(words, at, depth + 1))??;
            let closed = words.get(*at) == Some(&")");
            *at += 1;
            return closed.then_some(inner);
        }
        let name: Code = word.parse().ok()?;
        (!matches!(word, "or" | "and")).then_some(Self::Name(name))
    }

    /// Every condition it names, in order of appearance.
    pub fn names(&self) -> Vec<&Code> {
        match self {
            Self::Name(name) => vec![name],
            Self::Any(parts) | Self::All(parts) => parts.iter().flat_map(Self::names).collect(),
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |parts: &[Self], word: &str| {
            let show = |part: &Self| match part {
                Self::Name(name) => name.to_string(),
                joined => format!("({joined})"),
            };
            parts.iter().map(show).collect::<Vec<_>>().join(word)
        };
        match self {
            Self::Name(name) => write!(f, "{name}"),
            Self::Any(parts) => f.write_str(&join(parts, " or ")),
            Self::All(parts) => f.write_str(&join(parts, " and ")),
        }
    }
}

impl Value for Expr {
    fn read(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Self> {
        let text = reader.text(item)?;
        match Self::parse(text) {
            Some(expr) => Some(expr),
            None => reader.expected(item, "names of conditions joined by and, or, ( and )"),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn and_binds_closer_than_or() {
        let expr = Expr::parse("cpi or food and grain").unwrap();
        assert_eq!(expr.to_string(), "cpi or (food and grain)");
        assert_eq!(Expr::parse("(cpi or food) and grain").unwrap().names().len(), 3);
    }

    #[test]
    fn what_is_not_an_expression_is_refused() {
        let deep = format!("{}cpi{}", "(".repeat(40), ")".repeat(40));
        for text in ["", "or", "cpi or", "cpi food", "(cpi", "cpi)", "Cpi", deep.as_str()] {
            assert_eq!(Expr::parse(text), None, "{text}");
        }
    }

    #[test]
    fn brackets_nest_sixteen_deep_and_no_deeper() {
        let nested = |depth: usize| format!("{}cpi{}", "(".repeat(depth), ")".repeat(depth));
        assert_eq!(Expr::parse(&nested(16)), Expr::parse("cpi"));
        assert_eq!(Expr::parse(&nested(17)), None);
    }
}

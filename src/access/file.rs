//! The file of principals, read and checked.
//!
//! **Invariant:** a file is used whole or not at all; what is told of it never quotes a token.

use std::{collections::HashMap, fmt, sync::Arc};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use toml::Spanned;
use unicode_security::skeleton;

use super::{
    principal::{Grant, Principal},
    token,
};
use crate::domain::area::Areas;

/// Most bytes of a file.
pub const FILE_BYTES_MAX: usize = 4 << 20;
/// Most bytes of a name.
const NAME_BYTES_MAX: usize = 100;
/// Names under which the program itself records.
const RESERVED: [&str; 2] = ["seed", "unauthenticated"];

/// A principal as the file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Who it is, and what it may do.
    pub principal: Arc<Principal>,
    /// Its tokens.
    pub tokens: Vec<TokenHash>,
    /// SHA-256 of its certificates.
    pub certificates: Vec<[u8; 32]>,
    /// From when on it may do nothing any more.
    pub expires: Option<DateTime<Utc>>,
}

/// What is kept of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenHash {
    /// Its id.
    pub id: String,
    /// Its hash in PHC format.
    pub hash: String,
    /// From when on it is not taken any more.
    pub expires: Option<DateTime<Utc>>,
}

/// What is wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The line, from 1; 0 when it is about the whole file.
    pub line: usize,
    /// The field.
    pub field: String,
    /// What was given, where it is no secret.
    pub value: String,
    /// What was expected.
    pub expected: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, field, value, expected } = self;
        match value.is_empty() {
            true => write!(f, "line {line}: {field}: expected {expected}"),
            false => write!(f, "line {line}: {field} {value:?}: expected {expected}"),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    principal: Vec<WrittenPrincipal>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPrincipal {
    name: Spanned<String>,
    grants: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    tokens: Vec<WrittenToken>,
    #[serde(default)]
    certificates: Vec<Spanned<String>>,
    expires: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenToken {
    id: Spanned<String>,
    hash: Spanned<String>,
    expires: Option<Spanned<String>>,
}

/// Reads a file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse(text: &str, areas: &Areas) -> Result<Vec<Listed>, Vec<Wrong>> {
    let mut reading = Reading { text, areas, wrong: Vec::new(), seen: HashMap::new() };
    if FILE_BYTES_MAX < text.len() {
        let expected = format!("at most {FILE_BYTES_MAX} bytes");
        return Err(vec![reading.whole(&text.len().to_string(), &expected)]);
    }
    let written: Written = match toml::from_str(text) {
        Ok(written) => written,
        Err(error) => {
            let line = error.span().map_or(0, |span| reading.line(span.start));
            let expected = unquoted(error.message());
            return Err(vec![Wrong { line, ..reading.whole("", &expected) }]);
        }
    };
    if written.principal.is_empty() {
        return Err(vec![reading.whole("", "at least one [[principal]]")]);
    }
    let listed = written.principal.iter().map(|one| reading.principal(one)).collect::<Vec<_>>();
    match reading.wrong.is_empty() {
        true => Ok(listed.into_iter().flatten().collect()),
        false => Err(reading.wrong),
    }
}

/// A message of the TOML reader without the values it quotes, which may be secrets.
fn unquoted(message: &str) -> String {
    let parts = message.split('"').enumerate();
    let kept: Vec<_> = parts.map(|(at, part)| if at % 2 == 0 { part } else { "…" }).collect();
    format!("a file of principals; {}", kept.join("\"").replace('\n', "; "))
}

struct Reading<'a> {
    text: &'a str,
    areas: &'a Areas,
    wrong: Vec<Wrong>,
    /// Names, ids and fingerprints with the lines they stand in.
    seen: HashMap<(&'static str, String), usize>,
}

impl Reading<'_> {
    fn line(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().iter().take(offset);
        1 + before.filter(|byte| **byte == b'\n').count()
    }

    fn whole(&self, value: &str, expected: &str) -> Wrong {
        let (field, value) = ("file".to_owned(), value.to_owned());
        Wrong { line: 0, field, value, expected: expected.to_owned() }
    }

    fn expected<T, R>(
        &mut self,
        at: &Spanned<T>,
        field: &str,
        value: &str,
        expected: &str,
    ) -> Option<R> {
        let line = self.line(at.span().start);
        let value = value.chars().take(60).collect();
        let (field, expected) = (field.to_owned(), expected.to_owned());
        self.wrong.push(Wrong { line, field, value, expected });
        None
    }

    /// Notes a thing that may be there once.
    fn once(&mut self, at: &Spanned<String>, field: &'static str, value: String) {
        let line = self.line(at.span().start);
        // Who made a run must not approve it under a name that only looks like another.
        let looks: String = skeleton(&value).collect();
        if let Some(first) = self.seen.insert((field, looks), line) {
            let expected = format!("each once; line {first} has it as well, or what looks like it");
            self.expected::<_, ()>(at, field, &value, &expected);
        }
    }

    fn principal(&mut self, written: &WrittenPrincipal) -> Option<Listed> {
        let name = self.name(&written.name);
        if written.grants.get_ref().is_empty() {
            self.expected::<_, ()>(&written.grants, "grants", "", "at least one, ROLE:AREA");
        }
        let grants: Vec<_> = written.grants.get_ref().iter().map(|one| self.grant(one)).collect();
        let tokens: Vec<_> = written.tokens.iter().map(|one| self.token(one)).collect();
        let certificates: Vec<_> =
            written.certificates.iter().map(|one| self.certificate(one)).collect();
        let expires = self.instant(&written.expires);
        let grants = grants.into_iter().collect::<Option<_>>()?;
        Some(Listed {
            principal: Arc::new(Principal { name: name?, grants }),
            tokens: tokens.into_iter().collect::<Option<_>>()?,
            certificates: certificates.into_iter().collect::<Option<_>>()?,
            expires,
        })
    }

    fn name(&mut self, written: &Spanned<String>) -> Option<String> {
        let name = written.get_ref();
        if RESERVED.contains(&name.as_str()) {
            return self.expected(written, "name", name, "a name that the program does not use");
        }
        if !is_name(name) {
            let expected = "1 to 100 bytes of letters, digits, inner spaces and .-_@";
            return self.expected(written, "name", name, expected);
        }
        self.once(written, "name", name.clone());
        Some(name.clone())
    }

    fn grant(&mut self, written: &Spanned<String>) -> Option<Grant> {
        let text = written.get_ref();
        match text.parse::<Grant>() {
            Ok(grant) if self.areas.get(grant.area).is_some() => Some(grant),
            Ok(_) => self.expected(written, "grants", text, "a listed area"),
            Err(_) => {
                let expected = "ROLE:AREA with recorder, maker, approver, reader, analyst, admin or \
                                auditor and six digits";
                self.expected(written, "grants", text, expected)
            }
        }
    }

    fn token(&mut self, written: &WrittenToken) -> Option<TokenHash> {
        let (id, hash) = (written.id.get_ref(), written.hash.get_ref());
        if !token::is_id(id) {
            let expected = "ten digits of 0-9 and a-f, as `principals add` writes them";
            return self.expected(&written.id, "tokens.id", "", expected);
        }
        self.once(&written.id, "tokens.id", id.clone());
        if !token::is_hash(hash) {
            let expected = "an argon2id hash in PHC format of at most 256 MiB and 16 passes";
            return self.expected(&written.hash, "tokens.hash", "", expected);
        }
        let expires = self.instant(&written.expires);
        Some(TokenHash { id: id.clone(), hash: hash.clone(), expires })
    }

    fn certificate(&mut self, written: &Spanned<String>) -> Option<[u8; 32]> {
        let plain = written.get_ref().replace(':', "").to_lowercase();
        let mut digest = [0; 32];
        if hex::decode_to_slice(&plain, &mut digest).is_err() {
            let expected = "a SHA-256 fingerprint of 64 hex digits, with or without colons";
            // It may be a token in the wrong place.
            return self.expected(written, "certificates", "", expected);
        }
        self.once(written, "certificates", plain);
        Some(digest)
    }

    fn instant(&mut self, written: &Option<Spanned<String>>) -> Option<DateTime<Utc>> {
        let written = written.as_ref()?;
        match DateTime::parse_from_rfc3339(written.get_ref()) {
            Ok(at) => Some(at.to_utc()),
            Err(_) => {
                let expected = "an instant such as \"2027-01-01T00:00:00+08:00\"";
                self.expected(written, "expires", written.get_ref(), expected)
            }
        }
    }
}

/// Whether a principal may have this name.
pub fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.trim() == name
        && name.chars().all(|one| one.is_alphanumeric() || " .-_@".contains(one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::area::{Area, Level};

    const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$\
                        dGhpc2lzYWhhc2hvZjMyYnl0ZXNleGFjdGx5ISEhISE";

    fn areas() -> Areas {
        let nation = Area {
            code: "000000".parse().unwrap(),
            name: "全国".into(),
            level: Level::Nation,
            parent: None,
        };
        Areas::new([nation], Vec::new()).unwrap()
    }

    fn wrong(text: &str) -> Vec<(usize, String)> {
        let wrong = parse(text, &areas()).unwrap_err();
        assert!(wrong.iter().all(|one| !one.to_string().contains("argon2id$")), "{wrong:?}");
        wrong.into_iter().map(|one| (one.line, one.field)).collect()
    }

    #[test]
    fn a_file_says_who_may_do_what() {
        let text = format!(
            "[[principal]]\nname = \"张三\"\ngrants = [\"maker:000000\"]\n\
             tokens = [{{ id = \"0123456789\", hash = \"{HASH}\" }}]\n\
             certificates = [\"{}\"]\nexpires = \"2027-01-01T00:00:00+08:00\"\n",
            "AB:".repeat(31) + "AB",
        );
        let listed = parse(&text, &areas()).unwrap();
        let [one] = &listed[..] else { panic!("{listed:?}") };
        assert_eq!(one.principal.name, "张三");
        assert_eq!(one.principal.grants, ["maker:000000".parse().unwrap()]);
        assert_eq!(one.tokens[0].id, "0123456789");
        assert_eq!(one.certificates, [[0xab; 32]]);
        assert_eq!(one.expires.unwrap().to_rfc3339(), "2026-12-31T16:00:00+00:00");
    }

    #[test]
    fn everything_wrong_is_told_with_its_line_and_field() {
        let text = "[[principal]]\nname = \"seed\"\ngrants = []\n\n[[principal]]\nname = \"a\u{200b}\"\n\
                    grants = [\"chief:000000\", \"maker:150100\", \"maker:000000\"]\n\
                    tokens = [{ id = \"x\", hash = \"y\" }, { id = \"0123456789\", hash = \"pl_y\" }]\n\
                    certificates = [\"ab\"]\nexpires = \"2027-01-01\"\n";
        let expected = [
            (2, "name"),
            (3, "grants"),
            (6, "name"),
            (7, "grants"),
            (7, "grants"),
            (8, "tokens.id"),
            (8, "tokens.hash"),
            (9, "certificates"),
            (10, "expires"),
        ];
        assert_eq!(wrong(text), expected.map(|(line, field)| (line, field.to_owned())));
    }

    #[test]
    fn names_ids_and_fingerprints_are_there_once() {
        let one = format!(
            "[[principal]]\nname = \"a\"\ngrants = [\"maker:000000\"]\n\
             tokens = [{{ id = \"0123456789\", hash = \"{HASH}\" }}]\ncertificates = [\"{}\"]\n",
            "ab".repeat(32)
        );
        let expected = [(7, "name"), (9, "tokens.id"), (10, "certificates")];
        assert_eq!(wrong(&one.repeat(2)), expected.map(|(line, field)| (line, field.to_owned())));
    }

    #[test]
    fn another_shape_is_told_with_its_line_and_without_what_it_holds() {
        for (text, line) in [
            ("", 0),
            ("[[principal]]\nname = \"a\"\n", 1),
            ("[[principal]]\nname = \"a\"\ngrants = [\"maker:000000\"]\nadmin = true\n", 4),
            ("[[principal]]\nname = \"a\"\ngrants = \"pl_secret\"\n", 3),
            ("[[principal]\n", 1),
        ] {
            let wrong = parse(text, &areas()).unwrap_err();
            assert_eq!(wrong[0].line, line, "{wrong:?}");
            assert!(!wrong[0].to_string().contains("pl_secret"), "{wrong:?}");
        }
    }
}

//! A reform: a change of the law that is not law, to see what would follow from it.
//!
//! **Invariant:** a reform is read and checked like any document, is addressed by its digest, and
//! never joins the law: [`Library::new`](super::library::Library::new) refuses it.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use super::{
    finding::{Finding, Severity},
    instrument::Instrument,
};

/// How the text of settings begins.
const HEAD: &str = "kind = \"reform\"\n";

/// A reform. Two are equal when their texts are.
#[derive(Debug, Clone)]
pub struct Reform(Arc<Instrument>);

impl Reform {
    /// Reads a reform from TOML, or from JSON with the same keys.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once; or that it is another kind of document.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Finding>> {
        let wrong = |en: String, zh: String| {
            let (file, clause) = (file.to_owned(), String::new());
            vec![Finding {
                severity: Severity::Error,
                code: "reform",
                file,
                line: 1,
                clause,
                en,
                zh,
            }]
        };
        let instrument = match text.trim_start().starts_with('{') {
            false => Instrument::parse(file, text)?,
            true => {
                let read: Result<toml::Table, _> = serde_json::from_str(text);
                let table = read.map_err(|error| {
                    wrong(format!("not JSON: {error}"), format!("不是有效的 JSON:{error}"))
                })?;
                let written = toml::to_string(&table).map_err(|error| {
                    wrong(format!("not a document: {error}"), format!("不是文件:{error}"))
                })?;
                Instrument::parse(file, &written)?
            }
        };
        match instrument.is_reform() {
            true => Ok(Self(Arc::new(instrument))),
            false => {
                let kind = instrument.head.kind.as_str();
                let en = format!("kind {kind:?}: expected \"reform\"");
                Err(wrong(en, format!("kind {kind:?}:应为 \"reform\"")))
            }
        }
    }

    /// The text of a reform that sets parameters by their paths, such as
    /// `trigger.conditions.cpi.threshold` to `3.0`, in every area and month.
    ///
    /// # Errors
    /// A path is no parameter, or does not take the value.
    pub fn written(settings: &[(String, String)]) -> Result<String, Vec<Finding>> {
        let mut lines = String::new();
        for (path, value) in settings {
            // A decimal stands in quotes, a number of months or a list does not.
            let (quoted, bare) = (format!("{path} = {value:?}\n"), format!("{path} = {value}\n"));
            let alone = |line: &str| Self::parse("set", &format!("{HEAD}{line}"));
            match alone(&quoted) {
                Ok(_) => lines.push_str(&quoted),
                Err(_) if alone(&bare).is_ok() => lines.push_str(&bare),
                Err(wrong) => return Err(wrong),
            }
        }
        let set: Vec<_> =
            settings.iter().map(|(path, value)| format!("{path} = {value}")).collect();
        let title = format!("{:?}", set.join(", "));
        let text =
            format!("{HEAD}title_zh = {title}\ntitle_en = {title}\nclause = \"set\"\n{lines}");
        Self::parse("set", &text).map(|_| text)
    }

    /// A reform that sets parameters; see [`Self::written`].
    ///
    /// # Errors
    /// As there.
    pub fn setting(settings: &[(String, String)]) -> Result<Self, Vec<Finding>> {
        Self::parse("set", &Self::written(settings)?)
    }

    /// The document.
    pub fn instrument(&self) -> &Arc<Instrument> {
        &self.0
    }

    /// SHA-256 of its text, in hex.
    pub fn digest(&self) -> &str {
        &self.0.head.digest
    }
}

impl PartialEq for Reform {
    fn eq(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}

impl Eq for Reform {}

impl Hash for Reform {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest().hash(state);
    }
}

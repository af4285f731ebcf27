//! The file of principals, changed without losing what else is written in it.

use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TomlError, Value};

use super::{
    principal::Grant,
    token::{self, NewToken},
};

/// Why a file is not changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It is no TOML.
    #[error("not a file of principals: {}", .0.message())]
    Toml(#[from] TomlError),
    /// It has another shape.
    #[error("principal: expected a list of tables, [[principal]]")]
    Shape,
    /// The principal is there already.
    #[error("principal {name:?}: expected a name that is not listed yet")]
    Listed {
        /// Its name.
        name: String,
    },
    /// Nobody has the name.
    #[error("principal {name:?}: expected one that is listed")]
    Unknown {
        /// The name.
        name: String,
    },
    /// Nobody has the token.
    #[error("token {id:?}: expected the id of one that is listed")]
    UnknownToken {
        /// The id.
        id: String,
    },
}

/// Adds a principal with a token or a certificate.
///
/// # Errors
/// See [`EditError`].
pub fn add(
    text: &str,
    name: &str,
    grants: &[Grant],
    token: Option<&NewToken>,
    certificates: &[String],
) -> Result<String, EditError> {
    let mut document: DocumentMut = text.parse()?;
    if position(&mut document, name)?.is_some() {
        return Err(EditError::Listed { name: name.to_owned() });
    }
    let mut principal = Table::new();
    principal.insert("name", name.into());
    let grants: Array = grants.iter().map(ToString::to_string).collect();
    principal.insert("grants", Item::Value(grants.into()));
    if let Some(token) = token {
        principal.insert("tokens", Item::Value(Array::from_iter([written(token)]).into()));
    }
    if !certificates.is_empty() {
        let certificates: Array = certificates.iter().map(String::as_str).collect();
        principal.insert("certificates", Item::Value(certificates.into()));
    }
    listed(&mut document)?.push(principal);
    Ok(document.to_string())
}

/// Adds a token to a principal; the others stay, or with `alone` are taken away.
///
/// # Errors
/// See [`EditError`].
pub fn rotate(text: &str, name: &str, token: &NewToken, alone: bool) -> Result<String, EditError> {
    let mut document: DocumentMut = text.parse()?;
    let unknown = || EditError::Unknown { name: name.to_owned() };
    let at = position(&mut document, name)?.ok_or_else(unknown)?;
    let principal = listed(&mut document)?.get_mut(at).ok_or_else(unknown)?;
    let tokens = principal.entry("tokens").or_insert_with(|| Item::Value(Array::new().into()));
    let tokens = tokens.as_array_mut().ok_or(EditError::Shape)?;
    if alone {
        tokens.clear();
    }
    tokens.push(written(token));
    Ok(document.to_string())
}

/// Takes a token away.
///
/// # Errors
/// See [`EditError`].
pub fn revoke(text: &str, id: &str) -> Result<String, EditError> {
    let mut document: DocumentMut = text.parse()?;
    let has_id = |value: &Value| {
        let table = value.as_inline_table();
        table.and_then(|table| table.get("id")).and_then(Value::as_str) == Some(id)
    };
    let mut taken = false;
    for principal in listed(&mut document)?.iter_mut() {
        if let Some(tokens) = principal.get_mut("tokens").and_then(Item::as_array_mut) {
            let before = tokens.len();
            tokens.retain(|value| !has_id(value));
            taken |= tokens.len() < before;
        }
    }
    // What is no id may be a token, which is not repeated.
    let shown = if token::is_id(id) { id } else { "" };
    let unknown = EditError::UnknownToken { id: shown.to_owned() };
    taken.then(|| document.to_string()).ok_or(unknown)
}

fn written(token: &NewToken) -> Value {
    let mut table = InlineTable::new();
    table.insert("id", token.id.as_str().into());
    table.insert("hash", token.hash.as_str().into());
    Value::InlineTable(table)
}

fn listed(document: &mut DocumentMut) -> Result<&mut ArrayOfTables, EditError> {
    let item = document.entry("principal");
    let item = item.or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    item.as_array_of_tables_mut().ok_or(EditError::Shape)
}

fn position(document: &mut DocumentMut, name: &str) -> Result<Option<usize>, EditError> {
    let named = |one: &Table| one.get("name").and_then(Item::as_str) == Some(name);
    Ok(listed(document)?.iter().position(named))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(id: &str) -> NewToken {
        NewToken { text: String::new(), id: id.into(), hash: format!("hash of {id}") }
    }

    #[test]
    fn what_is_written_beside_a_change_stays() {
        let grants: Vec<Grant> = vec!["maker:150100".parse().unwrap()];
        let text =
            "# the office\n[[principal]] # first\nname = \"li\"\ngrants = [\"reader:000000\"]\n";
        let added = add(text, "zhang", &grants, Some(&token("a")), &[]).unwrap();
        let expected = "\n[[principal]]\nname = \"zhang\"\ngrants = [\"maker:150100\"]\n\
                        tokens = [{ id = \"a\", hash = \"hash of a\" }]\n";
        assert_eq!(added, format!("{text}{expected}"));
        let both = rotate(&added, "zhang", &token("b"), false).unwrap();
        let (a, b) =
            ("{ id = \"a\", hash = \"hash of a\" }", "{ id = \"b\", hash = \"hash of b\" }");
        assert_eq!(both, added.replace(a, &format!("{a}, {b}")));
        assert_eq!(rotate(&both, "zhang", &token("b"), true).unwrap(), added.replace(a, b));
        assert_eq!(revoke(&both, "b").unwrap(), added);
        let first = rotate(text, "li", &token("a"), false).unwrap();
        assert_eq!(first, format!("{text}tokens = [{a}]\n"));
    }

    #[test]
    fn a_name_or_token_that_is_not_there_or_twice_is_told() {
        let grants: Vec<Grant> = vec!["maker:150100".parse().unwrap()];
        let text = add("", "zhang", &grants, Some(&token("a")), &[]).unwrap();
        let refused = |found: Result<String, EditError>| found.unwrap_err().to_string();
        assert!(refused(add(&text, "zhang", &grants, None, &[])).contains("not listed yet"));
        assert!(refused(rotate(&text, "li", &token("b"), false)).contains("\"li\""));
        assert!(refused(revoke(&text, "b")).contains("expected the id"));
        assert!(refused(revoke("principal = 3", "b")).contains("[[principal]]"));
        assert!(refused(revoke("principal =", "b")).contains("not a file"));
    }
}

//! Forms: read whole, bounded, and taken only from this page and whoever signed in.

use axum::{
    body::Bytes,
    extract::{Multipart, multipart::Field},
    http::StatusCode,
};

use crate::{
    access::{Caller, Role},
    grpc::v1,
};

use super::{refusal::Refusal, visit::Visit};

/// Largest form read, in bytes.
pub(super) const BYTES_MAX: usize = 64 * 1024;
/// Largest form with a table, in bytes; read only from who has signed in. Rosters are streamed and not
/// counted.
pub(super) const TABLE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A form as it was sent.
#[derive(Debug, Default)]
pub(super) struct Form {
    fields: Vec<(String, String)>,
    file: Bytes,
}

/// A form that cannot be read.
pub(super) fn unreadable(why: impl std::fmt::Display) -> Refusal {
    Refusal::new(
        StatusCode::BAD_REQUEST,
        format!("表单无法读取:{why}"),
        format!("the form cannot be read: {why}"),
    )
}

/// Longest field before a streamed file, in bytes.
const FIELD_BYTES_MAX: usize = 8 * 1024;

/// How a roster is written, by the ending of its file's name.
pub(super) fn format_of(field: &Field<'_>) -> v1::FileFormat {
    let name = field.file_name().unwrap_or_default().to_ascii_lowercase();
    match name.rsplit('.').next() {
        Some("parquet") => v1::FileFormat::Parquet,
        Some("xlsx") => v1::FileFormat::Xlsx,
        _ => v1::FileFormat::Csv,
    }
}

/// What browsers offer where a roster is asked for.
pub(super) const ROSTERS: &str = ".csv,.xlsx,.parquet";

/// A field before a streamed file, where no limit of the whole body holds.
pub(super) async fn short_text(mut field: Field<'_>) -> Result<String, Refusal> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(unreadable)? {
        if FIELD_BYTES_MAX < bytes.len() + piece.len() {
            return Err(unreadable(format!(
                "a field of at most {FIELD_BYTES_MAX} bytes was expected"
            )));
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes).map_err(|_| unreadable("UTF-8 was expected"))
}

impl Visit {
    /// Whether somebody has signed in.
    pub fn is_signed_in(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.name().is_some())
    }

    /// Whether whoever signed in may call an rpc somewhere, by the table of the services; which areas they
    /// decide.
    pub fn may_call(&self, rpc: &str) -> bool {
        self.is_signed_in() && self.may_ask(rpc)
    }

    /// Whether whoever signed in has one of the roles somewhere.
    pub fn has_role(&self, roles: &[Role]) -> bool {
        match self.session.as_ref().and_then(|session| session.caller.as_ref()) {
            Some(Caller::Known(principal)) => principal.has(roles),
            Some(Caller::Stated(_)) => true,
            Some(Caller::Public) | None => false,
        }
    }

    /// Refuses a form without this session's token. Compared by digest, so that how long it takes tells
    /// nothing about the token.
    pub fn genuine(&self, token: &str) -> Result<(), Refusal> {
        let session = self.session.as_ref().ok_or_else(Refusal::forged)?;
        let same = blake3::hash(session.token.as_bytes()) == blake3::hash(token.as_bytes());
        if same { Ok(()) } else { Err(Refusal::forged()) }
    }

    /// The same, from somebody who has signed in.
    pub fn permitted(&self, token: &str) -> Result<(), Refusal> {
        if !self.is_signed_in() {
            return Err(Refusal::sign_in());
        }
        self.genuine(token)
    }
}

impl Form {
    /// A form of fields alone, not yet checked.
    pub fn of(bytes: &[u8]) -> Self {
        let fields = form_urlencoded::parse(bytes);
        let fields = fields.map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
        Self { fields, file: Bytes::new() }
    }

    /// A form of fields alone, from somebody who has signed in.
    pub fn posted(visit: &Visit, bytes: &[u8]) -> Result<Self, Refusal> {
        let form = Self::of(bytes);
        visit.permitted(form.value("token"))?;
        Ok(form)
    }

    /// A form with a file, from somebody who has signed in.
    pub async fn read(visit: &Visit, mut body: Multipart) -> Result<Self, Refusal> {
        let mut form = Self::default();
        while let Some(field) = body.next_field().await.map_err(unreadable)? {
            let name = field.name().unwrap_or_default().to_owned();
            if name == "file" {
                form.file = field.bytes().await.map_err(unreadable)?;
            } else {
                form.fields.push((name, field.text().await.map_err(unreadable)?));
            }
        }
        visit.permitted(form.value("token"))?;
        Ok(form)
    }

    /// A field's value; empty when it is not there.
    pub fn value(&self, name: &str) -> &str {
        self.fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Every field.
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// The file.
    pub fn file(&self) -> &[u8] {
        &self.file
    }
}

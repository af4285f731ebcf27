//! From errors to gRPC statuses. The only place that does it.
//!
//! **Invariant:** a status stays under 4 KiB, carries a stable reason, and tells nothing internal.

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::{
    engine::{question::QuestionError, timeline::TimelineError},
    service::{ServiceError, diff::DiffError, writer::SubmitError},
};

use super::read::BadField;

/// The domain of every `ErrorInfo`.
pub const DOMAIN: &str = "pricelinkage";
/// Most field violations in one status.
const VIOLATIONS_MAX: usize = 20;

/// A status with a stable reason; `message` is English and short.
pub fn refused(code: Code, reason: &str, message: impl Into<String>) -> Status {
    let message: String = message.into().chars().take(300).collect();
    let details = ErrorDetails::with_error_info(reason, DOMAIN, [] as [(String, String); 0]);
    Status::with_error_details(code, message, details)
}

/// INVALID_ARGUMENT with the fields.
pub(super) fn bad_fields(fields: &[BadField]) -> Status {
    let shown = fields.iter().take(VIOLATIONS_MAX);
    let violation = |bad: &BadField| {
        let what = format!("{:?}: expected {}", bad.value, bad.expected);
        FieldViolation::new(bad.field.clone(), what)
    };
    let mut details = ErrorDetails::with_bad_request(shown.map(violation).collect::<Vec<_>>());
    details.set_error_info("BAD_FIELD", DOMAIN, [] as [(String, String); 0]);
    let first = fields.first().map_or_else(String::new, |bad| {
        format!("{} {:?}: expected {}", bad.field, bad.value, bad.expected)
    });
    let more = fields.len().saturating_sub(1);
    let message = if more == 0 { first } else { format!("{first} and {more} more") };
    Status::with_error_details(Code::InvalidArgument, message, details)
}

impl From<BadField> for Status {
    fn from(bad: BadField) -> Self {
        bad_fields(&[bad])
    }
}

fn not_found(reason: &str, kind: &str, name: &str, error: &dyn ToString) -> Status {
    let message: String = error.to_string().chars().take(300).collect();
    let mut details = ErrorDetails::with_resource_info(kind, name, "", "");
    details.set_error_info(reason, DOMAIN, [] as [(String, String); 0]);
    Status::with_error_details(Code::NotFound, message, details)
}

/// A figure that nobody recorded.
pub(super) fn figure_not_recorded(name: &str) -> Status {
    let error = format!("figure {name}: not recorded");
    not_found("FIGURE_NOT_RECORDED", "figure", name, &error)
}

fn again(reason: &str, message: &str) -> Status {
    let delay = Some(std::time::Duration::from_secs(1));
    let mut details = ErrorDetails::with_retry_info(delay);
    details.set_error_info(reason, DOMAIN, [] as [(String, String); 0]);
    Status::with_error_details(Code::Unavailable, message, details)
}

/// The status of a question that has no answer.
pub(super) fn of_timeline(error: &TimelineError) -> Status {
    match error {
        TimelineError::Question(QuestionError::UnknownArea { area }) => {
            not_found("AREA_UNKNOWN", "area", &area.to_string(), error)
        }
        TimelineError::Question(QuestionError::UnknownDocument(unknown)) => {
            not_found("DOCUMENT_UNKNOWN", "instrument", &unknown.id, error)
        }
        TimelineError::Range(_) => {
            refused(Code::FailedPrecondition, "OUT_OF_RANGE", error.to_string())
        }
    }
}

/// The status of a document that cannot be compared.
pub(super) fn of_diff(error: &DiffError) -> Status {
    match error {
        DiffError::Unknown(unknown) => {
            not_found("DOCUMENT_UNKNOWN", "instrument", &unknown.id, error)
        }
        DiffError::Refused(_) => {
            refused(Code::InvalidArgument, "DOCUMENT_REFUSED", error.to_string())
        }
    }
}

/// The status of anything the service refuses.
pub(super) fn of_service(error: &ServiceError) -> Status {
    match error {
        ServiceError::Timeline(error) => of_timeline(error),
        ServiceError::Submit(SubmitError::RequestIdReused { .. }) => {
            refused(Code::InvalidArgument, "REQUEST_ID_REUSED", error.to_string())
        }
        ServiceError::Submit(SubmitError::Busy { .. }) => again("BUSY", &error.to_string()),
        ServiceError::Submit(SubmitError::Stopped) => again("STOPPING", &error.to_string()),
        ServiceError::Submit(SubmitError::Unwritable { .. }) | ServiceError::Store(_) => {
            tracing::error!(%error, "the store failed");
            let message = "nothing can be recorded; see the log and `price-linkage verify`";
            refused(Code::DataLoss, "STORE_BROKEN", message)
        }
        ServiceError::Submit(SubmitError::Refused(_) | SubmitError::Broken { .. })
        | ServiceError::Thread(_) => internal(error),
        ServiceError::Data(_) => internal(error),
    }
}

/// INTERNAL with a request id; the rest is in the log.
pub(super) fn internal(error: &dyn std::fmt::Display) -> Status {
    let id = uuid::Uuid::now_v7();
    tracing::error!(%id, %error, "internal error");
    refused(Code::Internal, "INTERNAL", format!("internal error {id}; see the log"))
}

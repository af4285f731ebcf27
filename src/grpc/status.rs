//! From errors to gRPC statuses. The only place that does it.
//!
//! **Invariant:** a status stays under 4 KiB, carries a stable reason, and tells nothing internal.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::{
    domain::life::MoveError,
    engine::{draft::BudgetError, question::QuestionError, timeline::TimelineError},
    roster::RosterError,
    service::{
        ServiceError, diff::DiffError, roster::RosterRefused, run::RunRefused, writer::SubmitError,
    },
    sheets::SheetError,
    store::runs::RunError,
};

use super::read::BadField;

/// The domain of every `ErrorInfo`.
pub const DOMAIN: &str = "pricelinkage";
/// Most field violations in one status.
const VIOLATIONS_MAX: usize = 20;
/// Most bytes of a message. It is sent twice, and once with three bytes for each that is not ASCII.
const MESSAGE_BYTES_MAX: usize = 300;
/// Most bytes of all field violations together.
const VIOLATIONS_BYTES_MAX: usize = 1_200;
/// Most bytes of a name.
const NAME_BYTES_MAX: usize = 120;

/// As much of the text as fits.
fn cut(text: &str, bytes_max: usize) -> &str {
    let ends = text.char_indices().map(|(at, character)| at + character.len_utf8());
    &text[..ends.take_while(|end| *end <= bytes_max).last().unwrap_or(0)]
}

/// A status with a stable reason; `message` is English and short.
pub fn refused(code: Code, reason: &str, message: impl Into<String>) -> Status {
    let message: String = message.into();
    let message = cut(&message, MESSAGE_BYTES_MAX);
    let details = ErrorDetails::with_error_info(reason, DOMAIN, [] as [(String, String); 0]);
    Status::with_error_details(code, message, details)
}

/// INVALID_ARGUMENT with the fields.
pub(super) fn bad_fields(fields: &[BadField]) -> Status {
    let mut room = VIOLATIONS_BYTES_MAX;
    let mut violations = Vec::new();
    for bad in fields.iter().take(VIOLATIONS_MAX) {
        let what = format!("{:?}: expected {}", bad.value, bad.expected);
        let Some(left) = room.checked_sub(bad.field.len() + what.len()) else { break };
        room = left;
        violations.push(FieldViolation::new(bad.field.clone(), what));
    }
    let mut details = ErrorDetails::with_bad_request(violations);
    details.set_error_info("BAD_FIELD", DOMAIN, [] as [(String, String); 0]);
    let first = fields.first().map_or_else(String::new, |bad| {
        format!("{} {:?}: expected {}", bad.field, bad.value, bad.expected)
    });
    let first = cut(&first, MESSAGE_BYTES_MAX);
    let message = match fields.len() {
        0 | 1 => first.to_owned(),
        all => format!("{first} and {} more", all - 1),
    };
    Status::with_error_details(Code::InvalidArgument, message, details)
}

impl From<BadField> for Status {
    fn from(bad: BadField) -> Self {
        bad_fields(&[bad])
    }
}

fn not_found(reason: &str, kind: &str, name: &str, error: &dyn ToString) -> Status {
    let message = error.to_string();
    let message = cut(&message, MESSAGE_BYTES_MAX);
    let name = cut(name, NAME_BYTES_MAX);
    let mut details = ErrorDetails::with_resource_info(kind, name, "", "");
    details.set_error_info(reason, DOMAIN, [] as [(String, String); 0]);
    Status::with_error_details(Code::NotFound, message, details)
}

/// A figure that nobody recorded.
pub(super) fn figure_not_recorded(name: &str) -> Status {
    let error = format!("figure {name}: not recorded");
    not_found("FIGURE_NOT_RECORDED", "figure", name, &error)
}

/// A status that says when to try again.
pub(super) fn later(code: Code, reason: &str, message: &str, delay: Duration) -> Status {
    let mut details = ErrorDetails::with_retry_info(Some(delay));
    details.set_error_info(reason, DOMAIN, [] as [(String, String); 0]);
    Status::with_error_details(code, message, details)
}

fn again(reason: &str, message: &str) -> Status {
    later(Code::Unavailable, reason, message, Duration::from_secs(1))
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

/// What ends a stream that would not end by itself.
pub(super) fn stops() -> Status {
    again("STOPPING", "the service is stopping; ask again")
}

/// What a follower answers while what it has may be too old.
pub(super) fn stale(why: &str) -> Status {
    later(Code::Unavailable, "STALE", why, Duration::from_secs(1))
}

/// The status of anything the service refuses.
pub(super) fn of_service(error: &ServiceError) -> Status {
    match error {
        ServiceError::Timeline(error) => of_timeline(error),
        ServiceError::Submit(SubmitError::RequestIdReused { .. }) => {
            refused(Code::InvalidArgument, "REQUEST_ID_REUSED", error.to_string())
        }
        ServiceError::Submit(SubmitError::Busy { .. }) => again("BUSY", &error.to_string()),
        ServiceError::Submit(SubmitError::Follows { .. }) => {
            refused(Code::FailedPrecondition, "FOLLOWS", error.to_string())
        }
        ServiceError::Submit(SubmitError::Stopped) => again("STOPPING", &error.to_string()),
        ServiceError::Submit(SubmitError::Unwritable { .. }) | ServiceError::Store(_) => {
            tracing::error!(%error, "the store failed");
            let message = "nothing can be recorded; see the log and `price-linkage verify`";
            refused(Code::DataLoss, "STORE_BROKEN", message)
        }
        ServiceError::Submit(SubmitError::Refused(why)) => match why.downcast_ref() {
            Some(why) => of_run(why),
            None => internal(error),
        },
        ServiceError::Reform(_) => {
            refused(Code::InvalidArgument, "REFORM_REFUSED", error.to_string())
        }
        ServiceError::NoNotice(_) => {
            refused(Code::FailedPrecondition, "NO_NOTICE", error.to_string())
        }
        ServiceError::Sheet(SheetError::Range(_) | SheetError::Digits { .. }) => {
            refused(Code::FailedPrecondition, "OUT_OF_RANGE", error.to_string())
        }
        ServiceError::Sheet(_) => internal(error),
        ServiceError::NoStore => refused(Code::FailedPrecondition, "NO_STORE", error.to_string()),
        ServiceError::Submit(SubmitError::Broken { .. } | SubmitError::Discontinued { .. })
        | ServiceError::Thread(_)
        | ServiceError::Follower { .. }
        | ServiceError::FollowsNobody
        | ServiceError::Mark(_)
        | ServiceError::Journal(_) => internal(error),
        ServiceError::Data(_) => internal(error),
    }
}

/// The status of a run that was not made or moved.
fn of_run(why: &RunRefused) -> Status {
    let precondition = |reason| refused(Code::FailedPrecondition, reason, why.to_string());
    match why {
        RunRefused::Budget(BudgetError::Timeline(error)) => of_timeline(error),
        // The rows go back in the response; here only when there was no room for them.
        RunRefused::Budget(BudgetError::Refused(_)) => precondition("RUN_REFUSED"),
        RunRefused::Budget(BudgetError::Hypothetical) => precondition("HYPOTHETICAL"),
        RunRefused::Empty { .. } => precondition("RUN_EMPTY"),
        RunRefused::Stale { .. } => precondition("RUN_STALE"),
        RunRefused::NothingToAdjust { .. } => precondition("RUN_NOTHING_TO_ADJUST"),
        RunRefused::Run(RunError::NotAdjustable { .. }) => precondition("RUN_NOT_ADJUSTABLE"),
        RunRefused::Run(RunError::Counted { .. }) => precondition("RUN_COUNTED"),
        RunRefused::Run(RunError::Unknown { run }) => not_found("RUN_UNKNOWN", "run", run, why),
        RunRefused::Run(RunError::Held { holder, .. }) => {
            let message = why.to_string();
            let holder = cut(holder, NAME_BYTES_MAX);
            let mut details = ErrorDetails::with_resource_info("run", holder, "", "");
            details.set_error_info("RUN_EXISTS", DOMAIN, [] as [(String, String); 0]);
            let message = cut(&message, MESSAGE_BYTES_MAX);
            Status::with_error_details(Code::AlreadyExists, message, details)
        }
        RunRefused::Run(RunError::Move(error)) => precondition(match error {
            MoveError::State { .. } => "RUN_STATE",
            MoveError::OwnRun { .. } => "RUN_OWN",
            MoveError::Approved { .. } => "RUN_APPROVED_BEFORE",
            MoveError::Blocked { .. } => "RUN_BLOCKED",
            MoveError::NoReason { .. } => "RUN_NEEDS_REASON",
            MoveError::Unsettled { .. } => "RUN_UNSETTLED",
        }),
        RunRefused::Run(RunError::Id { .. } | RunError::After { .. }) => internal(why),
    }
}

/// The status of a roster that was refused.
pub(super) fn of_roster(error: &RosterRefused) -> Status {
    let say = |code, reason| refused(code, reason, error.to_string());
    match error {
        RosterRefused::Roster(RosterError::Io { .. }) => internal(error),
        RosterRefused::Roster(RosterError::Cancelled) => say(Code::Cancelled, "CANCELLED"),
        RosterRefused::Roster(_) => say(Code::InvalidArgument, "BAD_ROSTER"),
        RosterRefused::Run(refusal) => of_run(refusal),
        RosterRefused::Service(error) => of_service(error),
        RosterRefused::Outside { .. } => say(Code::PermissionDenied, "NOT_YOURS"),
        RosterRefused::NoKey | RosterRefused::OtherKey { .. } => {
            say(Code::FailedPrecondition, "NO_PERSON_KEY")
        }
        RosterRefused::NoStore => say(Code::FailedPrecondition, "NO_STORE"),
        RosterRefused::Claims { .. } => say(Code::DataLoss, "CLAIMS_DAMAGED"),
        RosterRefused::Overtaken { .. } => say(Code::Aborted, "OVERTAKEN"),
        RosterRefused::NoRoster { run } => not_found("RUN_UNKNOWN", "run", run, &error.to_string()),
        RosterRefused::NotReleased { .. } | RosterRefused::NotApproved { .. } => {
            say(Code::FailedPrecondition, "RUN_STATE")
        }
        RosterRefused::Persons { .. } => say(Code::InvalidArgument, "BAD_PERSONS"),
        RosterRefused::Settlement(_) => say(Code::InvalidArgument, "BAD_SETTLEMENT"),
        RosterRefused::OtherRoster { .. } => say(Code::FailedPrecondition, "OTHER_ROSTER"),
    }
}

/// INTERNAL with a request id; the rest is in the log.
pub(super) fn internal(error: &dyn std::fmt::Display) -> Status {
    let id = uuid::Uuid::now_v7();
    tracing::error!(%id, %error, "internal error");
    refused(Code::Internal, "INTERNAL", format!("internal error {id}; see the log"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            exact::RangeError,
            group::Residence,
            life::{Move, RunState},
            run::{Claim, RunKind},
        },
        engine::{draft::Refusal, reason::Text},
        rules::library::UnknownDocument,
        service::sheet::NoNotice,
    };

    fn reason(status: &Status) -> (Code, String) {
        let sent = status.clone().into_http::<()>();
        let sent: usize = sent.headers().values().map(|value| value.len()).sum();
        assert!(sent < 4096, "{sent} bytes: {status}");
        let details = status.get_error_details();
        (status.code(), details.error_info().map(|info| info.reason.clone()).unwrap_or_default())
    }

    #[test]
    fn every_refusal_of_the_service_has_its_code_and_reason() {
        let long = || "数".repeat(4_000);
        let (request_id, why) = (long(), long());
        let reused = SubmitError::RequestIdReused { request_id, first_sequence: 1 };
        let broken = SubmitError::Broken { request_id: "r".into(), why: why.clone() };
        let unknown = UnknownDocument { id: long() };
        let text = Text::new(long(), long());
        let refusal = Refusal { row: 0, code: "NOT_COVERED", text };
        let range = RangeError { operation: "×", left: long(), right: long() };
        let (run, by, made) = (long(), long(), Move::Approve);
        let moves = [
            (
                MoveError::State {
                    run: run.clone(),
                    state: RunState::Draft,
                    made,
                    expected: "submitted",
                },
                "RUN_STATE",
            ),
            (MoveError::OwnRun { run: run.clone(), by: by.clone() }, "RUN_OWN"),
            (MoveError::Approved { run: run.clone(), by }, "RUN_APPROVED_BEFORE"),
            (MoveError::Blocked { run: run.clone() }, "RUN_BLOCKED"),
            (MoveError::NoReason { run: run.clone(), made }, "RUN_NEEDS_REASON"),
        ];
        for (error, name) in moves {
            let refused = RunRefused::Run(error.into());
            let error: ServiceError = SubmitError::Refused(refused.into()).into();
            let expected = (Code::FailedPrecondition, name.to_owned());
            assert_eq!(reason(&of_service(&error)), expected, "{error}");
        }
        let (area, month) = ("990100".parse().unwrap(), "2020-03".parse().unwrap());
        let (group, residence) = ("special_care".parse().unwrap(), Residence::Urban);
        let kind = RunKind::Budget;
        let claim = Claim { kind, area, month, group, residence };
        let held = RunError::Held { claim, holder: long() };
        let stale = RunRefused::Stale { run: long(), lines: 1 };
        let unknown_run = RunError::Unknown { run };
        let run = |why: RunRefused| ServiceError::from(SubmitError::Refused(why.into()));
        let nothing = RunRefused::NothingToAdjust { run: long(), overpaid: 1 };
        let not_adjustable = RunError::NotAdjustable { run: long(), why: long() };
        let counted = RunError::Counted { run: long(), by: long() };
        let none = NoNotice { area: "990100".parse().unwrap(), month, why: long() };
        let wide = SheetError::Digits { yuan: rust_decimal::Decimal::MAX };
        let cases: [(ServiceError, Code, &str); 20] = [
            (run(nothing), Code::FailedPrecondition, "RUN_NOTHING_TO_ADJUST"),
            (run(not_adjustable.into()), Code::FailedPrecondition, "RUN_NOT_ADJUSTABLE"),
            (run(counted.into()), Code::FailedPrecondition, "RUN_COUNTED"),
            (none.into(), Code::FailedPrecondition, "NO_NOTICE"),
            (wide.into(), Code::FailedPrecondition, "OUT_OF_RANGE"),
            (SheetError::Docx(long()).into(), Code::Internal, "INTERNAL"),
            (run(stale), Code::FailedPrecondition, "RUN_STALE"),
            (run(held.into()), Code::AlreadyExists, "RUN_EXISTS"),
            (run(unknown_run.into()), Code::NotFound, "RUN_UNKNOWN"),
            (run(RunRefused::Empty { why: long() }), Code::FailedPrecondition, "RUN_EMPTY"),
            (
                run(BudgetError::Refused(vec![refusal]).into()),
                Code::FailedPrecondition,
                "RUN_REFUSED",
            ),
            (reused.into(), Code::InvalidArgument, "REQUEST_ID_REUSED"),
            (SubmitError::Busy { waiting: 1 }.into(), Code::Unavailable, "BUSY"),
            (SubmitError::Stopped.into(), Code::Unavailable, "STOPPING"),
            (SubmitError::Unwritable { why }.into(), Code::DataLoss, "STORE_BROKEN"),
            (broken.into(), Code::Internal, "INTERNAL"),
            (SubmitError::Refused("no".into()).into(), Code::Internal, "INTERNAL"),
            (
                QuestionError::UnknownArea { area: "999999".parse().unwrap() }.into(),
                Code::NotFound,
                "AREA_UNKNOWN",
            ),
            (QuestionError::from(unknown).into(), Code::NotFound, "DOCUMENT_UNKNOWN"),
            (TimelineError::from(range).into(), Code::FailedPrecondition, "OUT_OF_RANGE"),
        ];
        for (error, code, name) in cases {
            assert_eq!(reason(&of_service(&error)), (code, name.to_owned()), "{error}");
        }
    }

    #[test]
    fn what_went_wrong_inside_is_not_told() {
        let status = internal(&"/secret/path");
        assert!(!status.message().contains("secret"));
        assert_eq!(reason(&status), (Code::Internal, "INTERNAL".to_owned()));
    }

    #[test]
    fn many_bad_fields_stay_within_the_budget() {
        let field = BadField::new("figures[0].value", "数".repeat(60), "a decimal such as 3.5");
        let (code, name) = reason(&bad_fields(&vec![field; 100]));
        assert_eq!((code, name.as_str()), (Code::InvalidArgument, "BAD_FIELD"));
    }
}

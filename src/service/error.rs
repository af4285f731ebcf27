//! Why the service did not do what was asked.

use crate::{
    engine::{question::QuestionError, timeline::TimelineError},
    intake::folder::DataError,
    journal::JournalError,
    rules::finding::Finding,
    sheets::SheetError,
    store::StoreError,
};

use super::{sheet::NoNotice, writer::SubmitError};

/// Why the service did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The question is about something unknown, or out of range.
    #[error(transparent)]
    Timeline(#[from] TimelineError),
    /// It was not recorded.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A reform does not fit.
    #[error("the reform: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Reform(Vec<Finding>),
    /// A month has no notice.
    #[error(transparent)]
    NoNotice(#[from] NoNotice),
    /// A paper cannot be put together.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(JournalError),
    /// What is asked for is only there when things are kept.
    #[error("nothing is kept on disk: expected a service over a store")]
    NoStore,
    /// The store follows another service, and whoever records there would begin another journal.
    #[error(
        "this store follows {leader}: expected `serve --follow`, or first `price-linkage promote` once the \
         leader is gone for good"
    )]
    Follower {
        /// Whom it follows.
        leader: String,
    },
    /// The store follows nobody.
    #[error("this store follows nobody")]
    FollowsNobody,
    /// The mark of a follower cannot be written or removed.
    #[error("the mark of a follower: {0}")]
    Mark(std::io::Error),
    /// The system gives no thread.
    #[error("start the writer: {0}")]
    Thread(#[from] std::io::Error),
}

impl From<QuestionError> for ServiceError {
    fn from(error: QuestionError) -> Self {
        Self::Timeline(error.into())
    }
}

//! Following another service: its journal, read as it grows, becomes this one's.
//!
//! **Invariant:** an entry is taken over only after the file it names is here whole; what does not continue
//! the journal ends the following for good, what breaks the connection only until the next try.

use std::{future::Future, io::Write, sync::Arc, time::Duration};

use sha2::{Digest, Sha256};
use tonic::Code;
use tonic_types::StatusExt;

use crate::{
    client::{Transport, journal},
    grpc::v1,
    journal::entry::{Entry, LINE_BYTES_MAX},
    service::{Service, ServiceError, command::SubmitError},
};

/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Why a leader was not followed any further.
#[derive(Debug, thiserror::Error)]
enum Broken {
    /// It is worth another try.
    #[error("{0}")]
    Lost(String),
    /// It is not.
    #[error("{0}")]
    Foreign(String),
}

impl From<tonic::Status> for Broken {
    fn from(status: tonic::Status) -> Self {
        let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
        let why = format!("{reason} {}", status.message());
        match (status.code(), reason.as_str()) {
            (Code::FailedPrecondition, "OTHER_JOURNAL") => Self::Foreign(why),
            _ => Self::Lost(why),
        }
    }
}

impl From<ServiceError> for Broken {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Submit(SubmitError::Discontinued { .. }) => {
                Self::Foreign(error.to_string())
            }
            // What is written is known only when the service is started again.
            ServiceError::Submit(SubmitError::Unwritable { .. }) => {
                Self::Foreign(error.to_string())
            }
            _ => Self::Lost(error.to_string()),
        }
    }
}

/// Follows until `stop` resolves, or what the leader sends cannot be taken over.
pub async fn follow<F>(
    service: Arc<Service>,
    connect: impl Fn() -> F,
    stop: impl Future<Output = ()>,
) where
    F: Future<Output = anyhow::Result<Transport>>,
{
    let following = async {
        loop {
            let followed = match connect().await {
                Ok(transport) => take_over(&service, &transport).await,
                Err(error) => Err(Broken::Lost(format!("{error:#}"))),
            };
            match followed {
                Err(Broken::Foreign(why)) => {
                    if let Some(following) = service.following() {
                        following.fail(why);
                    }
                    return;
                }
                Err(Broken::Lost(why)) => tracing::warn!(why, "the leader is not heard"),
                Ok(()) => tracing::warn!("the leader has ended its journal"),
            }
            tokio::time::sleep(AGAIN).await;
        }
    };
    tokio::select! {
        () = following => {}
        () = stop => {}
    }
}

/// Takes over what the leader sends until the connection ends.
async fn take_over(service: &Arc<Service>, transport: &Transport) -> Result<(), Broken> {
    let head = service.writer.snapshot().head().clone();
    let digest = if head.sequence == 0 { String::new() } else { head.digest };
    let request = v1::FollowJournalRequest { after: head.sequence, digest };
    let mut messages = journal(transport).follow_journal(request).await?.into_inner();
    let mut pending = Vec::new();
    while let Some(message) = messages.message().await? {
        pending.extend_from_slice(&message.piece);
        let entries = whole_lines(&mut pending)?;
        for entry in &entries {
            if let Some(digest) = service.lacks(entry)? {
                fetch(service, transport, &digest).await?;
            }
        }
        if !entries.is_empty() {
            service.take_over(entries).await?;
        }
        service.heard(message.head);
        if let Some(fault) = service.followed().and_then(|followed| followed.unfit)
            && service.writer.snapshot().sequence() == message.head
        {
            return Err(Broken::Foreign(fault));
        }
    }
    Ok(())
}

/// The entries of the lines that are whole; the rest stays.
fn whole_lines(pending: &mut Vec<u8>) -> Result<Vec<Entry>, Broken> {
    let whole = pending.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let rest = pending.split_off(whole);
    let lines = std::mem::replace(pending, rest);
    if LINE_BYTES_MAX < pending.len() {
        return Err(Broken::Foreign(format!("a line is longer than {LINE_BYTES_MAX} bytes")));
    }
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let read = |line: &[u8]| Entry::read(line).map_err(|error| Broken::Foreign(error.to_string()));
    lines.map(read).collect()
}

/// Fetches a file that an entry names.
async fn fetch(service: &Service, transport: &Transport, digest: &str) -> Result<(), Broken> {
    let lost = |error: std::io::Error| Broken::Lost(error.to_string());
    let request = v1::ReadKeptFileRequest { sha256: digest.to_owned() };
    let mut pieces = journal(transport).read_kept_file(request).await?.into_inner();
    let nameless = service.begin_file()?;
    let mut file = nameless.handle().map_err(lost)?;
    let mut hasher = Sha256::new();
    while let Some(message) = pieces.message().await? {
        hasher.update(&message.piece);
        file.write_all(&message.piece).map_err(lost)?;
    }
    file.sync_all().map_err(lost)?;
    if hex::encode(hasher.finalize()) != digest {
        return Err(Broken::Lost(format!("the file {digest} came damaged")));
    }
    Ok(service.name_file(nameless, digest)?)
}

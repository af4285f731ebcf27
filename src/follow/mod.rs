//! Following another service: its journal, read as it grows, becomes this one's.
//!
//! **Invariant:** an entry is taken over only after the file it names is here whole; what does not continue
//! the journal ends the following for good, what breaks the connection only until the next try.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};
use tokio::{fs::File, io::AsyncWriteExt};
use tonic::Code;
use tonic_types::StatusExt;

use crate::{
    client::{Transport, journal},
    grpc::v1,
    journal::entry::{Entry, LINE_BYTES_MAX},
    service::{Service, ServiceError, command::SubmitError, following::Following},
};

/// How long after a failure it is tried again: at first, and at most.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How long the leader may say nothing, though it tells of its head every second.
const SILENT: Duration = Duration::from_secs(10);

/// Waits for the leader only so long.
async fn heard<T, E>(answer: impl Future<Output = Result<T, E>>) -> Result<T, Broken>
where
    Broken: From<E>,
{
    match tokio::time::timeout(SILENT, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Broken::Lost(format!("nothing was heard for {} s", SILENT.as_secs()))),
    }
}

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
    let Some(state) = service.following() else { return };
    let following = async {
        let mut again = AGAIN.0;
        loop {
            let before = service.writer.snapshot().sequence();
            let followed = match heard(async { connect().await.map_err(lost) }).await {
                Ok(transport) => take_over(&service, &transport).await,
                Err(broken) => Err(broken),
            };
            match followed {
                Err(Broken::Foreign(why)) => return state.fail(why),
                Err(Broken::Lost(why)) => state.lose(why),
                Ok(()) => state.lose("the leader has ended its journal"),
            }
            // What fails again and again at the same entry is not asked for all the time.
            let is_stuck = before == service.writer.snapshot().sequence();
            again = if is_stuck { AGAIN.1.min(again * 2) } else { AGAIN.0 };
            tokio::time::sleep(if is_stuck { again / 2 } else { again }).await;
        }
    };
    tokio::select! {
        () = following => {}
        () = stop => {}
    }
}

fn lost(why: impl std::fmt::Display) -> Broken {
    Broken::Lost(why.to_string())
}

/// When messages were sent, by the clock of whoever receives them: as long after the first came as the leader
/// says, since a message that had to wait is older than it looks.
struct Sent {
    begun: Instant,
    /// The least that a message took, as far as it is known.
    took: Option<Duration>,
}

impl Sent {
    fn at(&mut self, sent_ms: u64, received: Instant) -> Instant {
        let sent = Duration::from_millis(sent_ms);
        let took = received.duration_since(self.begun).saturating_sub(sent);
        let least = self.took.map_or(took, |known| known.min(took));
        self.took = Some(least);
        received.min(self.begun + sent + least)
    }
}

/// Takes over what the leader sends until the connection ends.
async fn take_over(service: &Arc<Service>, transport: &Transport) -> Result<(), Broken> {
    let head = service.writer.snapshot().head().clone();
    let digest = if head.sequence == 0 { String::new() } else { head.digest };
    let request = v1::FollowJournalRequest { after: head.sequence, digest };
    let mut sent = Sent { begun: Instant::now(), took: None };
    let mut messages = heard(journal(transport).follow_journal(request)).await?.into_inner();
    let mut pending = Vec::new();
    while let Some(message) = heard(messages.message()).await? {
        let at = sent.at(message.sent_ms, Instant::now());
        pending.extend_from_slice(&message.piece);
        let entries = whole_lines(&mut pending)?;
        for entry in &entries {
            let (asked, looked_at) = (service.clone(), entry.clone());
            let lacking = move || asked.lacks(&looked_at);
            if let Some(digest) = tokio::task::spawn_blocking(lacking).await.map_err(lost)?? {
                fetch(service, transport, &digest).await?;
            }
        }
        if !entries.is_empty() {
            service.take_over(entries).await?;
        }
        service.heard(message.head, at);
        if let Some(fault) = service.following().and_then(Following::fault) {
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
async fn fetch(service: &Arc<Service>, transport: &Transport, digest: &str) -> Result<(), Broken> {
    let request = v1::ReadKeptFileRequest { sha256: digest.to_owned() };
    let mut pieces = heard(journal(transport).read_kept_file(request)).await?.into_inner();
    let nameless = service.begin_file()?;
    let mut file = File::from_std(nameless.handle().map_err(lost)?);
    let mut hasher = Sha256::new();
    while let Some(message) = heard(pieces.message()).await? {
        hasher.update(&message.piece);
        file.write_all(&message.piece).await.map_err(lost)?;
    }
    file.flush().await.map_err(lost)?;
    file.sync_all().await.map_err(lost)?;
    if hex::encode(hasher.finalize()) != digest {
        return Err(Broken::Lost(format!("the file {digest} came damaged")));
    }
    let (service, digest) = (service.clone(), digest.to_owned());
    let name = move || service.name_file(nameless, &digest);
    Ok(tokio::task::spawn_blocking(name).await.map_err(lost)??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_waited_is_as_old_as_when_it_was_sent() {
        let begun = Instant::now();
        let mut sent = Sent { begun, took: None };
        let after = |ms| begun + Duration::from_millis(ms);
        // The first takes 30 ms, and so may all others.
        assert_eq!(sent.at(0, after(30)), after(30));
        assert_eq!(sent.at(1_000, after(1_030)), after(1_030));
        assert_eq!(sent.at(2_000, after(9_000)), after(2_030));
        // One that is quicker shows that the others were slower than they had to be.
        assert_eq!(sent.at(3_000, after(3_010)), after(3_010));
        assert_eq!(sent.at(4_000, after(4_050)), after(4_010));
    }
}

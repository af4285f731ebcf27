//! JournalService: the journal's bytes as they are, for services that follow this one.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{fs::File, io::AsyncReadExt, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status};

use crate::{journal::tail::Tail, service::Service};

use super::{
    answers::Streamed,
    asker::Asker,
    read::BadField,
    status::{internal, of_service, refused, stale, stops},
    v1::{self, journal_service_server::JournalService},
};

/// Most bytes of one message.
const PIECE_BYTES: usize = 1 << 20;
/// Messages that wait for a slow follower.
const WAITING: usize = 4;
/// How often a follower hears something.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Serves followers.
pub struct Journals(pub Arc<Service>);

type Sender<T> = mpsc::Sender<Result<T, Status>>;

/// Why a stream goes on no longer: it may outlast the rights of whoever opened it, and what this service
/// itself follows.
fn ended(service: &Service, asker: &Asker) -> Option<Status> {
    if !asker.is_still_known() {
        return Some(asker.no_longer_known());
    }
    service.followed().and_then(|followed| followed.unfit).map(|why| stale(&why))
}

/// Sends the journal as it grows until the follower goes away.
async fn follow(
    service: Arc<Service>,
    asker: Asker,
    mut tail: Tail,
    sender: Sender<v1::FollowJournalResponse>,
) {
    let (mut heads, mut stopping) = (service.writer.heads(), service.stopping.subscribe());
    let begun = Instant::now();
    let message = |piece: &[u8], head| v1::FollowJournalResponse {
        piece: piece.to_vec(),
        head,
        sent_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    loop {
        let head = *heads.borrow_and_update();
        // Whoever follows waits for the next message only so long.
        let mut told = false;
        while tail.next() <= head {
            if let Some(ended) = ended(&service, &asker) {
                let _ = sender.send(Err(ended)).await;
                return;
            }
            let read = move || {
                let lines = tail.read(head, PIECE_BYTES);
                (lines, tail)
            };
            let Ok((lines, back)) = tokio::task::spawn_blocking(read).await else { return };
            tail = back;
            let lines = match lines {
                Ok(lines) => lines,
                Err(error) => {
                    let _ = sender.send(Err(internal(&error))).await;
                    return;
                }
            };
            for piece in lines.chunks(PIECE_BYTES) {
                if sender.send(Ok(message(piece, head))).await.is_err() {
                    return;
                }
            }
            told = true;
        }
        if let Some(ended) = ended(&service, &asker) {
            let _ = sender.send(Err(ended)).await;
            return;
        }
        if !told && sender.send(Ok(message(&[], head))).await.is_err() {
            return;
        }
        tokio::select! {
            changed = heads.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(HEARTBEAT) => {}
            () = sender.closed() => return,
            // What it gives is not kept over the next wait.
            true = async { stopping.wait_for(|stopping| *stopping).await.is_ok() } => {
                let _ = sender.send(Err(stops())).await;
                return;
            }
        }
    }
}

async fn send_file(mut file: File, sender: Sender<v1::ReadKeptFileResponse>) {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let message = match file.read(&mut piece).await {
            Ok(0) => return,
            Ok(read) => Ok(v1::ReadKeptFileResponse { piece: piece[..read].to_vec() }),
            Err(error) => Err(internal(&error)),
        };
        let is_last = message.is_err();
        if sender.send(message).await.is_err() || is_last {
            return;
        }
    }
}

#[tonic::async_trait]
impl JournalService for Journals {
    type FollowJournalStream = Streamed<v1::FollowJournalResponse>;

    async fn follow_journal(
        &self,
        asked: Request<v1::FollowJournalRequest>,
    ) -> Result<Response<Self::FollowJournalStream>, Status> {
        let asker = Asker::of(asked.extensions())?;
        let v1::FollowJournalRequest { after, digest } = asked.into_inner();
        let service = self.0.clone();
        let found = tokio::task::spawn_blocking(move || service.tail(after, &digest)).await;
        let found = found.map_err(|error| internal(&error))?;
        let tail = found.map_err(|error| of_service(&error))?.ok_or_else(|| {
            let message = format!("entry {after} with that digest is not one of this journal");
            refused(Code::FailedPrecondition, "OTHER_JOURNAL", message)
        })?;
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(follow(self.0.clone(), asker, tail, sender));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    type ReadKeptFileStream = Streamed<v1::ReadKeptFileResponse>;

    async fn read_kept_file(
        &self,
        asked: Request<v1::ReadKeptFileRequest>,
    ) -> Result<Response<Self::ReadKeptFileStream>, Status> {
        Asker::of(asked.extensions())?;
        let digest = asked.into_inner().sha256;
        let is_digest = digest.len() == 64
            && digest.bytes().all(|one| one.is_ascii_digit() || (b'a'..=b'f').contains(&one));
        if !is_digest {
            return Err(BadField::new("sha256", digest, "64 lower-case hex digits").into());
        }
        let file = match self.0.kept_file(&digest) {
            Some(path) => File::open(path).await.ok(),
            None => None,
        };
        let file = file.ok_or_else(|| {
            refused(Code::NotFound, "FILE_UNKNOWN", "no entry names this file, or it is missing")
        })?;
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(send_file(file, sender));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

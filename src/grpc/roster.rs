//! Roster runs: rosters come in as streams, payment lists go out as streams.
//!
//! **Invariant:** what a call brought in lies in a file without a name, and is gone with the call.

use std::{
    fs::File,
    io::{Read, Write},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::sync::{Semaphore, mpsc};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Code, Request, Response, Status, Streaming};

use crate::{
    domain::life::Life,
    roster::{
        RosterError,
        columns::Mapping,
        list::{Totals, rejected},
        source::Format,
        work::Watch,
    },
    service::{
        Service,
        roster::{Roster, RosterRefused, RosterSpec, Worked},
    },
};

use super::{
    Decimal,
    asker::Asker,
    called::blocking,
    read::{BadField, month_in, named_request_in, text_in},
    run_message::run_message,
    status::{internal, of_roster, refused},
    v1::{self, roster_service_server::RosterService},
};

/// Most bytes of a roster.
const ROSTER_BYTES_MAX: u64 = 16 << 30;
/// Bytes of a list sent at a time.
const PIECE: usize = 1 << 20;
/// Rejects sent at a time.
const REJECTS: usize = 500;
/// Longest text of a maker, in characters.
const TEXT_MAX: usize = 1_000;
/// Messages that wait for a slow reader.
const WAITING: usize = 4;

/// The service of rosters. One is worked on at a time, which bounds the memory.
pub struct Rosters(Arc<Service>, Arc<Semaphore>);

impl Rosters {
    /// Over a service.
    pub fn new(service: Arc<Service>) -> Self {
        Self(service, Arc::new(Semaphore::new(1)))
    }
}

type Sent<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Set when whoever asked is gone.
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn format_in(field: &str, format: v1::FileFormat) -> Result<Format, BadField> {
    match format {
        v1::FileFormat::Csv => Ok(Format::Csv),
        v1::FileFormat::Parquet => Ok(Format::Parquet),
        v1::FileFormat::Xlsx => Ok(Format::Xlsx),
        v1::FileFormat::Unspecified => Err(BadField::new(field, "", "csv, parquet or xlsx")),
    }
}

fn head_in(head: Option<v1::RosterHead>) -> Result<(Format, Mapping), BadField> {
    let head = head.ok_or_else(|| BadField::new("head.roster", "", "how the roster is written"))?;
    let format = format_in("head.roster.format", head.format())?;
    Ok((format, head.columns.into_iter().collect()))
}

fn no_head() -> Status {
    BadField::new("head", "", "a head first, and once; then pieces").into()
}

/// Takes the roster's bytes into a file without a name.
async fn taken<T>(
    mut stream: Streaming<T>,
    piece: impl Fn(T) -> Option<Vec<u8>>,
) -> Result<File, Status> {
    let refused_by_disk =
        |error: std::io::Error| of_roster(&RosterError::io("take in the roster")(error).into());
    let mut file = tempfile::tempfile().map_err(refused_by_disk)?;
    let mut bytes = 0;
    while let Some(message) = stream.message().await? {
        let piece = piece(message).ok_or_else(no_head)?;
        bytes += piece.len() as u64;
        if ROSTER_BYTES_MAX < bytes {
            let expected = format!("at most {ROSTER_BYTES_MAX} bytes");
            return Err(BadField::new("piece", "", &expected).into());
        }
        file.write_all(&piece).map_err(refused_by_disk)?;
    }
    Ok(file)
}

fn spec_in(asker: &Asker, head: &v1::MakeRosterRunHead) -> Result<RosterSpec, BadField> {
    let follows = text_in("head.follows", &head.follows, 60)?;
    Ok(RosterSpec {
        month: month_in("head.month", head.month)?,
        strict: head.strict,
        discretion: head.discretion,
        note: text_in("head.note", &head.note, TEXT_MAX)?,
        follows: (!follows.is_empty()).then_some(follows),
        ended: head.ended.clone(),
        elsewhere: head.elsewhere.clone(),
        within: asker.reach().clone(),
    })
}

/// Works on a plain thread and sends what it has to say.
fn answered<T: Send + 'static>(
    turn: tokio::sync::OwnedSemaphorePermit,
    work: impl FnOnce(&mpsc::Sender<Result<T, Status>>, &AtomicBool) -> Result<(), Status>
    + Send
    + 'static,
) -> Sent<T> {
    let (sender, receiver) = mpsc::channel(WAITING);
    let cancelled = Arc::new(AtomicBool::new(false));
    let gone = Gone(Arc::clone(&cancelled));
    blocking(move || {
        let _turn = turn;
        if let Err(status) = work(&sender, &cancelled) {
            // Whoever asked may be gone.
            let _ = sender.blocking_send(Err(status));
        }
    });
    let stream = tokio_stream::StreamExt::map(ReceiverStream::new(receiver), move |sent| {
        let _held = &gone;
        sent
    });
    Box::pin(stream)
}

fn sent<T>(sender: &mpsc::Sender<Result<T, Status>>, message: T) -> Result<(), Status> {
    let gone = |_| refused(Code::Cancelled, "CANCELLED", "whoever asked is gone");
    sender.blocking_send(Ok(message)).map_err(gone)
}

type Made = mpsc::Sender<Result<v1::MakeRosterRunResponse, Status>>;

fn part(part: v1::make_roster_run_response::Part) -> v1::MakeRosterRunResponse {
    v1::MakeRosterRunResponse { part: Some(part) }
}

/// Tells the progress a hundred times at most, and never waits for a slow reader.
fn told(sender: &Made) -> impl Fn(u64, u64) + Sync + '_ {
    let last = AtomicU64::new(0);
    move |done, of| {
        let percent = done.saturating_mul(100).checked_div(of).unwrap_or_default();
        if last.fetch_max(percent, Ordering::Relaxed) < percent {
            let progress = v1::RosterProgress { done: done as i64, of: of as i64 };
            let progress = v1::make_roster_run_response::Part::Progress(progress);
            let _ = sender.try_send(Ok(part(progress)));
        }
    }
}

fn rejects(worked: &Worked, sender: &Made) -> Result<(), Status> {
    let mut rows = Vec::new();
    for reject in rejected(&worked.picked, worked.earlier()) {
        let reason = reject.reason;
        rows.push(v1::RowReject {
            row: i64::from(reject.row),
            reason: reason.as_str().to_owned(),
            column: reason.column().map(|column| column.as_str().to_owned()).unwrap_or_default(),
            explanation: reason.zh().to_owned(),
            paid_by: reject.paid_by,
        });
        if rows.len() == REJECTS {
            let rows = v1::RowRejects { rows: std::mem::take(&mut rows) };
            sent(sender, part(v1::make_roster_run_response::Part::Rejects(rows)))?;
        }
    }
    match rows.is_empty() {
        true => Ok(()),
        false => {
            let rows = v1::RowRejects { rows };
            sent(sender, part(v1::make_roster_run_response::Part::Rejects(rows)))
        }
    }
}

/// What a call for a run is made of.
struct Call {
    asker: Asker,
    head: v1::MakeRosterRunHead,
    roster: Roster,
}

fn make(
    service: &Service,
    call: Call,
    sender: &Made,
    cancelled: &AtomicBool,
) -> Result<(), Status> {
    let Call { asker, head, roster } = call;
    let request = named_request_in(&asker, &head.request_id, head.validate_only)?;
    let spec = spec_in(&asker, &head)?;
    let progress = told(sender);
    let watch = Watch { progress: &progress, cancelled };
    let (life, worked) = match head.validate_only {
        true => {
            let by = &request.principal;
            let worked = service.try_roster(&roster, &spec, by, service.means, &watch);
            let worked = worked.map_err(|error| of_roster(&error))?;
            let (run, made_at) = (worked.run.clone().into(), worked.run.pins.known_at);
            (Life { run, made_at, events: Vec::new() }, Some(worked))
        }
        false => service
            .make_roster_run(request, &roster, &spec, service.means, &watch)
            .map_err(|error| of_roster(&error))?,
    };
    let mut run = run_message(&life)?;
    if head.validate_only {
        run.id.clear();
    }
    sent(sender, part(v1::make_roster_run_response::Part::Run(run)))?;
    worked.map_or(Ok(()), |worked| rejects(&worked, sender))
}

fn list(
    service: &Service,
    (head, format): (v1::PaymentListHead, Format),
    roster: Roster,
    sender: &mpsc::Sender<Result<v1::WritePaymentListResponse, Status>>,
    cancelled: &AtomicBool,
) -> Result<(), Status> {
    use v1::write_payment_list_response::Part;
    let watch = Watch { progress: &|_, _| (), cancelled };
    let disk = |error| of_roster(&RosterError::io("write the list")(error).into());
    let mut file = tempfile::tempfile().map_err(disk)?;
    let to = (file.try_clone().map_err(disk)?, format);
    let totals = service.write_run_list(&head.run, &roster, to, service.means, &watch);
    let Totals { lines, fen, sha256 } = totals.map_err(|error| of_roster(&error))?;
    std::io::Seek::rewind(&mut file).map_err(disk)?;
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        let read = (&mut file).take(PIECE as u64).read_to_end(&mut piece).map_err(disk)?;
        if read == 0 {
            break;
        }
        sent(sender, v1::WritePaymentListResponse { part: Some(Part::Piece(piece)) })?;
    }
    let yuan = Decimal { value: format!("{}.{:02}", fen / 100, fen % 100) };
    let totals = v1::ControlTotals { lines: lines as i64, yuan: Some(yuan), sha256 };
    sent(sender, v1::WritePaymentListResponse { part: Some(Part::Totals(totals)) })
}

#[tonic::async_trait]
impl RosterService for Rosters {
    type MakeRosterRunStream = Sent<v1::MakeRosterRunResponse>;
    type WritePaymentListStream = Sent<v1::WritePaymentListResponse>;

    async fn make_roster_run(
        &self,
        asked: Request<Streaming<v1::MakeRosterRunRequest>>,
    ) -> Result<Response<Self::MakeRosterRunStream>, Status> {
        use v1::make_roster_run_request::Part;
        let (_, extensions, mut stream) = asked.into_parts();
        let asker = Asker::of(&extensions)?;
        let first = stream.message().await?.and_then(|message| message.part);
        let Some(Part::Head(mut head)) = first else { return Err(no_head()) };
        named_request_in(&asker, &head.request_id, head.validate_only)?;
        spec_in(&asker, &head)?;
        let (format, mapping) = head_in(head.roster.take())?;
        let piece = |message: v1::MakeRosterRunRequest| match message.part {
            Some(Part::Piece(piece)) => Some(piece),
            _ => None,
        };
        let file = taken(stream, piece).await?;
        let call = Call { asker, head, roster: Roster { file, format, mapping } };
        let turn = Arc::clone(&self.1).acquire_owned().await.map_err(|error| internal(&error))?;
        let service = Arc::clone(&self.0);
        let work =
            move |sender: &Made, cancelled: &AtomicBool| make(&service, call, sender, cancelled);
        Ok(Response::new(answered(turn, work)))
    }

    async fn write_payment_list(
        &self,
        asked: Request<Streaming<v1::WritePaymentListRequest>>,
    ) -> Result<Response<Self::WritePaymentListStream>, Status> {
        use v1::write_payment_list_request::Part;
        let (_, extensions, mut stream) = asked.into_parts();
        let asker = Asker::of(&extensions)?;
        let first = stream.message().await?.and_then(|message| message.part);
        let Some(Part::Head(mut head)) = first else { return Err(no_head()) };
        asker.run(&self.0, &head.run)?;
        let to = format_in("head.format", head.format())?;
        let (format, mapping) = head_in(head.roster.take())?;
        let piece = |message: v1::WritePaymentListRequest| match message.part {
            Some(Part::Piece(piece)) => Some(piece),
            _ => None,
        };
        let file = taken(stream, piece).await?;
        let roster = Roster { file, format, mapping };
        let turn = Arc::clone(&self.1).acquire_owned().await.map_err(|error| internal(&error))?;
        let service = Arc::clone(&self.0);
        let work = move |sender: &mpsc::Sender<_>, cancelled: &AtomicBool| {
            list(&service, (head, to), roster, sender, cancelled)
        };
        Ok(Response::new(answered(turn, work)))
    }

    async fn settle_run(
        &self,
        asked: Request<v1::SettleRunRequest>,
    ) -> Result<Response<v1::Run>, Status> {
        let (_, extensions, asked) = asked.into_parts();
        let asker = Asker::of(&extensions)?;
        let request = named_request_in(&asker, &asked.request_id, asked.validate_only)?;
        asker.run(&self.0, &asked.run)?;
        let service = Arc::clone(&self.0);
        let settle = move || service.settle_run(request, &asked.run, &asked.table);
        let settled = blocking(settle).await.map_err(|error| internal(&error))?;
        let life = settled.map_err(|error: RosterRefused| of_roster(&error))?;
        Ok(Response::new(run_message(&life)?))
    }
}

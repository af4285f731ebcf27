//! Rosters to a server, and what comes back.

use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
};

use anyhow::{Context, bail, ensure};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    cli::{
        client::{self, Transport, told},
        output::{Progress, number},
    },
    grpc::v1,
    roster::{
        list::{REJECTS, Totals},
        sink::{Sink, Value},
        source::Format,
    },
};

/// Bytes sent at a time.
const PIECE: usize = 1 << 20;
/// Pieces that wait for the network.
const WAITING: usize = 4;

pub(super) fn format(format: Format) -> v1::FileFormat {
    match format {
        Format::Csv => v1::FileFormat::Csv,
        Format::Parquet => v1::FileFormat::Parquet,
        Format::Xlsx => v1::FileFormat::Xlsx,
    }
}

/// The head and then the file in pieces.
fn pieces<T: Send + 'static>(
    head: T,
    mut file: File,
    piece: impl Fn(Vec<u8>) -> T + Send + 'static,
) -> ReceiverStream<T> {
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        let mut next = Some(head);
        while let Some(message) = next.take() {
            // The server may have answered already.
            if sender.blocking_send(message).is_err() {
                return;
            }
            let mut bytes = Vec::with_capacity(PIECE);
            match (&mut file).take(PIECE as u64).read_to_end(&mut bytes) {
                Ok(0) => {}
                Ok(_) => next = Some(piece(bytes)),
                Err(error) => eprintln!("the roster cannot be read: {error}"),
            }
        }
    });
    ReceiverStream::new(receiver)
}

/// Where rejects are written.
pub(super) struct RejectsFile {
    pub file: File,
    pub format: Format,
}

/// Has a server make a roster run; writes the rejects.
pub(super) async fn make(
    transport: Transport,
    asked: tonic::Request<v1::MakeRosterRunHead>,
    file: File,
    rejects: Option<RejectsFile>,
    bar: &Progress,
) -> anyhow::Result<(v1::Run, Option<Totals>)> {
    use v1::{make_roster_run_request::Part as Asked, make_roster_run_response::Part};
    let (metadata, extensions, head) = asked.into_parts();
    let head = v1::MakeRosterRunRequest { part: Some(Asked::Head(head)) };
    let piece = |bytes| v1::MakeRosterRunRequest { part: Some(Asked::Piece(bytes)) };
    let stream = pieces(head, file, piece);
    let request = tonic::Request::from_parts(metadata, extensions, stream);
    let mut client = client::roster(&transport);
    let mut answer = client.make_roster_run(request).await.map_err(told)?.into_inner();
    let mut sink = match rejects {
        Some(RejectsFile { file, format }) => {
            Some(Sink::new(file, format, "未发放名单", &REJECTS)?)
        }
        None => None,
    };
    let (mut run, mut lines) = (None, 0);
    while let Some(message) = answer.message().await.map_err(told)? {
        match message.part {
            Some(Part::Progress(v1::RosterProgress { done, of })) => {
                bar.share(done as u64, of as u64);
            }
            Some(Part::Run(made)) => run = Some(made),
            Some(Part::Rejects(rejects)) => {
                lines += rejects.rows.len() as u64;
                if let Some(sink) = &mut sink {
                    reject(sink, &rejects.rows)?;
                }
            }
            None => {}
        }
    }
    let sha256 = sink.map(Sink::finish).transpose()?;
    let run = run.context("the server sent no run")?;
    Ok((run, sha256.map(|sha256| Totals { lines, fen: 0, sha256 })))
}

fn reject(sink: &mut Sink, rows: &[v1::RowReject]) -> anyhow::Result<()> {
    let mut part = sink.part();
    for row in rows {
        let cells = [
            Value::Number(row.row as u64),
            Value::Text(row.reason.as_bytes()),
            Value::Text(row.column.as_bytes()),
            Value::Text(row.explanation.as_bytes()),
            Value::Text(row.paid_by.as_bytes()),
        ];
        part.push(&cells, &REJECTS);
    }
    Ok(sink.write(&mut part)?)
}

/// Has a server write a payment list.
pub(super) async fn list(
    transport: Transport,
    head: v1::PaymentListHead,
    file: File,
    mut out: File,
    path: &Path,
) -> anyhow::Result<v1::ControlTotals> {
    use v1::{write_payment_list_request::Part as Asked, write_payment_list_response::Part};
    let head = v1::WritePaymentListRequest { part: Some(Asked::Head(head)) };
    let piece = |bytes| v1::WritePaymentListRequest { part: Some(Asked::Piece(bytes)) };
    let stream = pieces(head, file, piece);
    let mut client = client::roster(&transport);
    let mut answer = client.write_payment_list(stream).await.map_err(told)?.into_inner();
    let (mut hasher, mut totals) = (Sha256::new(), None);
    while let Some(message) = answer.message().await.map_err(told)? {
        match message.part {
            Some(Part::Piece(piece)) => {
                hasher.update(&piece);
                out.write_all(&piece).with_context(|| format!("write {}", path.display()))?;
            }
            Some(Part::Totals(found)) => totals = Some(found),
            None => {}
        }
    }
    let Some(totals) = totals else { bail!("the server sent no control totals") };
    let found = hex::encode(hasher.finalize());
    ensure!(found == totals.sha256, "the list has the sha256 {found}, expected {}", totals.sha256);
    out.sync_all().with_context(|| format!("write {}", path.display()))?;
    Ok(totals)
}

/// What a written list is checked by, in words.
pub(super) fn checked_by(totals: &v1::ControlTotals) -> String {
    let v1::ControlTotals { lines, yuan, sha256 } = totals;
    format!("{lines} lines, {} yuan, sha256 {sha256}", number(yuan))
}

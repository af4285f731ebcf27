//! Papers of a run, as files.

use axum::{
    body::Body,
    extract::{Multipart, Path, multipart::Field},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt, wrappers::ReceiverStream};

use crate::{
    client::{roster, run, trigger, year_month},
    domain::month::Month,
    grpc::v1,
};

use super::{
    form::{Form, format_of, short_text, unreadable},
    refusal::Refusal,
    table::{XLSX, file},
    visit::Visit,
};

/// Pieces of a roster that wait for the service.
const WAITING: usize = 4;

/// A sheet or the receipt.
pub(super) async fn paper(Path((id, name)): Path<(String, String)>, visit: Visit) -> Response {
    match papers(&visit, &id, &name).await {
        Ok(response) => response,
        Err(refusal) => refusal.response(&visit),
    }
}

async fn papers(visit: &Visit, id: &str, name: &str) -> Result<Response, Refusal> {
    let ask = visit.ask();
    let kind = match name {
        "computation.xlsx" => v1::SheetKind::Computation,
        "funding.xlsx" => v1::SheetKind::Funding,
        "receipt.json" => {
            let request = v1::GetRunReceiptRequest { run: id.to_owned() };
            let found = run(&ask).get_run_receipt(request).await?.into_inner();
            return Ok(file(&format!("{id}-{name}"), "application/json", found.json.into_bytes()));
        }
        _ => return Err(Refusal::not_found()),
    };
    let request = v1::GetRunSheetRequest { run: id.to_owned(), kind: kind.into() };
    let found = run(&ask).get_run_sheet(request).await?.into_inner();
    Ok(file(&format!("{id}-{name}"), &found.content_type, found.content))
}

/// The notice of an area and month.
pub(super) async fn notice(Path((area, month)): Path<(String, String)>, visit: Visit) -> Response {
    let found = async {
        let at: Month = month.parse().map_err(|_| Refusal::field("month", &month, "2021-04"))?;
        let request =
            v1::GetNoticeRequest { area: area.clone(), month: Some(year_month(at)), asking: None };
        let notice = trigger(&visit.ask()).get_notice(request).await?.into_inner();
        let office = notice.file.unwrap_or_default();
        let name = format!("notice-{area}-{month}.docx");
        Ok::<_, Refusal>(file(&name, &office.content_type, office.content))
    };
    match found.await {
        Ok(response) => response,
        Err(refusal) => refusal.response(&visit),
    }
}

/// The payment list of a run, from its roster, both passing through. A list that was cut off ends as a
/// broken download and not as a shorter list.
pub(super) async fn payment_list(
    Path(id): Path<String>,
    visit: Visit,
    mut body: Multipart,
) -> Response {
    match listed(&visit, id, &mut body).await {
        Ok(response) => response,
        Err(refusal) => refusal.response(&visit),
    }
}

/// How the list is to be written, and the roster's field, behind a token that holds.
async fn roster_of<'a>(
    visit: &Visit,
    body: &'a mut Multipart,
) -> Result<(v1::FileFormat, Field<'a>), Refusal> {
    let token = body.next_field().await.map_err(unreadable)?;
    let token = short_text(token.ok_or_else(Refusal::forged)?).await?;
    visit.permitted(&token)?;
    let format = body.next_field().await.map_err(unreadable)?;
    let format = format.ok_or_else(|| unreadable("a format was expected"))?;
    let format = match short_text(format).await?.as_str() {
        "csv" => v1::FileFormat::Csv,
        "xlsx" => v1::FileFormat::Xlsx,
        other => return Err(Refusal::field("format", other, "xlsx")),
    };
    let field = body.next_field().await.map_err(unreadable)?;
    Ok((format, field.ok_or_else(|| unreadable("a file was expected"))?))
}

async fn listed(visit: &Visit, id: String, body: &mut Multipart) -> Result<Response, Refusal> {
    use v1::{write_payment_list_request::Part as Asked, write_payment_list_response::Part};
    let (format, mut field) = roster_of(visit, body).await?;
    let (kind, ending) = match format {
        v1::FileFormat::Xlsx => (XLSX, "xlsx"),
        _ => ("text/csv; charset=utf-8", "csv"),
    };
    let roster_format = format_of(&field).into();
    let head = v1::PaymentListHead {
        run: id.clone(),
        format: format.into(),
        roster: Some(v1::RosterHead { format: roster_format, ..Default::default() }),
    };
    let (sender, receiver) = mpsc::channel(WAITING);
    let head = v1::WritePaymentListRequest { part: Some(Asked::Head(head)) };
    let ask = visit.ask();
    let answer = async { roster(&ask).write_payment_list(ReceiverStream::new(receiver)).await };
    let sent = async move {
        // Whoever answers early has stopped listening.
        let _ = sender.send(head).await;
        while let Some(bytes) = field.chunk().await.map_err(unreadable)? {
            let piece = v1::WritePaymentListRequest { part: Some(Asked::Piece(bytes.to_vec())) };
            if sender.send(piece).await.is_err() {
                break;
            }
        }
        Ok::<_, Refusal>(())
    };
    let (answer, sent) = tokio::join!(answer, sent);
    sent?;
    let mut answer = answer?.into_inner();
    // A refusal comes before the first piece, while there is still a page to tell it on.
    let first = answer.message().await?.map(Ok);
    let pieces = tokio_stream::iter(first).chain(answer).filter_map(|message| match message {
        Ok(message) => match message.part {
            Some(Part::Piece(piece)) => Some(Ok(piece)),
            Some(Part::Totals(_)) | None => None,
        },
        Err(status) => Some(Err(std::io::Error::other(status.message().to_owned()))),
    });
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{id}-payments.{ending}\"")),
    ];
    Ok((StatusCode::OK, headers, Body::from_stream(pieces)).into_response())
}

/// Records what came back of a payment list.
pub(super) async fn settle(Path(id): Path<String>, visit: Visit, body: Multipart) -> Response {
    let settled = async {
        let form = Form::read(&visit, body).await?;
        let request = v1::SettleRunRequest {
            request_id: form.value("request").to_owned(),
            validate_only: false,
            run: id.clone(),
            table: form.file().to_vec(),
        };
        roster(&visit.ask()).settle_run(request).await?;
        Ok::<_, Refusal>(())
    };
    match settled.await {
        Ok(()) => Redirect::to(&format!("/runs/{id}")).into_response(),
        Err(refusal) => refusal.response(&visit),
    }
}

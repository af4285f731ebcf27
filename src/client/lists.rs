//! Lists of many pages and answers of many parts, whole.

use tokio_stream::StreamExt;
use tonic::Status;

use super::{Transport, area, audit, ended_early, index, replay, rule, run, standard, trigger};
use crate::grpc::v1;

macro_rules! every {
    ($(#[$doc:meta])* $name:ident: $client:ident.$rpc:ident($request:ident) -> $items:ident: $item:ident) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// As the rpc.
        pub async fn $name(
            transport: &Transport,
            mut request: v1::$request,
        ) -> Result<Vec<v1::$item>, Status> {
            let mut all = Vec::new();
            loop {
                let page = $client(transport).$rpc(request.clone()).await?.into_inner();
                all.extend(page.$items);
                if page.next_page_token.is_empty() {
                    return Ok(all);
                }
                request.page_token = page.next_page_token;
            }
        }
    };
}

every! {
    /// Every area asked for.
    areas: area.list_areas(ListAreasRequest) -> areas: Area
}
every! {
    /// Every entry of the journal asked for.
    entries: audit.list_entries(ListEntriesRequest) -> entries: JournalEntry
}
every! {
    /// Every figure asked for.
    figures: index.list_figures(ListFiguresRequest) -> figures: Figure
}
every! {
    /// Every standard asked for.
    standards: standard.list_standards(ListStandardsRequest) -> standards: Standard
}
every! {
    /// Every status asked for.
    statuses: trigger.list_statuses(ListStatusesRequest) -> statuses: Status
}
every! {
    /// Every recorded decision asked for.
    decisions: trigger.list_decisions(ListDecisionsRequest) -> decisions: Decision
}
every! {
    /// Every document asked for.
    instruments: rule.list_instruments(ListInstrumentsRequest) -> instruments: Instrument
}
every! {
    /// Every run asked for.
    runs: run.list_runs(ListRunsRequest) -> runs: Run
}
every! {
    /// Every line of a run.
    run_lines: run.list_run_lines(ListRunLinesRequest) -> lines: RunLine
}
every! {
    /// All drift.
    drift: run.list_run_drift(ListRunDriftRequest) -> lines: RunDrift
}
every! {
    /// Every payment that falls due in a month.
    due: run.list_due_payments(ListDuePaymentsRequest) -> payments: DuePayment
}
every! {
    /// Every payment that no live run pays.
    missing_runs: run.list_missing_runs(ListMissingRunsRequest) -> payments: DuePayment
}

/// Hands over the months of a replay as they come, until `take` fails.
///
/// # Errors
/// As the rpc, and DATA_LOSS when it ends before its totals, each as `told` tells it; what `take`
/// fails with.
pub async fn each_month<E>(
    transport: &Transport,
    request: v1::ReplayRequest,
    told: impl Fn(Status) -> E,
    mut take: impl FnMut(v1::ReplayMonth) -> Result<(), E>,
) -> Result<(), E> {
    let mut stream = replay(transport).replay(request).await.map_err(&told)?.into_inner();
    let (mut taken, mut totals) = (0, None);
    while let Some(item) = stream.next().await {
        match item.map_err(&told)?.item {
            Some(v1::replay_response::Item::Month(month)) => {
                taken += 1;
                take(month)?;
            }
            Some(v1::replay_response::Item::Totals(sums)) => totals = Some(sums),
            None => {}
        }
    }
    let complete = totals.is_some_and(|totals| totals.months == taken);
    if complete { Ok(()) } else { Err(told(ended_early())) }
}

/// Every month of a replay.
///
/// # Errors
/// As [`each_month`].
pub async fn replayed(
    transport: &Transport,
    request: v1::ReplayRequest,
) -> Result<Vec<v1::ReplayMonth>, Status> {
    let mut months = Vec::new();
    let take = |month| {
        months.push(month);
        Ok(())
    };
    each_month(transport, request, |status| status, take).await?;
    Ok(months)
}

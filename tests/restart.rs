//! Stopped and started again under load: nobody is told anything but to ask again, and asking again
//! leads to one recording.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use price_linkage::grpc::{
    Decimal,
    v1::{
        self, index_service_client::IndexServiceClient,
        trigger_service_client::TriggerServiceClient,
    },
};
use tonic::{
    Code, Request, Status,
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt;

const RESTARTS: u32 = 3;
const CLIENTS: u32 = 4;

/// A server that ends with the test.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(store: &Path, port: u16) -> (Served, u16) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/roster");
    let mut child = Command::new(env!("CARGO_BIN_EXE_price-linkage"))
        .arg("--data")
        .arg(data)
        .arg("--store")
        .arg(store)
        .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let address = first.strip_prefix("serving on 127.0.0.1:").unwrap();
    let port = address.split(',').next().unwrap().parse().unwrap();
    std::thread::spawn(move || lines.for_each(drop));
    (Served(child), port)
}

/// What a client may be told while the service is stopped: that it is not there, or that it is stopping.
fn may_be_told(status: &Status) -> bool {
    // The client's own word for a call that it had not sent when the connection closed.
    if status.code() == Code::Cancelled && status.message() == "operation was canceled" {
        return true;
    }
    let reason = status.get_details_error_info().map(|info| info.reason);
    let waits = status.get_details_retry_info().is_some();
    status.code() == Code::Unavailable && reason.is_none_or(|reason| reason == "STOPPING" && waits)
}

/// Asks until it is answered.
async fn answered<T, F: Future<Output = Result<T, Status>>>(ask: impl Fn() -> F) -> T {
    let begun = Instant::now();
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(status) => assert!(may_be_told(&status), "{status:?}"),
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "never answered");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn recording(client: u32, n: u32) -> Request<v1::RecordFiguresRequest> {
    let number = client * 1_000_000 + n;
    let figure = v1::Figure {
        area: "990100".into(),
        series: "cpi".into(),
        month: Some(v1::YearMonth { year: 2021, month: 5 }),
        // Never that of the one before, so that each is an entry.
        value: Some(Decimal { value: format!("{}.{}", client + 1, n % 1000) }),
        source: "test".into(),
        ..Default::default()
    };
    let request_id = format!("0191a7a4-0000-7000-8000-{number:012}");
    let message =
        v1::RecordFiguresRequest { request_id, validate_only: false, figures: vec![figure] };
    let mut request = Request::new(message);
    request.metadata_mut().insert("principal", "clerk".parse().unwrap());
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_while_it_is_restarted_is_only_told_to_ask_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, port) = serve(folder.path(), 0);
    let recorded = Arc::new(Mutex::new(BTreeMap::new()));
    let stopping = Arc::new(AtomicBool::new(false));
    let channel = || -> Channel {
        Endpoint::from_shared(format!("http://127.0.0.1:{port}")).unwrap().connect_lazy()
    };
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (recorded, stopping, channel) = (recorded.clone(), stopping.clone(), channel());
            tokio::spawn(async move {
                for n in 0.. {
                    let answer = answered(|| {
                        let mut index = IndexServiceClient::new(channel.clone());
                        async move { index.record_figures(recording(client, n)).await }
                    });
                    let sequence = answer.await.into_inner().sequence;
                    let before = recorded.lock().unwrap().insert(sequence, (client, n));
                    assert!(
                        sequence == 0 || before.is_none(),
                        "entry {sequence} answered two requests"
                    );
                    let status = answered(|| {
                        let mut trigger = TriggerServiceClient::new(channel.clone());
                        let request = v1::GetStatusRequest {
                            area: "990100".into(),
                            month: Some(v1::YearMonth { year: 2021, month: 5 }),
                            ..Default::default()
                        };
                        async move { trigger.get_status(request).await }
                    });
                    assert_eq!(status.await.into_inner().area, "990100");
                    if stopping.load(Ordering::Relaxed) {
                        return;
                    }
                }
            })
        })
        .collect();
    for restart in 0..RESTARTS {
        let before = recorded.lock().unwrap().len();
        let begun = Instant::now();
        while recorded.lock().unwrap().len() < before + 50 {
            assert!(begun.elapsed() < Duration::from_secs(120), "no load before restart {restart}");
            assert!(clients.iter().all(|client| !client.is_finished()), "a client failed");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let stopped = Instant::now();
        let killed = Command::new("kill").arg("-TERM").arg(child.0.id().to_string()).status();
        assert!(killed.unwrap().success());
        let mut stopping = child;
        let ended = tokio::task::spawn_blocking(move || stopping.0.wait()).await.unwrap().unwrap();
        assert!(ended.success(), "{ended}");
        assert!(stopped.elapsed() < Duration::from_secs(12), "{:?}", stopped.elapsed());
        let store = folder.path().to_owned();
        child = tokio::task::spawn_blocking(move || serve(&store, port)).await.unwrap().0;
    }
    stopping.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    let recorded = recorded.lock().unwrap().clone();
    let mut audit = v1::audit_service_client::AuditServiceClient::new(channel());
    let request = v1::ListEntriesRequest {
        principal: "clerk".into(),
        page_size: 1_000,
        ..Default::default()
    };
    let entries = audit.list_entries(request).await.unwrap().into_inner().entries;
    let entries: BTreeMap<_, _> =
        entries.into_iter().map(|entry| (entry.sequence, entry.request_id)).collect();
    let answered = recorded.keys().filter(|sequence| 0 < **sequence);
    for sequence in answered {
        assert!(entries.contains_key(sequence), "entry {sequence} was answered and is not there");
    }
    drop(child);
}

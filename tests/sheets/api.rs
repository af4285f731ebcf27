//! The same files over the network, by the program and in process.

use std::{fs, path::Path, process::Command, sync::Arc};

use price_linkage::{
    grpc::{server, v1},
    journal::entry::sha256_hex,
};
use tokio::{net::TcpListener, sync::oneshot};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{Desk, headcounts, law};

fn reason(status: &Status) -> (Code, String) {
    let details = status.get_error_details();
    (status.code(), details.error_info().map(|info| info.reason.clone()).unwrap_or_default())
}

fn program(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_price-linkage")).args(arguments).output().unwrap()
}

#[test]
fn the_service_the_program_and_the_library_give_the_same_bytes() {
    let mut desk = Desk::new();
    let id = desk.make(headcounts(1, 0), "");
    let sheet = desk.sheet(&id, price_linkage::sheets::SheetKind::Funding);
    let asked = ("990102".parse().unwrap(), "2024-01".parse().unwrap());
    let notice = desk.service.notice(asked.0, asked.1, &Default::default()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let service = Arc::new(desk.service);
    let (url, served) = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", server::address(&listener).unwrap());
        let stop = async move { drop(stopped.await) };
        let serving = server::serve(service, listener, stop);
        (url, tokio::spawn(async move { serving.await.unwrap() }))
    });
    runtime.block_on(over_the_network(&url, &id));
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (funding, letter) = (path("funding.xlsx"), path("notice.docx"));
    let place = ["--server", url.as_str()];
    let arguments = ["run", "sheet", id.as_str(), "--kind", "funding", "--out", &funding];
    let written = program(&[&place[..], &arguments[..]].concat());
    assert!(written.status.success() && written.stdout.is_empty(), "{written:?}");
    assert_eq!(String::from_utf8(written.stderr).unwrap(), format!("sha256 {}\n", sheet.sha256));
    assert_eq!(fs::read(&funding).unwrap(), sheet.content);
    let arguments = ["notice", "990102", "2024-01", "--out", &letter];
    let remote = program(&[&place[..], &arguments[..]].concat());
    assert_eq!(fs::read(&letter).unwrap(), notice.file.content);
    // In process, over the same law: the same document, and the same is said of it.
    fs::remove_file(&letter).unwrap();
    let own = law();
    let local = program(&[&["--data", own.to_str().unwrap()][..], &arguments[..]].concat());
    assert_eq!(fs::read(&letter).unwrap(), notice.file.content);
    assert_eq!(local.stdout, remote.stdout);
    let said = String::from_utf8(local.stdout).unwrap();
    assert!(said.starts_with(&notice.notice.title), "{said}");
    assert_eq!(said.lines().count(), 1 + notice.notice.open.len());
    refusals(&place, folder.path());
    drop(stop);
    runtime.block_on(served).unwrap();
}

async fn over_the_network(url: &str, id: &str) {
    let channel = tonic::transport::Channel::from_shared(url.to_owned()).unwrap();
    let channel = channel.connect().await.unwrap();
    let mut runs = v1::run_service_client::RunServiceClient::new(channel.clone());
    let kinds = [v1::SheetKind::Computation, v1::SheetKind::Funding];
    for kind in kinds {
        let asked = v1::GetRunSheetRequest { run: id.to_owned(), kind: kind.into() };
        let file = runs.get_run_sheet(asked).await.unwrap().into_inner();
        assert_eq!(sha256_hex(&file.content), file.sha256);
        assert_eq!(file.content_type, price_linkage::sheets::XLSX);
    }
    let asked = |run: &str, kind: v1::SheetKind| v1::GetRunSheetRequest {
        run: run.to_owned(),
        kind: kind.into(),
    };
    let unspecified = runs.get_run_sheet(asked(id, v1::SheetKind::Unspecified)).await.unwrap_err();
    assert_eq!(reason(&unspecified), (Code::InvalidArgument, "BAD_FIELD".into()));
    let unknown = runs.get_run_sheet(asked("R999", v1::SheetKind::Funding)).await.unwrap_err();
    assert_eq!(reason(&unknown), (Code::NotFound, "RUN_UNKNOWN".into()));
    let mut triggers = v1::trigger_service_client::TriggerServiceClient::new(channel);
    let month = Some(v1::YearMonth { year: 2023, month: 12 });
    for (area, expected) in [
        ("990100", (Code::FailedPrecondition, "NO_NOTICE")),
        ("999999", (Code::NotFound, "AREA_UNKNOWN")),
        ("99", (Code::InvalidArgument, "BAD_FIELD")),
    ] {
        let asked = v1::GetNoticeRequest { area: area.into(), month, asking: None };
        let refused = triggers.get_notice(asked).await.unwrap_err();
        assert_eq!(reason(&refused), (expected.0, expected.1.to_owned()), "{refused}");
    }
}

fn refusals(place: &[&str], folder: &Path) {
    let out = folder.join("none.docx");
    let path = out.to_str().unwrap();
    let refused = program(&[place, &["notice", "990100", "2023-12", "--out", path]].concat());
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && why.contains("not triggered"), "{why}");
    assert!(!out.exists());
}

//! What operators watch: counted as it happens, named as documented, and telling of nobody.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use price_linkage::{
    client::over,
    grpc::{server::routes, v1},
    metrics::{Calls, CallsLayer, Watched, router},
    service::Service,
};
use tonic::service::Routes;
use tower::ServiceExt;

struct Setup {
    app: Router,
    watched: Arc<Watched>,
    transport: price_linkage::client::Transport,
}

fn setup() -> Setup {
    let service = Arc::new(Service::in_memory(&[]).unwrap());
    let calls = Calls::default();
    let measured = routes(&service).into_axum_router().layer(CallsLayer(calls.clone()));
    let watched = Arc::new(Watched::new(service, &calls));
    let transport = over(Routes::from(measured));
    Setup { app: router(watched.clone()), watched, transport }
}

async fn get(app: &Router, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let answer = app.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

/// The value of a line.
fn value<'a>(text: &'a str, name: &str) -> &'a str {
    let start = format!("pricelinkage_{name} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&start));
    line.unwrap_or_else(|| panic!("no {name} in\n{text}"))
}

async fn status(setup: &Setup, area: &str) -> Result<v1::Status, tonic::Status> {
    let request = v1::GetStatusRequest {
        area: area.into(),
        month: Some(v1::YearMonth { year: 2021, month: 4 }),
        ..Default::default()
    };
    let mut client = price_linkage::client::trigger(&setup.transport);
    Ok(client.get_status(request).await?.into_inner())
}

#[tokio::test]
async fn calls_are_counted_by_rpc_and_outcome_once_they_end() {
    let setup = setup();
    status(&setup, "150300").await.unwrap();
    status(&setup, "150300").await.unwrap();
    status(&setup, "999999").await.unwrap_err();
    let mut replay = price_linkage::client::replay(&setup.transport);
    let request = v1::ReplayRequest { areas: vec!["150300".into()], ..Default::default() };
    let stream = replay.replay(request).await.unwrap();
    let (_, text) = get(&setup.app, "/metrics").await;
    let count = |rpc, code| format!("call_duration_seconds_count{{rpc=\"{rpc}\",code=\"{code}\"}}");
    assert_eq!(value(&text, &count("TriggerService/GetStatus", "OK")), "2");
    assert_eq!(value(&text, &count("TriggerService/GetStatus", "NOT_FOUND")), "1");
    assert_eq!(value(&text, "calls_open"), "1");
    assert!(!text.contains("ReplayService/Replay"), "{text}");
    drop(stream);
    let (_, text) = get(&setup.app, "/metrics").await;
    assert_eq!(value(&text, &count("ReplayService/Replay", "CANCELLED")), "1");
    assert_eq!(value(&text, "calls_open"), "0");
}

#[tokio::test]
async fn what_is_known_and_what_is_due_are_numbers() {
    let setup = setup();
    let (status, text) = get(&setup.app, "/metrics").await;
    assert_eq!(status, StatusCode::OK);
    assert!(value(&text, "figures").parse::<u64>().unwrap() > 43_000);
    assert_eq!(value(&text, "writer_waiting"), "0");
    assert_eq!(value(&text, "writer_unwritable"), "0");
    for state in ["draft", "submitted", "approved", "released", "closed", "rejected", "voided"] {
        assert_eq!(value(&text, &format!("runs{{state=\"{state}\"}}")), "0");
    }
    for name in [
        "areas_undecidable",
        "areas_awaiting_figures",
        "newest_index_age_months",
        "payments_without_run{due=\"past\"}",
        "payments_without_run{due=\"near\"}",
        "payments_without_run{due=\"unknown\"}",
    ] {
        value(&text, name).parse::<u64>().unwrap();
    }
    assert!(text.ends_with("# EOF\n"));
    let again = get(&setup.app, "/metrics").await.1;
    assert_eq!(value(&again, "areas_undecidable"), value(&text, "areas_undecidable"));
}

#[tokio::test]
async fn every_metric_is_documented_and_every_documented_one_is_there() {
    let setup = setup();
    status(&setup, "150300").await.unwrap();
    let (_, text) = get(&setup.app, "/metrics").await;
    let there = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let mut there: Vec<_> = there.map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    there.sort();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
    let page = std::fs::read_to_string(path).unwrap();
    let documented = page.lines().filter_map(|line| line.strip_prefix("| `pricelinkage_"));
    let mut documented: Vec<_> = documented
        .map(|line| format!("pricelinkage_{}", line.split(['`', '{']).next().unwrap()))
        .collect();
    documented.sort();
    assert_eq!(documented, there);
}

#[test]
fn alerts_and_the_dashboard_ask_for_documented_metrics_only() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    let read = |path: &str| std::fs::read_to_string(format!("{root}{path}")).unwrap();
    let page = read("docs/metrics.md");
    for file in ["examples/deploy/alerts.yml", "examples/deploy/dashboard.json"] {
        let text = read(file);
        let asked = text.split("pricelinkage_").skip(1);
        let is_of_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
        let asked: std::collections::BTreeSet<_> =
            asked.map(|rest| rest.split(|letter| !is_of_name(letter)).next().unwrap()).collect();
        assert!(3 < asked.len(), "{file}");
        for name in asked {
            // What a histogram and a counter are asked for by.
            let ends = ["_bucket", "_count", "_total"];
            let name = ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            let documented = |end: char| page.contains(&format!("| `pricelinkage_{name}{end}"));
            assert!(documented('`') || documented('{'), "{file}: {name}");
        }
    }
}

#[tokio::test]
async fn it_lives_and_is_ready_until_it_stops() {
    let setup = setup();
    assert_eq!(get(&setup.app, "/healthz").await, (StatusCode::OK, "ok\n".into()));
    assert_eq!(get(&setup.app, "/readyz").await, (StatusCode::OK, "ready\n".into()));
    setup.watched.stopping();
    let stopping = (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".into());
    assert_eq!(get(&setup.app, "/readyz").await, stopping);
    assert_eq!(get(&setup.app, "/healthz").await.0, StatusCode::OK);
}

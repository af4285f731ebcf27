//! What an OpenTelemetry collector is told of calls.

use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    io::{BufRead, BufReader},
    pin::Pin,
    process::{Command, Stdio},
    task::{Context, Poll},
    time::Duration,
};

use price_linkage::grpc::v1::{GetStatusRequest, trigger_service_client::TriggerServiceClient};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use tonic::{
    Request, Response, Status,
    body::Body,
    codegen::http,
    server::{Grpc, NamedService, UnaryService},
    transport::{Endpoint, Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;

/// Keeps what it is sent: the first field of the request, read as bytes.
#[derive(Clone)]
struct Collector(mpsc::UnboundedSender<Vec<u8>>);

impl NamedService for Collector {
    const NAME: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
}

impl UnaryService<Vec<u8>> for Collector {
    type Response = ();
    type Future = Ready<Result<Response<()>, Status>>;

    fn call(&mut self, request: Request<Vec<u8>>) -> Self::Future {
        self.0.send(request.into_inner()).unwrap();
        ready(Ok(Response::new(())))
    }
}

impl tower::Service<http::Request<Body>> for Collector {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let one = self.clone();
        Box::pin(async move { Ok(Grpc::new(ProstCodec::default()).unary(one, request).await) })
    }
}

fn program(folder: &std::path::Path, url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_price-linkage"));
    command.current_dir(folder).args(["serve", "--listen", "127.0.0.1:0", "--traces", url]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_a_span_of_the_callers_trace_with_its_rpc_outcome_and_id() {
    let (sender, mut told) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let collector = format!("http://{}", listener.local_addr().unwrap());
    let server = Server::builder().add_service(Collector(sender));
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));

    let folder = tempfile::tempdir().unwrap();
    let mut child = program(folder.path(), &collector).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let address = line.strip_prefix("serving on ").unwrap().split(',').next().unwrap();

    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let mut client = TriggerServiceClient::new(endpoint.connect().await.unwrap());
    let (id, trace) = ("0191a7a4-0000-7000-8000-000000000001", "0af7651916cd43dd8448eb211c80319c");
    let mut request =
        Request::new(GetStatusRequest { area: "999999".into(), ..Default::default() });
    request.metadata_mut().insert("x-request-id", id.parse().unwrap());
    let parent = format!("00-{trace}-b7ad6b7169203331-01");
    request.metadata_mut().insert("traceparent", parent.parse().unwrap());
    client.get_status(request).await.unwrap_err();

    // What is not yet sent is sent before the program ends.
    let stopped = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(stopped.success() && child.wait().unwrap().success());
    let sent = timeout(Duration::from_secs(30), told.recv()).await.unwrap().unwrap();
    let has = |part: &[u8]| sent.windows(part.len()).any(|one| one == part);
    for part in ["TriggerService/GetStatus", "INVALID_ARGUMENT", id, "price-linkage"] {
        assert!(has(part.as_bytes()), "{part}");
    }
    assert!(has(&hex::decode(trace).unwrap()));
    // What was asked for is not told.
    assert!(!has(b"999999"));
}

#[test]
fn a_collector_elsewhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for url in ["http://10.1.1.1:4317", "https://127.0.0.1:4317"] {
        let output = program(folder.path(), url).stderr(Stdio::piped()).output().unwrap();
        assert!(!output.status.success());
        let expected = format!(
            "error: --traces {url}/: expected http:// and this machine, as in \
             http://127.0.0.1:4317\n"
        );
        assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
    }
    assert!(!folder.path().join("price-linkage.store").exists());
}

//! Over a real port: tokens and certificates, encryption, changes of the file, limits.

use std::{fs, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use price_linkage::{
    access::limit::Limits,
    grpc::{
        encryption::{Certificates, Clients, EncryptError, Encryption, Spoken},
        server::{self, Doors},
        v1::{self, trigger_service_client::TriggerServiceClient},
    },
    metrics::Calls,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use sha2::{Digest, Sha256};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tonic::{
    Code, Request, Status,
    metadata::MetadataValue,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::v1 as reflection;
use tonic_types::StatusExt;

use super::fixture::{House, PLENTY, Row, house, own_house, text, token};

struct Open {
    house: House,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

async fn open(rows: &[Row<'_>], limits: Limits, encryption: Option<Arc<Encryption>>) -> Open {
    opened(tokio::task::block_in_place(|| house(rows, limits)), encryption).await
}

async fn opened(house: House, encryption: Option<Arc<Encryption>>) -> Open {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server::address(&listener).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let doors = Doors { gate: house.gate.clone(), encryption, calls: Calls::default() };
    let service = house.service.clone();
    let served = tokio::spawn(async move {
        let stop = async move { drop(stopped.await) };
        server::serve_behind(doors, service, listener, stop).await.unwrap();
    });
    Open { house, address, stop, served }
}

impl Open {
    async fn plain(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    async fn close(self) {
        let _ = self.stop.send(());
        self.served.await.unwrap();
    }
}

fn asked(token: Option<&str>, area: &str) -> Request<v1::GetStatusRequest> {
    let month = Some(v1::YearMonth { year: 2020, month: 3 });
    let area = area.to_owned();
    let mut request = Request::new(v1::GetStatusRequest { area, month, ..Default::default() });
    if let Some(token) = token {
        let value: MetadataValue<_> = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    request
}

async fn status(channel: &Channel, request: Request<v1::GetStatusRequest>) -> Result<(), Status> {
    TriggerServiceClient::new(channel.clone()).get_status(request).await.map(drop)
}

fn reason(result: Result<(), Status>) -> String {
    match result {
        Ok(()) => String::new(),
        Err(status) => {
            let details = status.get_error_details();
            details.error_info().map(|info| info.reason.clone()).unwrap_or_default()
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_signs_in_as_its_holder_and_nothing_else_does() {
    let rows = [Row("zhang", "reader:150100", &[1, 2], &[]), Row("li", "reader:150300", &[3], &[])];
    let open = open(&rows, PLENTY, None).await;
    let channel = open.plain().await;
    let (zhang, li) = (token(1), token(3));
    let crossed = format!("{}{}", &li[..14], &zhang[14..]);
    let shorter = &zhang[..zhang.len() - 1];
    for (token, area, expected) in [
        (Some(&*zhang), "150100", ""),
        (Some(&*zhang), "150100", ""),
        (Some(&*token(2)), "150100", ""),
        (Some(&*zhang), "150300", "NOT_YOURS"),
        (Some(&*li), "150300", ""),
        (Some(&*token(4)), "150100", "SIGN_IN"),
        (Some(&*crossed), "150100", "SIGN_IN"),
        (Some(shorter), "150100", "SIGN_IN"),
        (Some(""), "150100", "SIGN_IN"),
        (None, "150100", "SIGN_IN"),
    ] {
        let found = status(&channel, asked(token, area)).await;
        assert_eq!(reason(found), expected, "{token:?} {area}");
    }
    let mut named = asked(Some(&zhang), "150100");
    named.metadata_mut().insert("principal", "zhang".parse().unwrap());
    assert_eq!(reason(status(&channel, named).await), "");
    let mut other = asked(Some(&zhang), "150100");
    other.metadata_mut().insert("principal", "li".parse().unwrap());
    assert_eq!(reason(status(&channel, other).await), "OTHER_NAME");
    let mut stated = asked(None, "150100");
    stated.metadata_mut().insert("principal", "zhang".parse().unwrap());
    assert_eq!(reason(status(&channel, stated).await), "SIGN_IN");
    open.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_is_for_everybody_and_reflection_for_whoever_signed_in() {
    let open = open(&[Row("zhang", "reader:150100", &[1], &[])], PLENTY, None).await;
    let channel = open.plain().await;
    let service = "pricelinkage.v1.RosterService".to_owned();
    let checked = HealthClient::new(channel.clone()).check(HealthCheckRequest { service }).await;
    assert_eq!(checked.unwrap().into_inner().status, 1);
    let list = |token: Option<String>| {
        let channel = channel.clone();
        async move {
            let message = reflection::ServerReflectionRequest {
                message_request: Some(
                    reflection::server_reflection_request::MessageRequest::ListServices("".into()),
                ),
                ..Default::default()
            };
            let mut request = Request::new(tokio_stream::iter([message]));
            if let Some(token) = token {
                let value = format!("Bearer {token}").parse().unwrap();
                request.metadata_mut().insert("authorization", value);
            }
            let mut client =
                reflection::server_reflection_client::ServerReflectionClient::new(channel);
            client.server_reflection_info(request).await.map(drop)
        }
    };
    assert_eq!(list(None).await.unwrap_err().code(), Code::Unauthenticated);
    assert!(list(Some(token(1))).await.is_ok());
    open.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_rotate_and_rights_change_without_a_restart_and_a_wrong_file_changes_nothing() {
    let row = |tokens: &'static [u64], grants| Row("zhang", grants, tokens, &[]);
    let open = open(&[row(&[1], "reader:150100")], PLENTY, None).await;
    let channel = open.plain().await;
    let (first, second) = (token(1), token(2));
    let ask =
        async |token: &str, area: &str| reason(status(&channel, asked(Some(token), area)).await);
    let change = |text: String| {
        fs::write(&open.house.file, text).unwrap();
        open.house.directory.reread();
    };
    assert_eq!(ask(&first, "150100").await, "");
    assert_eq!(ask(&second, "150100").await, "SIGN_IN");
    change(text(&[row(&[1, 2], "reader:150100")]));
    assert_eq!((ask(&first, "150100").await, ask(&second, "150100").await), ("".into(), "".into()));
    change(text(&[row(&[2], "reader:150100")]));
    assert_eq!(ask(&first, "150100").await, "SIGN_IN", "although it was checked a moment ago");
    assert_eq!(ask(&second, "150100").await, "");
    change(text(&[row(&[2], "reader:150300")]));
    assert_eq!(ask(&second, "150100").await, "NOT_YOURS");
    for wrong in ["", "[[principal]]\nname = 1\n", &text(&[row(&[1], "chief:150100")])] {
        change(wrong.to_owned());
        assert_eq!(ask(&second, "150300").await, "", "{wrong:?}");
        assert_eq!(ask(&first, "150300").await, "SIGN_IN", "{wrong:?}");
    }
    fs::remove_file(&open.house.file).unwrap();
    open.house.directory.reread();
    assert_eq!(ask(&second, "150300").await, "");
    let expired = text(&[row(&[2], "reader:150300")]) + "expires = \"2020-01-01T00:00:00Z\"\n";
    change(expired);
    assert_eq!(ask(&second, "150300").await, "SIGN_IN");
    open.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_ends_with_the_rights_of_whoever_opened_it() {
    let rows = |grants| [Row("li", grants, &[1], &[]), Row("clerk", "recorder:000000", &[2], &[])];
    let house = tokio::task::block_in_place(|| own_house(&rows("reader:150000"), PLENTY));
    let open = opened(house, None).await;
    let channel = open.plain().await;
    let mut request = Request::new(v1::WatchDecisionsRequest { within: "150000".into() });
    request.metadata_mut().insert("authorization", format!("Bearer {}", token(1)).parse().unwrap());
    let mut client = TriggerServiceClient::new(channel.clone());
    let mut watch = client.watch_decisions(request).await.unwrap().into_inner();
    fs::write(&open.house.file, text(&rows("reader:150100"))).unwrap();
    open.house.directory.reread();
    let figure = v1::Figure {
        area: "150300".into(),
        series: "cpi".into(),
        month: Some(v1::YearMonth { year: 2021, month: 4 }),
        value: Some(price_linkage::grpc::Decimal { value: "9.9".into() }),
        source: "test".into(),
        ..Default::default()
    };
    let record = v1::RecordFiguresRequest {
        request_id: super::fixture::id(1),
        validate_only: false,
        figures: vec![figure],
    };
    let mut request = Request::new(record);
    request.metadata_mut().insert("authorization", format!("Bearer {}", token(2)).parse().unwrap());
    let mut index = v1::index_service_client::IndexServiceClient::new(channel);
    let recorded = index.record_figures(request).await.unwrap().into_inner();
    assert!(0 < recorded.decisions, "{recorded:?}");
    let ended = watch.message().await.unwrap_err();
    assert_eq!(ended.code(), Code::Unauthenticated);
    open.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_calls_are_told_when_to_come_again() {
    let rows = [Row("zhang", "reader:150100", &[1], &[]), Row("li", "reader:150100", &[2], &[])];
    let often = Limits { calls_per_second: 1, calls_at_once: 100 };
    let first = open(&rows, often, None).await;
    let channel = first.plain().await;
    let zhang = token(1);
    let mut refused = None;
    for _ in 0..100 {
        if let Err(status) = status(&channel, asked(Some(&zhang), "150100")).await {
            refused = Some(status);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let details = refused.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "TOO_MANY_CALLS");
    let delay = details.retry_info().unwrap().retry_delay.unwrap();
    assert!(delay.as_secs_f64() <= 1.0 && !delay.is_zero(), "{delay:?}");
    assert_eq!(reason(status(&channel, asked(Some(&token(2)), "150100")).await), "");
    first.close().await;

    let once = Limits { calls_per_second: 1_000, calls_at_once: 2 };
    let second = open(&rows, once, None).await;
    let channel = second.plain().await;
    let mut client = TriggerServiceClient::new(channel.clone());
    let mut watch = async || {
        let mut request = Request::new(v1::WatchDecisionsRequest { within: "150100".into() });
        let value = format!("Bearer {zhang}").parse().unwrap();
        request.metadata_mut().insert("authorization", value);
        client.watch_decisions(request).await
    };
    let (one, two) = (watch().await.unwrap(), watch().await.unwrap());
    assert_eq!(watch().await.unwrap_err().code(), Code::ResourceExhausted);
    let own = status(&channel, asked(Some(&zhang), "150100")).await;
    assert_eq!(reason(own), "TOO_MANY_CALLS");
    assert_eq!(reason(status(&channel, asked(Some(&token(2)), "150100")).await), "");
    drop((one, two));
    // The server learns of it when it next hears from the connection.
    let mut freed = Err(Status::unknown(""));
    for _ in 0..1_000 {
        freed = status(&channel, asked(Some(&zhang), "150100")).await;
        if freed.is_ok() {
            break;
        }
    }
    assert_eq!(reason(freed), "");
    second.close().await;
}

/// An authority, and what it signs.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, in PEM, and its fingerprint.
struct Signed {
    cert: String,
    key: String,
    fingerprint: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    fn pem(&self) -> Certificate {
        Certificate::from_pem(self.0.pem())
    }

    fn sign(&self, name: &str) -> Signed {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.0).unwrap();
        let fingerprint = hex::encode(Sha256::digest(cert.der()));
        Signed { cert: cert.pem(), key: key.serialize_pem(), fingerprint }
    }
}

impl Signed {
    fn put(&self, folder: &Path) {
        fs::write(folder.join("cert.pem"), &self.cert).unwrap();
        fs::write(folder.join("key.pem"), &self.key).unwrap();
    }

    fn identity(&self) -> Identity {
        Identity::from_pem(&self.cert, &self.key)
    }
}

/// By the files `cert.pem` and `key.pem` of a folder, and by `ca.pem` where clients show certificates.
fn encryption(folder: &Path, clients: Option<bool>) -> Result<Arc<Encryption>, EncryptError> {
    let authority = folder.join("ca.pem");
    let clients = clients.map(|are_required| Clients { authority, are_required });
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    Encryption::open(Certificates { cert, key, clients }, Spoken::Http2).map(Arc::new)
}

async fn encrypted(
    address: SocketAddr,
    trusted: &Authority,
    shown: Option<&Signed>,
) -> Result<Channel, tonic::transport::Error> {
    let mut tls = ClientTlsConfig::new().ca_certificate(trusted.pem()).domain_name("localhost");
    if let Some(shown) = shown {
        tls = tls.identity(shown.identity());
    }
    let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap();
    endpoint.tls_config(tls).unwrap().connect().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_sign_in_over_an_encrypted_connection_and_tokens_do_as_well() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (server, zhang, unlisted) =
        (authority.sign("localhost"), authority.sign("zhang"), authority.sign("wang"));
    let forged = other.sign("zhang");
    let prints = [zhang.fingerprint.clone()];
    // The fingerprint alone is not enough: the authority must have signed it.
    let forged_prints = [forged.fingerprint.clone()];
    let rows = [
        Row("zhang", "reader:150100", &[], &prints),
        Row("li", "reader:150300", &[3], &[]),
        Row("forger", "reader:000000", &[], &forged_prints),
    ];
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ca.pem"), authority.0.pem()).unwrap();
    server.put(folder.path());
    let encryption = |required| Some(encryption(folder.path(), Some(required)).unwrap());
    let optional = open(&rows, PLENTY, encryption(false)).await;
    let address = optional.address;
    let with = async |shown| encrypted(address, &authority, shown).await.unwrap();
    let ask = async |channel: &Channel, token: Option<&str>, area: &str| {
        reason(status(channel, asked(token, area)).await)
    };
    let own = with(Some(&zhang)).await;
    assert_eq!(ask(&own, None, "150100").await, "");
    assert_eq!(ask(&own, None, "150300").await, "NOT_YOURS");
    // Who shows a token is whom it names, whatever the connection; a wrong one is no sign-in.
    assert_eq!(ask(&own, Some(&token(3)), "150300").await, "");
    assert_eq!(ask(&own, Some(&token(9)), "150100").await, "SIGN_IN");
    assert_eq!(ask(&with(Some(&unlisted)).await, None, "150100").await, "SIGN_IN");
    let none = with(None).await;
    assert_eq!(ask(&none, None, "150100").await, "SIGN_IN");
    assert_eq!(ask(&none, Some(&token(3)), "150300").await, "");
    // A stranger's certificate breaks the connection, at the latest with the first call.
    let refused = match encrypted(address, &authority, Some(&forged)).await {
        Err(_) => true,
        Ok(channel) => status(&channel, asked(None, "150100")).await.is_err(),
    };
    assert!(refused);
    // A client that trusts another authority does not connect, nor does one without encryption.
    assert!(encrypted(address, &other, None).await.is_err());
    let plain = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await;
    let plain = match plain {
        Err(_) => true,
        Ok(channel) => status(&channel, asked(Some(&token(3)), "150300")).await.is_err(),
    };
    assert!(plain);
    optional.close().await;

    let required = open(&rows, PLENTY, encryption(true)).await;
    let address = required.address;
    let own = encrypted(address, &authority, Some(&zhang)).await.unwrap();
    assert_eq!(reason(status(&own, asked(None, "150100")).await), "");
    let none = match encrypted(address, &authority, None).await {
        Err(_) => true,
        Ok(channel) => status(&channel, asked(Some(&token(3)), "150300")).await.is_err(),
    };
    assert!(none);
    drop(own);
    required.close().await;
}

/// Longer than it takes until files are looked at again.
const LOOKED_AT: Duration = Duration::from_millis(1_100);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_certificate_is_shown_without_a_restart_and_one_that_does_not_fit_is_not() {
    let (old, new) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    old.sign("localhost").put(folder.path());
    let rows = [Row("li", "reader:150300", &[3], &[])];
    let open = open(&rows, PLENTY, Some(encryption(folder.path(), None).unwrap())).await;
    let address = open.address;
    let before = encrypted(address, &old, None).await.unwrap();
    assert_eq!(reason(status(&before, asked(None, "150100")).await), "SIGN_IN");
    assert!(encrypted(address, &new, None).await.is_err());

    let renewed = new.sign("localhost");
    fs::write(folder.path().join("cert.pem"), &renewed.cert).unwrap();
    tokio::time::sleep(LOOKED_AT).await;
    assert!(encrypted(address, &new, None).await.is_err());
    assert!(encrypted(address, &old, None).await.is_ok());

    fs::write(folder.path().join("key.pem"), &renewed.key).unwrap();
    tokio::time::sleep(LOOKED_AT).await;
    assert!(encrypted(address, &new, None).await.is_ok());
    assert!(encrypted(address, &old, None).await.is_err());
    // Who is connected stays so.
    assert_eq!(reason(status(&before, asked(None, "150100")).await), "SIGN_IN");
    drop(before);
    open.close().await;
}

#[test]
fn files_that_encrypt_nothing_are_refused_by_name() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    authority.sign("localhost").put(folder);
    let told = |clients| encryption(folder, clients).unwrap_err().to_string();
    let path = |name: &str| folder.join(name).display().to_string();
    assert!(told(Some(true)).starts_with(&format!("read {}: ", path("ca.pem"))));
    fs::write(folder.join("ca.pem"), "no authority").unwrap();
    assert_eq!(
        told(Some(false)),
        format!(
            "{}: expected the authority of client certificates in PEM, which begins with \
             -----BEGIN: there is none",
            path("ca.pem")
        )
    );
    fs::write(folder.join("key.pem"), authority.sign("localhost").key).unwrap();
    assert!(
        told(None)
            .starts_with(&format!("{}: expected the key of the certificate", path("key.pem")))
    );
    fs::write(folder.join("cert.pem"), "").unwrap();
    assert!(
        told(None)
            .starts_with(&format!("{}: expected a certificate and its chain", path("cert.pem")))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_principals_nobody_signs_in_and_names_are_as_stated() {
    let service =
        tokio::task::block_in_place(|| price_linkage::service::Service::in_memory(&[]).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server::address(&listener).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = server::serve(Arc::new(service), listener, async move { drop(stopped.await) });
    let served = tokio::spawn(serving);
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let channel = channel.connect().await.unwrap();
    assert_eq!(reason(status(&channel, asked(None, "150100")).await), "");
    assert_eq!(reason(status(&channel, asked(Some("anything"), "150100")).await), "");
    let mut runs = v1::run_service_client::RunServiceClient::new(channel);
    let head = v1::Headcount {
        month: Some(v1::YearMonth { year: 2020, month: 3 }),
        area: "150102".into(),
        group: "subsistence_allowance".into(),
        residence: v1::Residence::Urban.into(),
        persons: 3,
        ..Default::default()
    };
    let make = v1::MakeRunRequest {
        request_id: super::fixture::id(1),
        headcounts: vec![head],
        ..Default::default()
    };
    let mut named = Request::new(make.clone());
    named.metadata_mut().insert("principal", "zhang".parse().unwrap());
    let run = runs.make_run(named).await.unwrap().into_inner().run.unwrap();
    assert_eq!(run.made_by, "zhang");
    let nameless = runs.make_run(make).await.unwrap_err();
    assert_eq!(nameless.get_error_details().error_info().unwrap().reason, "BAD_FIELD");
    let _ = stop.send(());
    served.await.unwrap().unwrap();
}

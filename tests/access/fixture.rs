//! Principals, services and calls of any rpc.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

use argon2::{Argon2, Params, PasswordHasher, password_hash::phc::PasswordHash};
use http_body_util::BodyExt;
use price_linkage::{
    access::{Caller, Directory, Principal, limit::Limits},
    domain::area::Areas,
    grpc::{DESCRIPTORS, access::Gate, server},
    service::{self, Service},
};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};
use serde_json::{Value, json};
use tonic::{Code, Status, body::Body, service::Routes};
use tonic_types::StatusExt;
use tower::ServiceExt;

pub static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).unwrap());

/// Tests may call as often as they like.
pub const PLENTY: Limits = Limits { calls_per_second: 1_000_000, calls_at_once: 1_000_000 };

/// The token of a number.
pub fn token(number: u64) -> String {
    format!("pl_{number:010x}_{number:064x}")
}

/// Its hash, at the least cost there is.
pub fn hash(token: &str) -> String {
    let argon2 = Argon2::from(Params::new(8, 1, 1, None).unwrap());
    let hash: PasswordHash =
        argon2.hash_password_with_salt(token.as_bytes(), b"salt of the test").unwrap();
    hash.to_string()
}

/// A principal of the file: name, grants parted by spaces, numbers of tokens, fingerprints.
pub struct Row<'a>(pub &'a str, pub &'a str, pub &'a [u64], pub &'a [String]);

/// The file of principals.
pub fn text(rows: &[Row<'_>]) -> String {
    let mut text = String::new();
    for Row(name, grants, tokens, certificates) in rows {
        let grants: Vec<_> = grants.split(' ').collect();
        let tokens = tokens.iter().map(|number| {
            format!("{{ id = \"{number:010x}\", hash = \"{}\" }}", hash(&token(*number)))
        });
        let tokens: Vec<_> = tokens.collect();
        writeln!(
            text,
            "[[principal]]\nname = {name:?}\ngrants = {grants:?}\ntokens = [{}]\n\
             certificates = {certificates:?}\n",
            tokens.join(", ")
        )
        .unwrap();
    }
    text
}

/// A service in memory behind a gate, and the file of its principals.
pub struct House {
    pub service: Arc<Service>,
    pub directory: Arc<Directory>,
    pub gate: Arc<Gate>,
    pub routes: Routes,
    pub file: PathBuf,
    _folder: tempfile::TempDir,
}

/// A service that nothing is recorded in; loading the data takes a while.
static READ_ONLY: LazyLock<Arc<Service>> =
    LazyLock::new(|| Arc::new(Service::in_memory(&[]).unwrap()));

/// Over a service in which nothing is recorded.
pub fn house(rows: &[Row<'_>], limits: Limits) -> House {
    over(READ_ONLY.clone(), rows, limits)
}

/// Over a service of its own.
pub fn own_house(rows: &[Row<'_>], limits: Limits) -> House {
    over(Arc::new(Service::in_memory(&[]).unwrap()), rows, limits)
}

fn over(service: Arc<Service>, rows: &[Row<'_>], limits: Limits) -> House {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("principals.toml");
    fs::write(&file, text(rows)).unwrap();
    let directory = Arc::new(open(&file, &service.reference.data.areas));
    let gate = Arc::new(Gate::new(directory.clone(), limits));
    let routes = server::guarded(&service, &gate).prepare();
    House { service, directory, gate, routes, file, _folder: folder }
}

pub fn open(file: &Path, areas: &Areas) -> Directory {
    Directory::open(file, areas, service::now).unwrap()
}

impl House {
    pub fn known(&self, name: &str) -> Caller {
        Caller::Known(self.directory.by_name(name).unwrap())
    }

    /// Calls an rpc as a listed principal.
    pub async fn ask(&self, name: &str, rpc: &str, message: Value) -> Answer {
        call(&self.routes, Some(self.known(name)), rpc, vec![message]).await
    }
}

/// Somebody who is not listed, but says so.
pub fn stranger(grants: &str) -> Caller {
    let grants = grants.split(' ').map(|grant| grant.parse().unwrap()).collect();
    Caller::Known(Arc::new(Principal { name: "stranger".into(), grants }))
}

/// How a call ended, and what came of it.
#[derive(Debug)]
pub struct Answer {
    pub status: Status,
    pub messages: Vec<DynamicMessage>,
}

impl Answer {
    pub fn code(&self) -> Code {
        self.status.code()
    }

    pub fn reason(&self) -> String {
        let details = self.status.get_error_details();
        details.error_info().map(|info| info.reason.clone()).unwrap_or_default()
    }

    /// Whether the gate or a handler refused who asked, not what was asked.
    pub fn refuses_the_asker(&self) -> bool {
        matches!(self.code(), Code::Unauthenticated | Code::PermissionDenied)
    }

    /// Everything that was answered, as JSON.
    pub fn json(&self) -> String {
        let all: Vec<_> =
            self.messages.iter().map(|one| serde_json::to_string(one).unwrap()).collect();
        all.join("\n")
    }
}

/// The rpc called by a short name such as `RunService/GetRun`.
pub fn method(rpc: &str) -> MethodDescriptor {
    let (service, method) = rpc.split_once('/').unwrap();
    let service = POOL.get_service_by_name(&format!("pricelinkage.v1.{service}")).unwrap();
    service.methods().find(|one| one.name() == method).unwrap()
}

fn framed(message: &DynamicMessage) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    let mut frame = vec![0];
    frame.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    frame.extend_from_slice(&bytes);
    frame
}

/// Calls an rpc with messages, each given as JSON.
pub async fn call(
    routes: &Routes,
    caller: Option<Caller>,
    rpc: &str,
    messages: Vec<Value>,
) -> Answer {
    let method = method(rpc);
    let frames = messages.into_iter().flat_map(|message| {
        let read = DynamicMessage::deserialize(method.input(), message);
        framed(&read.unwrap_or_else(|error| panic!("{rpc}: {error}")))
    });
    let body = http_body_util::Full::new(bytes::Bytes::from(frames.collect::<Vec<_>>()));
    let mut request = http::Request::post(format!("http://here/pricelinkage.v1.{rpc}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::new(body))
        .unwrap();
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    let answer = routes.clone().oneshot(request).await.unwrap();
    let (parts, body) = answer.into_parts();
    if let Some(status) = Status::from_header_map(&parts.headers) {
        return Answer { status, messages: Vec::new() };
    }
    if rpc == "TriggerService/WatchDecisions" {
        // It has no end.
        return Answer { status: Status::ok(""), messages: Vec::new() };
    }
    let collected = body.collect().await.unwrap();
    let trailers = collected.trailers().cloned().unwrap_or_default();
    let status = Status::from_header_map(&trailers).unwrap_or_else(|| Status::unknown("none"));
    let bytes = collected.to_bytes();
    let (mut rest, mut messages) = (&bytes[..], Vec::new());
    while let [0, a, b, c, d, after @ ..] = rest {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (message, after) = after.split_at(length);
        messages.push(DynamicMessage::decode(method.output(), message).unwrap());
        rest = after;
    }
    Answer { status, messages }
}

pub fn id(number: u32) -> String {
    format!("0191a7a4-0000-7000-8000-{number:012}")
}

/// New Town in Hohhot in March 2020, when the mechanism paid.
pub fn headcounts() -> Value {
    json!([{
        "month": { "year": 2020, "month": 3 },
        "area": "150102",
        "group": "subsistence_allowance",
        "residence": "RESIDENCE_URBAN",
        "persons": 1200,
    }])
}

/// Makes a run and says its id.
pub async fn made(house: &House, name: &str, number: u32) -> String {
    let message = json!({ "requestId": id(number), "headcounts": headcounts() });
    let answer = house.ask(name, "RunService/MakeRun", message).await;
    assert_eq!(answer.code(), Code::Ok, "{:?}", answer.status);
    let message = serde_json::to_value(&answer.messages[0]).unwrap();
    message["run"]["id"].as_str().unwrap().to_owned()
}

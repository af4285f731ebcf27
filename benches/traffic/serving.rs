//! The servers under load, each a process of its own.

use std::{
    convert::Infallible,
    fs,
    future::{Future, Ready, ready},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    pin::Pin,
    process::{Child, ChildStdout, Command, Stdio},
    task::{Context, Poll},
};

use price_linkage::grpc::v1;
use prost::Message;
use tempfile::TempDir;
use tonic::{
    Request, Response, Status,
    body::Body,
    codegen::http,
    server::{Grpc, NamedService, UnaryService},
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A server until it is dropped.
pub struct Served {
    child: Child,
    pub address: String,
    /// Of the page, where there is one.
    pub page: Option<String>,
    // Kept open: a program whose output nobody reads ends at its next line.
    _output: BufReader<ChildStdout>,
    folder: TempDir,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn started(mut command: Command, folder: TempDir, has_page: bool) -> Result<Served, Failure> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut output = BufReader::new(child.stdout.take().ok_or("no output")?);
    let (mut address, mut page) = (None, None);
    while address.is_none() || has_page && page.is_none() {
        let mut line = String::new();
        if output.read_line(&mut line)? == 0 {
            return Err("the server ended at its start".into());
        }
        if let Some(rest) = line.strip_prefix("serving on ") {
            address = rest.trim().split(',').next().map(str::to_owned);
        }
        if let Some(rest) = line.strip_prefix("page on http://") {
            page = Some(rest.trim().trim_end_matches('/').to_owned());
        }
    }
    let address = address.ok_or("no address")?;
    Ok(Served { child, address, page, _output: output, folder })
}

fn copied(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to)?;
    for found in fs::read_dir(from)? {
        let from = found?.path();
        let to = to.join(from.file_name().ok_or("no name")?);
        match from.is_dir() {
            true => copied(&from, &to)?,
            false => drop(fs::copy(&from, &to)?),
        }
    }
    Ok(())
}

/// The service with the shipped data and those of a made-up province, over a store of its own.
pub fn ours() -> Result<Served, Failure> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    copied(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/roster"), &data)?;
    let mut table = "month,area_code,series,yoy_pct,released_on,source\n".to_owned();
    for month in (2021 * 12 + 4)..(2023 * 12) {
        for area in ["990000", "990100", "990200"] {
            let (year, month) = (month / 12, month % 12 + 1);
            table += &format!("{year}-{month:02},{area},cpi,3.5,,调查队\n");
        }
    }
    fs::write(data.join("indices/traffic.csv"), table)?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_price-linkage"));
    command.current_dir(folder.path()).args(["--store", "store", "--data", "data", "serve"]);
    command.args(["--listen", "127.0.0.1:0", "--page", "127.0.0.1:0"]);
    started(command, folder, true)
}

/// A bare tonic server, which answers each status with the same message.
pub fn echo(answer: &v1::Status) -> Result<Served, Failure> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("answer");
    fs::write(&file, answer.encode_to_vec())?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("bare").arg(file);
    started(command, folder, false)
}

impl Served {
    pub async fn connected(&self) -> Result<Channel, Failure> {
        Ok(Endpoint::from_shared(format!("http://{}", self.address))?.connect().await?)
    }

    /// Memory that is resident now, in KiB.
    pub fn resident(&self) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let text = text.unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }
}

#[derive(Clone)]
struct Bare(v1::Status);

impl NamedService for Bare {
    const NAME: &'static str = "pricelinkage.v1.TriggerService";
}

impl UnaryService<v1::GetStatusRequest> for Bare {
    type Response = v1::Status;
    type Future = Ready<Result<Response<v1::Status>, Status>>;

    fn call(&mut self, _: Request<v1::GetStatusRequest>) -> Self::Future {
        ready(Ok(Response::new(self.0.clone())))
    }
}

impl tower::Service<http::Request<Body>> for Bare {
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

/// Serves until the process is killed.
pub async fn bare(answer: &Path) -> Result<(), Failure> {
    let answer = v1::Status::decode(&*fs::read(answer)?)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("serving on {},", listener.local_addr()?);
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    Server::builder().add_service(Bare(answer)).serve_with_incoming(incoming).await?;
    Ok(())
}

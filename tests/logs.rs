//! What the log tells of calls, and that neither it nor anything else that is printed or counted tells of
//! a person.

mod people;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
};

use people::number;
use price_linkage::{
    grpc::v1::{GetRunRequest, run_service_client::RunServiceClient},
    roster::person::PersonKey,
};
use serde_json::Value;
use tonic::{Code, Request, transport::Channel};

/// Who is on the roster.
const PERSONS: u32 = 40;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/roster")
}

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_price-linkage"));
    command.current_dir(folder).env("RUST_LOG", "warn,price_linkage=trace");
    command
}

/// The numbers, names and accounts of the roster.
fn secrets() -> Vec<String> {
    let of = |at: u32| [number(at), format!("隐名{at:03}"), format!("99000000000000{at:05}")];
    (0..PERSONS).flat_map(of).collect()
}

fn write_files(folder: &Path) {
    let head = "person_id,name,area_code,group,residence,account\n";
    let secrets = secrets();
    let row = |one: &[String], area: &str, group: &str| {
        format!("{},{},{area},{group},urban,{}\n", one[0], one[1], one[2])
    };
    let good: String =
        secrets.chunks(3).map(|one| row(one, "990101", "subsistence_allowance")).collect();
    // Some twice, some of no area or group, one with a wrong check digit, one that is too wide.
    let bad: String = secrets
        .chunks(3)
        .take(9)
        .enumerate()
        .map(|(at, one)| match at % 4 {
            0 => row(one, "990101", "special_care"),
            1 => row(one, "999999", "subsistence_allowance"),
            2 => row(one, "990101", &one[1]),
            _ => format!("{}0,{}\u{7},990101,{}\n", &one[0][..17], one[1], one[2]),
        })
        .collect();
    fs::write(folder.join("roster.csv"), format!("{head}{good}")).unwrap();
    fs::write(folder.join("mixed.csv"), format!("{head}{good}{bad}")).unwrap();
    // The header is missing, or the file is not what its name says.
    fs::write(folder.join("headless.csv"), &good).unwrap();
    fs::write(folder.join("wrong.xlsx"), &good).unwrap();
    fs::write(folder.join("wrong.parquet"), &good).unwrap();
    let settled: String = secrets.chunks(3).map(|one| format!("{},{}\n", one[0], one[1])).collect();
    fs::write(folder.join("wrong-back.csv"), format!("reference,outcome\n{settled}")).unwrap();
    fs::write(folder.join("keys"), PersonKey::new([3; 32]).to_hex()).unwrap();
}

/// The service, with everything it has printed so far.
struct Served {
    child: Child,
    address: String,
    watched: String,
    printed: mpsc::Receiver<String>,
}

impl Served {
    fn start(folder: &Path) -> Self {
        let mut child = program(folder)
            .arg("--data")
            .arg(data())
            .args([
                "--store",
                "store",
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--metrics",
                "127.0.0.1:0",
            ])
            .args(["--principals", "principals.toml", "--person-keys", "keys", "--log", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, printed) = mpsc::channel();
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let after = |start: &str, line: String| {
            let rest = line.split(start).nth(1).unwrap_or_else(|| panic!("{line}")).to_owned();
            rest.split([',', '/']).next().unwrap().to_owned()
        };
        let address = after("serving on ", out.next().unwrap());
        let watched = out.find(|line| line.starts_with("metrics on")).unwrap();
        let watched = after("http://", watched);
        let errors = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let second = sender.clone();
        thread::spawn(move || out.for_each(|line| drop(sender.send(line))));
        thread::spawn(move || errors.for_each(|line| drop(second.send(line))));
        Self { child, address, watched, printed }
    }

    fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(&self.watched).unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut told = String::new();
        stream.read_to_string(&mut told).unwrap();
        told
    }

    /// Stops it and says what it has printed.
    fn stopped(mut self) -> Vec<String> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap();
        self.printed.iter().collect()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a client prints, whether it is answered or refused.
fn asked(folder: &Path, served: &Served, who: &str, arguments: &str) -> (bool, String) {
    let output = program(folder)
        .args(["--server", &format!("http://{}", served.address), "--token-file", who])
        .args(["run"])
        .args(arguments.split(' '))
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn sign_up(folder: &Path, name: &str, role: &str) {
    let arguments = ["principals", "add", name, "--grant", role, "--file", "principals.toml"];
    let output = program(folder).arg("--data").arg(data()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    fs::write(folder.join(name), output.stdout).unwrap();
}

/// Calls with a person's number wherever a caller can put one; gives the id that an answer had.
async fn whisper(address: &str, token: String, secret: &str) -> String {
    let channel =
        Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    let mut client = RunServiceClient::new(channel.clone());
    let mut asked = Request::new(GetRunRequest { run: secret.to_owned() });
    asked
        .metadata_mut()
        .insert("authorization", format!("Bearer {}", token.trim()).parse().unwrap());
    asked.metadata_mut().insert("x-request-id", secret.parse().unwrap());
    let refused = client.get_run(asked).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound, "{refused}");
    let id = refused.metadata().get("x-request-id").unwrap().to_str().unwrap().to_owned();
    for header in ["authorization", "principal"] {
        let request =
            http::Request::post(format!("http://{address}/pricelinkage.v1.RunService/{secret}"))
                .header("content-type", "application/grpc")
                .header(header, secret)
                .body(tonic::body::Body::empty())
                .unwrap();
        let answer = tower::ServiceExt::oneshot(channel.clone(), request).await.unwrap();
        assert_eq!(answer.headers()["grpc-status"], "16");
    }
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_told_by_their_ids_and_nothing_tells_of_a_person() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_files(folder);
    sign_up(folder, "zhang", "maker:990000");
    sign_up(folder, "li", "approver:990000");
    let served = Served::start(folder);
    let ask = |who, arguments: &str| asked(folder, &served, who, arguments);
    let (done, tried) = ask("zhang", "roster mixed.csv --month 2021-04 --validate-only");
    assert!(done, "{tried}");
    let (done, made) = ask("zhang", "roster roster.csv --month 2021-04");
    assert!(done, "{made}");
    let is_run = |word: &&str| word.starts_with('R') && word[1..].parse::<u64>().is_ok();
    let run = made.split(|one: char| !one.is_alphanumeric()).find(is_run).unwrap().to_owned();
    let mut told = vec![tried, made];
    for (who, arguments, expected) in [
        ("zhang", "submit R1", true),
        ("li", "approve R1", true),
        ("li", "payment-list R1 roster.csv --out list.csv", true),
        ("li", "release R1", true),
        ("zhang", "settle R1 back.csv", true),
        ("zhang", "settle R1 wrong-back.csv", false),
        ("li", "payment-list R1 mixed.csv --out other.csv", false),
        ("zhang", "roster mixed.csv --month 2021-04", false),
        ("zhang", "roster headless.csv --month 2021-04", false),
        ("zhang", "roster wrong.xlsx --month 2021-04", false),
        ("zhang", "roster wrong.parquet --month 2021-04", false),
        ("li", "roster roster.csv --month 2021-04", false),
    ] {
        let arguments = &arguments.replace("R1", &run);
        if arguments.contains(" back.csv") {
            let list = fs::read_to_string(folder.join("list.csv")).unwrap();
            assert_eq!(secrets().iter().filter(|secret| list.contains(*secret)).count(), 120);
            fs::write(folder.join("back.csv"), format!("reference,outcome\n{run}-1,paid\n"))
                .unwrap();
        }
        let (done, printed) = ask(who, arguments);
        assert_eq!(done, expected, "{arguments}: {printed}");
        told.push(printed);
    }
    let token = fs::read_to_string(folder.join("zhang")).unwrap();
    let id = whisper(&served.address, token, &secrets()[0]).await;
    let metrics = served.metrics();
    assert!(metrics.contains("rpc=\"RosterService/SettleRun\",code=\"OK\""), "{metrics}");
    let log = served.stopped();
    calls_of(&log, &id);
    let all = told.into_iter().chain([metrics]).chain(log).collect::<Vec<_>>().join("\n");
    let found: Vec<_> = secrets().into_iter().filter(|secret| all.contains(secret)).collect();
    assert_eq!(found, [""; 0], "{all}");
}

/// What the log tells of calls.
fn calls_of(log: &[String], id: &str) {
    let lines = log.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let calls: Vec<_> = lines.filter(|line| line["message"] == "call").collect();
    let ended = |rpc: &str, code: &str, who: Value| {
        let is = |line: &&Value| {
            assert!(
                uuid::Uuid::try_parse(line["span"]["request_id"].as_str().unwrap()).is_ok(),
                "{line}"
            );
            assert!(line["duration_us"].is_u64() && line["level"] == "INFO", "{line}");
            line["rpc"] == rpc && line["code"] == code && line["span"]["principal"] == who
        };
        calls.iter().filter(is).count()
    };
    for (rpc, code, who, count) in [
        ("RosterService/MakeRosterRun", "PERMISSION_DENIED", Value::from("li"), 1),
        ("RosterService/SettleRun", "OK", "zhang".into(), 1),
        ("RunService/GetRun", "NOT_FOUND", "zhang".into(), 1),
        ("other", "UNAUTHENTICATED", Value::Null, 2),
    ] {
        assert_eq!(ended(rpc, code, who), count, "{rpc} {code}: {log:#?}");
    }
    assert!(calls.iter().any(|line| line["span"]["request_id"] == id), "{id}: {log:#?}");
}

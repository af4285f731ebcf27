//! A service that follows another: what it takes over, answers, refuses and survives.

use std::{
    fs::{self, File},
    future::pending,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, atomic::AtomicBool},
    time::{Duration, Instant},
};

use price_linkage::{
    access::principal::Reach,
    client::{self, Error, Transport},
    follow::follow,
    grpc::{Decimal, server, v1},
    roster::{columns::Mapping, person::PersonKey, source::Format, work::Watch},
    service::{
        Request, Service,
        roster::{Means, Roster, RosterSpec},
    },
    store::Store,
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tonic::{Code, Status, transport::Endpoint};
use tonic_types::StatusExt;
use tower::{ServiceExt, util::BoxCloneSyncService};

mod killed;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/roster")
}

/// A served service.
struct Running {
    service: Arc<Service>,
    port: u16,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Running {
    async fn start(service: Service, port: u16) -> Self {
        let service = Arc::new(service);
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, stopped) = oneshot::channel::<()>();
        let answering = service.clone();
        let served = tokio::spawn(async move {
            let stop = async move { drop(stopped.await) };
            server::serve(answering, listener, stop).await.unwrap();
        });
        Self { service, port, stop, served }
    }

    async fn stop(self) {
        let _ = self.stop.send(());
        self.served.await.unwrap();
        let service = self.service;
        tokio::task::spawn_blocking(move || service.writer.shutdown()).await.unwrap();
    }
}

/// A leader's store, seeded once and copied for each test.
static SEEDED: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    drop(Service::open(&folder.path().join("store"), &[data()], &mut |_, _, _| ()).unwrap());
    folder
});

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match from.is_dir() {
            true => copied(&from, &to),
            false => drop(fs::copy(from, to).unwrap()),
        }
    }
}

async fn leader(folder: &Path, data: PathBuf, port: u16) -> Running {
    let folder = folder.join("leader");
    let open = move || {
        if !folder.exists() {
            copied(&SEEDED.path().join("store"), &folder);
        }
        let mut service = Service::open(&folder, &[data], &mut |_, _, _| ()).unwrap().0;
        service.person_keys = vec![PersonKey::new([7; 32])];
        service
    };
    Running::start(tokio::task::spawn_blocking(open).await.unwrap(), port).await
}

async fn connected(port: u16) -> anyhow::Result<Transport> {
    let channel = Endpoint::from_shared(format!("http://127.0.0.1:{port}"))?.connect().await?;
    let channel = channel.map_err(|error| Error::from(Box::from(error)));
    Ok(BoxCloneSyncService::new(channel))
}

/// A follower of whoever answers at the port, with the task that follows. It begins with what every
/// leader here begins with, unless its folder is there.
async fn follower(folder: &Path, port: u16) -> (Running, JoinHandle<()>) {
    let folder = folder.to_owned();
    let open = move || {
        if !folder.exists() {
            copied(&SEEDED.path().join("store"), &folder);
        }
        let whom = (format!("http://127.0.0.1:{port}"), Duration::from_secs(2));
        let whom = (whom.0.as_str(), whom.1);
        Service::open_following(&folder, &[data()], whom, &mut |_, _, _| ()).unwrap().0
    };
    let running = Running::start(tokio::task::spawn_blocking(open).await.unwrap(), 0).await;
    let service = running.service.clone();
    let following =
        tokio::spawn(async move { follow(service, || connected(port), pending()).await });
    (running, following)
}

/// Waits until it is so.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn id(number: u32) -> String {
    format!("0191a7a4-0000-7000-8000-{number:012}")
}

fn recording(number: u32, value: &str) -> v1::RecordFiguresRequest {
    let figure = v1::Figure {
        area: "990100".into(),
        series: "cpi".into(),
        month: Some(v1::YearMonth { year: 2021, month: 5 }),
        value: Some(Decimal { value: value.into() }),
        source: "test".into(),
        ..Default::default()
    };
    v1::RecordFiguresRequest { request_id: id(number), validate_only: false, figures: vec![figure] }
}

async fn record(port: u16, number: u32, value: &str) -> Result<u64, Status> {
    let transport = connected(port).await.unwrap();
    let request = tonic::Request::new(recording(number, value));
    let mut client = client::index(&transport);
    let mut request = request;
    request.metadata_mut().insert("principal", "clerk".parse().unwrap());
    Ok(client.record_figures(request).await?.into_inner().sequence)
}

async fn status(port: u16) -> Result<v1::Status, Status> {
    let request = v1::GetStatusRequest {
        area: "990100".into(),
        month: Some(v1::YearMonth { year: 2021, month: 5 }),
        ..Default::default()
    };
    let transport = connected(port).await.unwrap();
    Ok(client::trigger(&transport).get_status(request).await?.into_inner())
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

fn head(running: &Running) -> u64 {
    running.service.writer.snapshot().sequence()
}

/// The digest over the whole state of a store that nobody has open.
fn digest(folder: &Path) -> (u64, String) {
    let (store, _, _) = Store::open(folder).unwrap();
    let found = store.verify().unwrap();
    (found.head.sequence, found.state_digest)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_has_all_that_its_leader_records_answers_from_it_and_records_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let leader = leader(folder.path(), data(), 0).await;
    fs::create_dir(folder.path().join("follower")).unwrap();
    let (follower, following) = follower(&folder.path().join("follower"), leader.port).await;
    until("caught up", || head(&follower) == head(&leader) && 0 < head(&leader)).await;
    until("fresh", || follower.service.followed().unwrap().unfit.is_none()).await;
    for (number, value) in [(1, "2.9"), (2, "3.0"), (3, "3.1")] {
        let sequence = record(leader.port, number, value).await.unwrap();
        until("shipped", || head(&follower) == sequence).await;
        assert_eq!(status(follower.port).await.unwrap(), status(leader.port).await.unwrap());
    }
    assert_eq!(status(follower.port).await.unwrap().triggered(), v1::Triggered::Yes);
    let refused = record(follower.port, 4, "3.2").await.unwrap_err();
    assert_eq!((refused.code(), &*reason(&refused)), (Code::FailedPrecondition, "FOLLOWS"));
    assert!(refused.message().contains(&format!("http://127.0.0.1:{}", leader.port)));
    assert_eq!(follower.service.verify_journal().unwrap().broken, None);
    following.abort();
    follower.stop().await;
    leader.stop().await;
    let [one, other] = ["leader", "follower"].map(|name| digest(&folder.path().join(name)));
    assert_eq!(one, other);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_end_when_the_leader_is_not_heard_and_begin_again_when_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let first = leader(folder.path(), data(), 0).await;
    let port = first.port;
    let (follower, following) = follower(&folder.path().join("follower"), port).await;
    until("fresh", || follower.service.followed().unwrap().unfit.is_none()).await;
    first.stop().await;
    assert!(status(follower.port).await.is_ok(), "what it has is still fresh enough");
    until("stale", || follower.service.followed().unwrap().unfit.is_some()).await;
    let stale = status(follower.port).await.unwrap_err();
    assert_eq!((stale.code(), &*reason(&stale)), (Code::Unavailable, "STALE"));
    assert!(stale.get_details_retry_info().is_some());
    assert!(follower.service.followed().unwrap().age > Some(Duration::from_secs(2)));
    let again = leader(folder.path(), data(), port).await;
    let sequence = record(port, 9, "3.3").await.unwrap();
    until("heard again", || head(&follower) == sequence).await;
    until("fresh", || follower.service.followed().unwrap().unfit.is_none()).await;
    assert!(status(follower.port).await.is_ok());
    following.abort();
    follower.stop().await;
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_roster_run_keeps_comes_with_its_entry() {
    let folder = tempfile::tempdir().unwrap();
    let leader = leader(folder.path(), data(), 0).await;
    let service = leader.service.clone();
    let path = folder.path().join("roster.csv");
    let row = "990101199003077719,名某,990101,subsistence_allowance,urban\n";
    fs::write(&path, format!("person_id,name,area_code,group,residence\n{row}")).unwrap();
    let make = move || {
        let cancelled = AtomicBool::new(false);
        let watch = Watch { progress: &|_, _| (), cancelled: &cancelled };
        let file = File::open(&path).unwrap();
        let roster = Roster { file, format: Format::Csv, mapping: Mapping::new() };
        let spec = RosterSpec {
            month: "2021-04".parse().unwrap(),
            strict: false,
            discretion: false,
            note: String::new(),
            follows: None,
            ended: Vec::new(),
            elsewhere: Vec::new(),
            within: Reach::Everywhere,
        };
        let means = Means { workers: 1, memory: 1 << 20 };
        let request =
            Request { principal: "maker".into(), id: id(7), validate_only: false, origin: None };
        service.make_roster_run(request, &roster, &spec, means, &watch).unwrap().0
    };
    let life = tokio::task::spawn_blocking(make).await.unwrap();
    let claims = life.run.roster.clone().unwrap().claims;
    let store = folder.path().join("follower");
    let (follower, following) = follower(&store, leader.port).await;
    until("shipped", || head(&follower) == head(&leader)).await;
    let [own, other] = [store.clone(), folder.path().join("leader")]
        .map(|store| fs::read(store.join("kept").join(&claims)).unwrap());
    assert_eq!(own, other);
    let ledger = follower.service.writer.snapshot();
    assert_eq!(ledger.runs.get(&life.run.id).unwrap().run, life.run);
    // What no entry names is nobody's to read.
    let transport = connected(leader.port).await.unwrap();
    for (sha256, expected) in [("0".repeat(64), "FILE_UNKNOWN"), ("../keys".into(), "BAD_FIELD")] {
        let request = v1::ReadKeptFileRequest { sha256 };
        let refused = client::journal(&transport).read_kept_file(request).await.unwrap_err();
        assert_eq!(reason(&refused), expected);
    }
    following.abort();
    follower.stop().await;
    leader.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_journal_is_not_followed_and_damages_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("follower");
    let before = {
        let own = own.clone();
        let open = move || drop(Service::open(&own, &[data()], &mut |_, _, _| ()).unwrap());
        tokio::task::spawn_blocking(open).await.unwrap();
        digest(&folder.path().join("follower"))
    };
    let leader = leader(folder.path(), data(), 0).await;
    record(leader.port, 1, "3.0").await.unwrap();
    let (follower, following) = follower(&own, leader.port).await;
    following.await.unwrap();
    let unfit = follower.service.followed().unwrap().unfit.unwrap();
    assert!(unfit.starts_with("OTHER_JOURNAL"), "{unfit}");
    assert_eq!(reason(&status(follower.port).await.unwrap_err()), "STALE");
    follower.stop().await;
    leader.stop().await;
    assert_eq!(digest(&own), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_with_other_documents_does_not_answer() {
    let folder = tempfile::tempdir().unwrap();
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/notices");
    let leader = leader(folder.path(), other, 0).await;
    let (follower, following) = follower(&folder.path().join("follower"), leader.port).await;
    following.await.unwrap();
    let unfit = follower.service.followed().unwrap().unfit.unwrap();
    assert!(unfit.contains("are not those that its leader adopted"), "{unfit}");
    follower.stop().await;
    leader.stop().await;
}

//! `kill -9` at any moment of a roster run, with the request repeated each time: in the end there is
//! one run, which pays each person once, and nothing else is left behind.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

mod people;

use people::number;
use price_linkage::{roster::person::PersonKey, service::Service};

/// How often it is killed; more in the long run: `KILLS=100 cargo test --release --test roster_crash`.
const KILLS: u64 = 4;
const ROWS: u32 = 20_000;
const REQUEST: &str = "0191a7a4-0000-7000-8000-000000000001";

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/roster")
}

/// Every tenth row is a person's second.
fn roster(path: &Path) {
    let mut text = "person_id,name,area_code,group,residence\n".to_owned();
    for at in 0..ROWS {
        let person = number(if at % 10 == 3 { at - 1 } else { at });
        text += &format!("{person},某,990101,subsistence_allowance,urban\n");
    }
    fs::write(path, text).unwrap();
}

fn made(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_price-linkage"));
    command
        .current_dir(folder)
        .arg("--data")
        .arg(data())
        .args(["--store", "store", "run", "roster", "roster.csv", "--month", "2021-04"])
        .args(["--as", "maker", "--request-id", REQUEST, "--person-keys", "keys"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

#[test]
fn a_roster_run_killed_again_and_again_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    roster(&folder.path().join("roster.csv"));
    fs::write(folder.path().join("keys"), PersonKey::new([3; 32]).to_hex()).unwrap();
    let store = folder.path().join("store");
    let open = || Service::open(&store, &[data()], &mut |_, _, _| ()).unwrap().0;
    drop(open());
    // How long it takes when nobody kills it, in a store of its own.
    let other = tempfile::tempdir().unwrap();
    for file in ["roster.csv", "keys"] {
        fs::copy(folder.path().join(file), other.path().join(file)).unwrap();
    }
    assert!(made(other.path()).status().unwrap().success());
    let from = Instant::now();
    assert!(made(other.path()).status().unwrap().success());
    let whole = from.elapsed();

    let kills = env::var("KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let mut random = 0x9e37_79b9_u64;
    for _ in 0..kills {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let wait = whole.as_micros() as u64 * (random >> 33) % (whole.as_micros() as u64 * 5 / 4);
        let mut child = made(folder.path()).spawn().unwrap();
        thread::sleep(Duration::from_micros(wait));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(made(folder.path()).status().unwrap().success());

    let service = open();
    let ledger = service.writer.snapshot();
    assert_eq!(ledger.runs.len(), 1);
    let run = ledger.runs.newest_first().next().unwrap().run.clone();
    let persons = u64::from(ROWS - ROWS / 10);
    assert_eq!(run.headcounts[0].persons, persons);
    assert_eq!(run.yuan.to_string(), format!("{}.00", persons * 20));
    let kept = fs::read_dir(store.join("kept")).unwrap().map(|file| file.unwrap().file_name());
    let claims = run.roster.clone().unwrap().claims;
    assert_eq!(kept.collect::<Vec<_>>(), [claims.as_str()]);
    assert_eq!(service.verify_run(&run.id).unwrap().differences, Vec::<String>::new());
}

//! The leader is killed while it records: what was acknowledged and shipped is in the follower, which is
//! promoted by hand and answers repeats as the leader did.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::Mutex,
};

use super::*;

struct Served(Child, u16);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(store: &Path, arguments: &[&str]) -> Served {
    let mut child = Command::new(env!("CARGO_BIN_EXE_price-linkage"))
        .arg("--data")
        .arg(data())
        .arg("--store")
        .arg(store)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let address = first.strip_prefix("serving on 127.0.0.1:").unwrap();
    let port = address.split(',').next().unwrap().parse().unwrap();
    std::thread::spawn(move || lines.for_each(drop));
    Served(child, port)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_leader_leaves_its_follower_all_that_was_shipped() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("second");
    let first = folder.path().join("first");
    copied(&SEEDED.path().join("store"), &first);
    copied(&SEEDED.path().join("store"), &store);
    let first = serve(&first, &[]);
    let leader = format!("http://127.0.0.1:{}", first.1);
    let second = serve(&store, &["--follow", &leader, "--follow-max-age", "2"]);
    let port = first.1;
    let begun = Instant::now();
    while status(second.1).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the follower never caught up");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let recording: Vec<_> = (0..4)
        .map(|client| {
            let acknowledged = acknowledged.clone();
            tokio::spawn(async move {
                for n in 0.. {
                    let (number, value) =
                        (client * 100_000 + n, format!("{}.{}", client + 1, n % 10));
                    let Ok(transport) = connected(port).await else { return };
                    let mut request = tonic::Request::new(super::recording(number, &value));
                    request.metadata_mut().insert("principal", "clerk".parse().unwrap());
                    let answer = client::index(&transport).record_figures(request).await;
                    let Ok(answer) = answer else { return };
                    let sequence = answer.into_inner().sequence;
                    acknowledged.lock().unwrap().push((number, value, sequence));
                }
            })
        })
        .collect();
    until("some load", || 200 < acknowledged.lock().unwrap().len()).await;
    drop(first);
    for one in recording {
        one.await.unwrap();
    }
    drop(second);
    // Not by mistake.
    let program = |command: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_price-linkage"))
            .arg("--data")
            .arg(data())
            .arg("--store")
            .arg(&store)
            .args(command)
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let (done, said) = program(&["status", "--area", "990100", "--month", "2021-04"]);
    assert!(!done && said.contains(&format!("this store follows {leader}")), "{said}");
    assert!(program(&["promote"]).0);
    assert!(program(&["promote"]).1.contains("this store follows nobody"));
    let promoted = serve(&store, &[]);
    let shipped = {
        let transport = connected(promoted.1).await.unwrap();
        let request = v1::ListEntriesRequest { page_size: 1, ..Default::default() };
        let entries = client::audit(&transport).list_entries(request).await.unwrap().into_inner();
        entries.entries[0].sequence
    };
    let acknowledged = acknowledged.lock().unwrap().clone();
    let last = acknowledged.iter().map(|(_, _, sequence)| *sequence).max().unwrap();
    let (mut kept, mut lost) = (0, 0);
    for (number, value, sequence) in acknowledged {
        if sequence <= shipped {
            let again = record(promoted.1, number, &value).await.unwrap();
            assert_eq!(again, sequence, "a repeat is answered as the leader answered it");
            kept += 1;
        } else {
            lost += 1;
        }
    }
    // Acknowledged but not yet shipped when the leader died: they are in its own journal.
    println!("{kept} acknowledged and shipped, {lost} acknowledged only, of {last}");
    assert!(100 < kept, "{kept} of {last} were shipped");
    let next = record(promoted.1, 999_999, "9.9").await.unwrap();
    assert_eq!(next, shipped + 1);
    drop(promoted);
    let found = digest(&store);
    assert_eq!(found.0, next);
    let (done, said) = program(&["verify"]);
    assert!(done, "{said}");
}

//! A disk that is full or broken, power that goes, and a clock that jumps, under the writer.

use std::{collections::BTreeMap, env, fs, path::Path, process::Command, thread, time::Duration};

use chrono::{TimeDelta, Utc};
use tonic::Code;

use crate::{
    clients::Known,
    disk::{Disk, Field},
    facts::Random,
    house::House,
    kills::{all_work, compare, repeat},
    times,
    writing::{Book, Process, Said, THREADS},
};

/// Starts a process on the disk.
fn on(disk: &Disk, book: &Book, count: u64) -> Process {
    of(disk, book.next(), count)
}

fn of(disk: &Disk, from: [u64; THREADS], count: u64) -> Process {
    Process::start(&disk.store(), &from, count, |command| disk.put_before(command))
}

/// Records while the disk fails as it is set to; then, once it is mended, everything else. What was
/// acknowledged is there each time, and what was refused can be asked for again.
fn through(disk: &Disk, book: &mut Book, what: &str, faults: &[(Field, i64)], late: bool) -> bool {
    let set = || faults.iter().for_each(|(field, value)| disk.set(*field, *value));
    let mut process = if late {
        on(disk, book, 6)
    } else {
        set();
        on(disk, book, 6)
    };
    let mut said = Vec::new();
    if late {
        said.extend(process.next());
        set();
    }
    said.extend(process.all());
    book.note(&said);
    book.check(&disk.store(), what);
    let is_open = said.contains(&Said::Open);
    let is_refused = said.iter().any(|one| matches!(one, Said::Refused(_) | Said::Closed(_)));
    // After the first that could not be written nothing is acknowledged: nobody knows what is next.
    let first = said.iter().position(|one| matches!(one, Said::Refused(_)));
    let after = first.map_or(&[][..], |first| &said[first..]);
    let acknowledged = after.iter().filter(|one| matches!(one, Said::Acknowledged { .. }));
    // Several threads say in any order what was answered at once.
    assert!(acknowledged.count() < THREADS, "{what}: {said:?}");
    disk.mend();
    let wanted = book.len() + THREADS;
    let said = on(disk, book, 1).all();
    book.note(&said);
    assert!(said.contains(&Said::Ended), "{what}: {said:?}");
    assert_eq!(book.len(), wanted, "{what}: {said:?}");
    book.check(&disk.store(), what);
    is_open && is_refused
}

#[test]
fn a_disk_that_fills_up_refuses_and_keeps_what_was_acknowledged() {
    let mut random = Random(17);
    let (mut disk, mut book, mut refused) = (Disk::new(), Book::default(), 0);
    let rounds = times(24);
    for round in 0..rounds {
        if round % 6 == 0 {
            (disk, book) = (Disk::new(), Book::default());
        }
        let bytes = random.below(if round % 3 == 0 { 3_000 } else { 25_000 });
        let (what, late) = (format!("{bytes} bytes left"), round % 3 != 0);
        let faults = [(Field::Space, bytes as i64)];
        refused += u64::from(through(&disk, &mut book, &what, &faults, late));
    }
    println!("full disk: {rounds} rounds, {refused} refused while open");
    assert!(rounds / 4 < refused, "only {refused} met a full disk while they wrote");
}

const SMALL_DISK: &str = "LOST_SMALL_DISK";

/// Not a test of its own: what is run where file systems may be mounted.
#[test]
fn on_a_small_disk() {
    let Ok(folder) = env::var(SMALL_DISK) else { return };
    let mount = ["-t", "tmpfs", "-o", "size=3m", "lost", &folder];
    if !Command::new("mount").args(mount).status().is_ok_and(|done| done.success()) {
        return println!("\nskipped");
    }
    let (store, mut book) = (Path::new(&folder).join("store"), Book::default());
    let full = Path::new(&folder).join("full");
    fs::write(&full, vec![1; 1 << 20]).unwrap();
    let said = Process::start(&store, &book.next(), 2_000, |_| ()).all();
    let refused = said.iter().filter(|one| matches!(one, Said::Refused(_))).count();
    book.note(&said);
    book.check(&store, "full");
    fs::remove_file(full).unwrap();
    let before = book.len();
    book.note(&Process::start(&store, &book.next(), 1, |_| ()).all());
    book.check(&store, "with room again");
    assert!(0 < refused && book.len() == before + THREADS, "{before} {refused} {}", book.len());
    println!("\ndone: {before} acknowledged, {refused} refused");
}

#[test]
fn a_file_system_that_is_full_refuses_and_keeps_what_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let run = Command::new("unshare")
        .arg("-rm")
        .arg(env::current_exe().unwrap())
        .args(["faults::on_a_small_disk", "--exact", "--nocapture"])
        .env(SMALL_DISK, folder.path())
        .output();
    let text =
        run.map(|run| String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned());
    let text = text.unwrap_or_else(|error| error.to_string());
    if let Some(line) = text.lines().find(|line| line.starts_with("done: ")) {
        return println!("full file system: {line}");
    }
    let is_forbidden = text.contains("\nskipped") || !text.contains("running 1 test");
    assert!(is_forbidden, "{text}");
    println!("SKIPPED, no file system may be mounted here: {}", text.trim());
}

#[test]
fn clients_of_a_service_on_a_full_disk_are_told_and_lose_nothing() {
    let (disk, known) = (Disk::new(), Known::default());
    let house = House::over(disk.store());
    let ready = || {
        let mut server = house.serve(|command| disk.put_before(command));
        let (address, _) = server.ready().unwrap_or_else(|| panic!("{}", house.log()));
        (server, address)
    };
    let mut random = Random(41);
    let (server, address) = ready();
    let shipped = house.entries(0).len() as u64;
    let (mut book, told) = all_work(&address, 1, &known, || {
        thread::sleep(Duration::from_millis(1_500));
        disk.set(Field::Space, 3_000);
    });
    assert!(told.iter().any(|last| last.code() == Code::DataLoss), "{told:?}");
    for last in told {
        // The files of a roster may meet the end of the disk before the journal does.
        let is_told = match last.code() {
            Code::DataLoss => last.message().contains("nothing can be recorded"),
            code => code == Code::Internal,
        };
        assert!(is_told, "{last:?}");
    }
    server.kill_after(Duration::ZERO);
    compare(&book, &house.entries(shipped));
    disk.mend();
    let (server, address) = ready();
    repeat(&address, &mut book, &mut random, &known);
    server.kill_after(Duration::ZERO);
    compare(&book, &house.entries(shipped));
    disk.lose_power(&mut random);
    let (server, address) = ready();
    repeat(&address, &mut book, &mut random, &known);
    server.kill_after(Duration::ZERO);
    compare(&book, &house.entries(shipped));
    house.done(disk.store().to_str().unwrap(), &["verify"]);
    println!("service on a full disk and without power: {} requests", book.len());
}

#[test]
fn a_write_or_a_sync_that_fails_refuses_and_keeps_what_was_acknowledged() {
    let (mut tried, mut met, mut refused) = (0, 0, 0);
    for field in [Field::WriteFails, Field::SyncFails] {
        for stays in [0, 1] {
            let (mut disk, mut book) = (Disk::new(), Book::default());
            for n in 1..=times(12) {
                // The first failures meet a store that is being made, the others one that is opened.
                if n % 7 == 1 {
                    (disk, book) = (Disk::new(), Book::default());
                }
                let before = disk.get(Field::Failed);
                let what = format!("{field:?} {n}, stays {stays}");
                let faults = [(field, n as i64), (Field::Stays, stays)];
                refused += u64::from(through(&disk, &mut book, &what, &faults, n % 2 == 0));
                met += u64::from(before < disk.get(Field::Failed));
                tried += 1;
            }
        }
    }
    println!("broken disk: {tried} faults, {met} met, {refused} refused while open");
    assert!(tried / 2 < met && tried / 4 < refused, "{tried} tried, {met} met, {refused} refused");
}

#[test]
fn whatever_was_acknowledged_survives_a_loss_of_power() {
    let mut random = Random(23);
    let (mut disk, mut book) = (Disk::new(), Book::default());
    let (rounds, mut losses) = (times(45), 0);
    for round in 0..rounds {
        // Often a store that is just being made, since names can be lost as well.
        if random.below(5) == 0 {
            (disk, book) = (Disk::new(), Book::default());
        }
        let mut process = on(&disk, &book, u64::MAX);
        let mut said = Vec::new();
        for _ in 0..random.below(60) {
            said.extend(process.next());
        }
        said.extend(process.killed());
        book.note(&said);
        book.check(&disk.store(), &format!("round {round}, killed"));
        // What a killed process had written and not synced is acknowledged by the next, when the
        // request is repeated; only then the power goes.
        if random.below(3) != 0 {
            disk.lose_power(&mut random);
            losses += 1;
            book.check(&disk.store(), &format!("round {round}, without power"));
        }
    }
    println!("power: {rounds} kills, {losses} losses, {} acknowledged in the last", book.len());
}

#[test]
fn what_a_killed_process_wrote_is_synced_before_a_repeat_is_acknowledged_by_it() {
    let mut random = Random(29);
    for n in 1..=times(8) {
        let (disk, mut book) = (Disk::new(), Book::default());
        // Of one thread only: an entry of another would sync the line as well.
        let from = |book: &Book| [book.next()[0], u64::MAX, u64::MAX, u64::MAX];
        let mut process = of(&disk, from(&book), u64::MAX);
        assert_eq!(process.next(), Some(Said::Open));
        disk.set(Field::Stays, 2);
        disk.set(Field::SyncFails, n as i64);
        while disk.get(Field::Failed) == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        book.note(&process.killed());
        disk.mend();
        let before = book.len();
        book.note(&of(&disk, from(&book), 1).all());
        assert_eq!(book.len(), before + 1);
        disk.lose_power(&mut random);
        book.check(&disk.store(), &format!("killed in sync {n}"));
    }
}

#[test]
fn a_clock_that_jumps_neither_stops_recording_nor_turns_its_order_round() {
    let disk = Disk::new();
    let mut book = Book::default();
    let mut instants = BTreeMap::new();
    let (hour, year) = (3_600, 365 * 86_400);
    for ahead in [0, year, 0, -year, hour, -hour, 40 * year, -100 * year, 0] {
        let mut process = on(&disk, &book, u64::MAX);
        let mut said = Vec::new();
        // Both while it runs and before it starts again.
        for jump in [ahead, 0, ahead] {
            disk.set(Field::Clock, jump);
            said.extend((0..20).filter_map(|_| process.next()));
        }
        said.extend(process.killed());
        assert!(!said.iter().any(|one| matches!(one, Said::Refused(_))), "{ahead}: {said:?}");
        book.note(&said);
        book.check(&disk.store(), &format!("{ahead} seconds ahead"));
        let before = instants.len();
        instants.extend(said.iter().filter_map(|one| match one {
            Said::Acknowledged { sequence, at, .. } => Some((*sequence, *at)),
            _ => None,
        }));
        assert!(before + 40 < instants.len(), "{ahead}: {} recorded", instants.len() - before);
    }
    let instants: Vec<_> = instants.into_values().collect();
    assert!(instants.is_sorted_by(|one, next| one < next), "an entry is older than one before");
    // The instants stay ahead of a clock that was ahead once, and go on from there.
    let ahead = Utc::now() + TimeDelta::days(39 * 365);
    assert!(ahead < instants[instants.len() - 1], "{:?}", instants.last());
}

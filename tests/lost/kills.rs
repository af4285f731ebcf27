//! The real program, killed at any moment: while it starts, while clients send everything that
//! changes something, and while a store is made, copied, restored or rebuilt.

use std::{
    collections::{BTreeMap, HashMap},
    env, fs,
    process::Command,
    time::{Duration, Instant},
};

use price_linkage::{
    intake::folder::load,
    journal::entry::{Entry, Operation},
};
use tonic::{Code, Status};

use crate::{
    clients::{Answer, Asked, Client, Known, Outcome, Sent},
    facts::Random,
    house::{House, said},
    writing::{Book, Process},
};

const CLIENTS: u64 = 4;

/// Without optimisation a start over the shipped data takes five seconds, and a second with it.
fn kills() -> u64 {
    let default = if cfg!(debug_assertions) { 5 } else { 50 };
    env::var("KILLS").map_or(default, |kills| kills.parse().unwrap())
}

#[test]
fn whatever_the_writer_acknowledged_before_a_kill_is_there_and_nothing_by_halves() {
    let folder = tempfile::tempdir().unwrap();
    let (mut random, mut book) = (Random(11), Book::default());
    let kills = env::var("KILLS").map_or(50, |kills| kills.parse().unwrap());
    for round in 0..kills {
        let mut process = Process::start(folder.path(), &book.next(), u64::MAX, |_| ());
        let mut said = Vec::new();
        said.extend((0..1 + random.below(80)).filter_map(|_| process.next()));
        said.extend(process.killed());
        book.note(&said);
        book.check(folder.path(), &format!("round {round}"));
    }
    println!("writer: {kills} kills, {} acknowledged", book.len());
    assert!(kills as usize * 10 < book.len());
}

/// What a client did until the service was gone or broken, and what it was told then.
fn work(address: &str, number: u64, mut random: Random, known: &Known) -> (Vec<Sent>, Status) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut all = Vec::new();
    let gone = runtime.block_on(async {
        let mut client = match Client::connect(address).await {
            Ok(client) => client,
            Err(error) => return Status::unavailable(error.to_string()),
        };
        loop {
            let mut sent = known.draw(number, &mut random);
            let answered = client.send(&mut sent, known).await;
            all.push(sent);
            let watched = match answered {
                Ok(()) => client.sees_whole_batches(random.below(CLIENTS)).await,
                gone => gone,
            };
            if let Err(gone) = watched {
                return gone;
            }
        }
    });
    (all, gone)
}

/// Lets clients work until `end` has ended it; gives what they sent and what each was told last.
pub fn all_work(
    address: &str,
    round: u64,
    known: &Known,
    end: impl FnOnce(),
) -> (Vec<Sent>, Vec<Status>) {
    std::thread::scope(|scope| {
        let client = |number| {
            let random = Random(1 + round * CLIENTS + number);
            scope.spawn(move || work(address, number, random, known))
        };
        let clients: Vec<_> = (0..CLIENTS).map(client).collect();
        end();
        let (sent, told): (Vec<_>, _) = clients.into_iter().map(|one| one.join().unwrap()).unzip();
        (sent.concat(), told)
    })
}

/// Sends again what was not answered, and some of what was: the answers are those of the first time.
pub fn repeat(address: &str, book: &mut [Sent], random: &mut Random, known: &Known) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut client = Client::connect(address).await.unwrap();
        for sent in book.iter_mut() {
            let before = sent.outcome.clone();
            let again = match &before {
                Outcome::Unanswered => true,
                // What recorded nothing is not remembered: it is asked anew.
                Outcome::Acknowledged(answer) => {
                    let is_figures = matches!(sent.asked, Asked::Figures(_) | Asked::Standards(_));
                    // So does a settlement of lines that were settled before.
                    let is_settlement = matches!(sent.asked, Asked::Settle(_));
                    let is_remembered = !sent.validate_only
                        && !is_settlement
                        && (!is_figures || answer.sequence != 0);
                    is_remembered && random.below(20) == 0
                }
                Outcome::Refused => false,
            };
            if !again {
                continue;
            }
            client.send(sent, known).await.unwrap_or_else(|gone| panic!("{gone:?}: {sent:?}"));
            if let (Outcome::Acknowledged(before), now) = (before, &sent.outcome) {
                let Outcome::Acknowledged(now) = now else { panic!("{sent:?}: {now:?}") };
                assert_eq!(before, *now, "{sent:?}");
            }
        }
    });
}

/// Whether the entry says all of what was asked, and nothing else.
fn says(entry: &Entry, sent: &Sent, answer: Option<&Answer>) -> bool {
    let run = answer.map(|answer| answer.run.as_str());
    let rows = answer.map(|answer| (answer.rows[0] + answer.rows[1]) as usize);
    let is_its = |id: &str| run.is_none_or(|run| run == id);
    entry.principal == sent.by
        && match (&entry.operation, &sent.asked) {
            (Operation::RecordFigures { figures, .. }, Asked::Figures(asked)) => {
                let is_asked = figures.iter().all(|figure| {
                    asked.figures.iter().any(|one| {
                        let value = one.value.as_ref().unwrap();
                        one.area == figure.area.to_string()
                            && value.value == figure.value.to_string()
                    })
                });
                // The three areas always change together.
                is_asked && figures.len() == 3 && rows.is_none_or(|rows| rows == 3)
            }
            (Operation::RecordStandards { standards, .. }, Asked::Standards(asked)) => {
                let yuan = |at: usize| asked.standards[at].yuan.as_ref().unwrap().value.clone();
                standards.len() == 2
                    && rows.is_none_or(|rows| rows == 2)
                    && (0..2).all(|at| standards[at].yuan.to_string() == yuan(at))
            }
            (Operation::MakeRun { run }, Asked::Make(asked)) => {
                let adjusts = run.adjusts.as_ref().map_or("", |adjusts| &adjusts.run);
                is_its(&run.id)
                    && adjusts == asked.adjusts
                    && run.headcounts.len() == asked.headcounts.len()
            }
            (Operation::MakeRun { run }, Asked::Roster(..)) => {
                is_its(&run.id) && run.roster.as_ref().is_some_and(|pin| pin.rows == 5)
            }
            (Operation::MoveRun { event }, Asked::Move(asked)) => {
                let made = asked.made().as_str_name().to_lowercase();
                event.run == asked.run && made == format!("run_move_{}", event.made.as_str())
            }
            (Operation::MoveRun { event }, Asked::Settle(asked)) => {
                event.run == asked.run && event.settlement.is_some()
            }
            _ => false,
        }
}

/// Compares the journal with what was sent and acknowledged; gives how often law was adopted.
pub fn compare(book: &[Sent], entries: &[Entry]) -> u64 {
    let mut by_id = HashMap::new();
    for entry in entries {
        let earlier = by_id.insert(entry.request_id.as_str(), entry);
        assert!(earlier.is_none(), "request {} has two entries", entry.request_id);
    }
    for sent in book {
        let found = by_id.remove(sent.id.as_str());
        match &sent.outcome {
            _ if sent.validate_only => assert!(found.is_none(), "only to be checked: {sent:?}"),
            Outcome::Refused => assert!(found.is_none(), "refused, but recorded: {sent:?}"),
            Outcome::Unanswered => {
                assert!(found.is_none_or(|entry| says(entry, sent, None)), "{sent:?}: {found:?}");
            }
            Outcome::Acknowledged(answer) => {
                let rows = matches!(sent.asked, Asked::Figures(_) | Asked::Standards(_));
                let settles = matches!(sent.asked, Asked::Settle(_));
                match found {
                    None => assert!((rows && answer.sequence == 0) || settles, "lost: {sent:?}"),
                    Some(entry) => {
                        assert!(says(entry, sent, Some(answer)), "{sent:?}: {entry:?}");
                        let is_there = !rows || answer.sequence == entry.sequence;
                        assert!(is_there, "{sent:?}: {}", entry.sequence);
                    }
                }
            }
        }
    }
    // The rest is law, adopted at a start, once for each that was tried.
    let adopted = by_id.into_values().inspect(|entry| {
        let is_law = matches!(entry.operation, Operation::AdoptLaw { .. });
        assert!(is_law && entry.principal == "seed", "nobody asked for {entry:?}");
    });
    adopted.count() as u64
}

/// Starts the program, which is killed again and again while it records what is shipped; gives how
/// many entries that took.
fn seeded(house: &House, random: &mut Random, kills: u64) -> u64 {
    let longest = if cfg!(debug_assertions) { 12_000 } else { 1_500 };
    for _ in 0..kills {
        let wait = Duration::from_millis(longest / 4 + random.below(longest / 2));
        house.serve(|_| ()).kill_after(wait);
    }
    let mut server = house.serve(|_| ());
    let (_, figures) = server.ready().unwrap_or_else(|| panic!("{}", house.log()));
    server.kill_after(Duration::ZERO);
    assert_eq!(figures, load(&[house.at("data")]).unwrap().figures.len());
    house.entries(0).len() as u64
}

/// Checks that the store is the one that its journal alone gives, and that its copy gives it again.
fn rebuilt(house: &House) -> String {
    let told = house.done("store", &["verify"]);
    fs::create_dir(house.at("rebuilt")).unwrap();
    for folder in ["journal", "kept"] {
        let from = house.at("store").join(folder);
        crate::writing::copied(&from, &house.at("rebuilt").join(folder));
    }
    assert_eq!(house.done("rebuilt", &["verify"]), told);
    told
}

/// Runs a command that is killed again and again, then to its end, unless what it makes has got its
/// name before: then that is the whole.
fn killed(house: &House, store: &str, arguments: &[&str], made: &str, random: &mut Random) {
    let longest = if cfg!(debug_assertions) { 6_000 } else { 700 };
    for _ in 0..(kills() / 8).max(1) {
        let mut child = house.command(store, arguments).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(random.below(longest)));
        child.kill().unwrap();
        child.wait().unwrap();
        if house.at(made).exists() {
            return;
        }
    }
    house.done(store, arguments);
}

#[test]
fn whatever_the_service_acknowledged_before_a_kill_is_there_and_nothing_twice_or_by_halves() {
    let begun = Instant::now();
    let (house, known) = (House::new(), Known::default());
    let (mut random, mut book, mut law) = (Random(31), Vec::<Sent>::new(), 0);
    let shipped = seeded(&house, &mut random, (kills() / 8).max(2));
    for round in 0..kills() {
        house.change_law(20 + round);
        let mut server = house.serve(|_| ());
        if round % 5 == 3 {
            // While it opens the store and adopts the law.
            let longest = if cfg!(debug_assertions) { 5_000 } else { 800 };
            server.kill_after(Duration::from_millis(random.below(longest)));
            server = house.serve(|_| ());
        }
        let (address, _) = server.ready().unwrap_or_else(|| panic!("{}", house.log()));
        repeat(&address, &mut book, &mut random, &known);
        let wait = Duration::from_millis(50 + random.below(900));
        let (sent, told) = all_work(&address, round, &known, || server.kill_after(wait));
        for gone in told {
            // Anything else than a connection that broke would be a fault.
            let is_gone =
                matches!(gone.code(), Code::Unavailable | Code::Unknown | Code::Cancelled);
            assert!(is_gone || gone.message().contains("h2 protocol error"), "{gone:?}");
        }
        book.extend(sent);
        law = compare(&book, &house.entries(shipped));
    }
    assert!(kills() - 1 <= law, "{law} laws adopted");
    told(&book, begun);

    let digest = rebuilt(&house);
    killed(&house, "store", &["export", "copy"], "copy", &mut random);
    killed(&house, "restored", &["restore", "copy"], "restored", &mut random);
    assert_eq!(house.done("restored", &["verify"]), digest);
    fs::remove_dir_all(house.at("restored/state")).unwrap();
    killed(&house, "restored", &["verify"], "nothing", &mut random);
    assert_eq!(house.done("restored", &["verify"]), digest);

    let mut server = house.serve(|_| ());
    let (address, _) = server.ready().unwrap_or_else(|| panic!("{}", house.log()));
    repeat(&address, &mut book, &mut random, &known);
    let url = format!("http://{address}");
    let audit = Command::new(env!("CARGO_BIN_EXE_price-linkage"))
        .args(["--server", &url, "audit", "--verify"])
        .output();
    said(&audit.unwrap());
    server.kill_after(Duration::ZERO);
    compare(&book, &house.entries(shipped));
    println!("service: {:?} in all", begun.elapsed());
}

/// Says what was tried, and that every kind of request was among it.
fn told(book: &[Sent], begun: Instant) {
    let mut kinds = BTreeMap::<_, [usize; 3]>::new();
    for sent in book.iter().filter(|sent| !sent.validate_only) {
        let kind = match &sent.asked {
            Asked::Figures(_) => "figures".to_owned(),
            Asked::Standards(_) => "standards".to_owned(),
            Asked::Make(asked) if asked.adjusts.is_empty() => "run".to_owned(),
            Asked::Make(_) => "adjustment".to_owned(),
            Asked::Roster(..) => "roster run".to_owned(),
            Asked::Move(asked) => asked.made().as_str_name().to_owned(),
            Asked::Settle(_) => "settlement".to_owned(),
        };
        let at = match sent.outcome {
            Outcome::Acknowledged(_) => 0,
            Outcome::Unanswered => 1,
            Outcome::Refused => 2,
        };
        kinds.entry(kind).or_default()[at] += 1;
    }
    println!("service: {} kills in {:?}", kills(), begun.elapsed());
    println!("acknowledged, unanswered and refused: {kinds:?}");
    let acknowledged = kinds.values().filter(|counts| counts[0] != 0).count();
    // Some come only once others have been answered.
    let expected = if kills() < 50 { 6 } else { 12 };
    assert!(expected <= acknowledged, "{kinds:?}");
}

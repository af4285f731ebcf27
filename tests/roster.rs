//! Rosters: a person paid once at the highest, whatever the file, its order and the memory given.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{LazyLock, atomic::AtomicBool},
};

use price_linkage::{
    access::principal::Reach,
    roster::{columns::Mapping, source::Format, work::Watch},
    service::{
        Service,
        roster::{Means, Roster, RosterRefused, RosterSpec, Worked},
    },
};
use proptest::prelude::*;

const MEANS: Means = Means { workers: 2, memory: 1 << 30 };
const HEADER: &str = "person_id,name,area_code,group,residence,account";

/// The shipped data and a province 99xxxx, of whose cities one pays for April 2021.
static SERVICE: LazyLock<Service> = LazyLock::new(|| Service::in_memory(&[data()]).unwrap());

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/roster")
}

fn spec() -> RosterSpec {
    let month = "2021-04".parse().unwrap();
    RosterSpec {
        month,
        strict: false,
        discretion: false,
        note: String::new(),
        follows: None,
        ended: Vec::new(),
        elsewhere: Vec::new(),
        within: Reach::Everywhere,
    }
}

/// A made-up number: the check digit is put behind 17 digits made of a count.
fn number(count: u32) -> String {
    let digits = format!(
        "9901{:02}1980{:02}{:02}{:03}",
        count % 89,
        1 + count / 28 % 12,
        1 + count % 28,
        count / 336
    );
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 =
        digits.bytes().zip(weights).map(|(digit, by)| u32::from(digit - b'0') * by).sum();
    format!("{digits}{}", &"10X98765432"[(sum % 11) as usize..][..1])
}

struct Desk {
    folder: tempfile::TempDir,
}

/// What a roster led to: the lists as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lists {
    paid: Vec<String>,
    rejects: Vec<String>,
    yuan: String,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn roster(&self, name: &str, bytes: impl AsRef<[u8]>) -> Roster {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        Roster {
            file: File::open(&path).unwrap(),
            format: Format::of(&path).unwrap(),
            mapping: Mapping::new(),
        }
    }

    fn worked(&self, roster: &Roster, means: Means) -> Result<Worked, RosterRefused> {
        let cancelled = AtomicBool::new(false);
        let watch = Watch { progress: &|_, _| (), cancelled: &cancelled };
        SERVICE.try_roster(roster, &spec(), "maker", means, &watch)
    }

    fn lists(&self, roster: &Roster, means: Means) -> Lists {
        let worked = self.worked(roster, means).unwrap();
        let cancelled = AtomicBool::new(false);
        let watch = Watch { progress: &|_, _| (), cancelled: &cancelled };
        let (list, rejects) = (self.path("list.csv"), self.path("rejects.csv"));
        let to = |path: &Path| (File::create(path).unwrap(), Format::Csv);
        let totals = worked.write_list(roster, to(&list), means, &watch).unwrap();
        worked.write_rejects(to(&rejects), &watch).unwrap();
        assert_eq!(
            totals.sha256,
            price_linkage::journal::entry::sha256_hex(fs::read(&list).unwrap())
        );
        let lines = |path: &Path| {
            let text = fs::read_to_string(path).unwrap();
            text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
        };
        let lists = Lists {
            paid: lines(&list),
            rejects: lines(&rejects),
            yuan: worked.run.yuan.to_string(),
        };
        assert_eq!(format!("{}.{:02}", totals.fen / 100, totals.fen % 100), lists.yuan);
        assert_eq!(totals.lines, lists.paid.len() as u64);
        lists
    }

    fn of(&self, rows: &[String]) -> Lists {
        self.lists(&self.roster("roster.csv", csv(rows)), MEANS)
    }
}

fn csv(rows: &[String]) -> String {
    let mut text = format!("{HEADER}\n");
    rows.iter().for_each(|row| text.extend([row.as_str(), "\n"]));
    text
}

fn row(person: &str, area: &str, group: &str, residence: &str) -> String {
    format!("{person},某人,{area},{group},{residence},99")
}

fn reasons(lists: &Lists) -> Vec<(u32, String)> {
    let reason = |line: &String| {
        let fields: Vec<_> = line.split(',').collect();
        (fields[0].parse().unwrap(), fields[1].to_owned())
    };
    lists.rejects.iter().map(reason).collect()
}

#[test]
fn a_person_in_two_groups_is_paid_once_at_the_highest_and_the_line_names_what_it_beat() {
    let one = number(1);
    let lists = Desk::new().of(&[
        row(&one, "990101", "subsistence_allowance", "urban"),
        row(&one, "990101", "special_hardship", "urban"),
        row(&number(2), "990101", "subsistence_allowance", "rural"),
    ]);
    assert_eq!(lists.rejects, Vec::<String>::new());
    let expected = [
        format!(
            ",2021-04,{one},某人,990101,special_hardship,urban,30.50,99,990101/subsistence_allowance/urban/20.00"
        ),
        format!(",2021-04,{},某人,990101,subsistence_allowance,rural,10.00,99,", number(2)),
    ];
    assert_eq!(lists.paid, expected);
    assert_eq!(lists.yuan, "40.50");
}

const AREAS: [&str; 6] = ["990101", "990102", "990201", "990100", "990199", "99010"];
const GROUPS: [&str; 5] =
    ["subsistence_allowance", "special_hardship", "orphan_community", "poor_student", "orphans"];

/// A row as the slow model sees it.
#[derive(Debug, Clone)]
struct Given {
    person: u32,
    area: usize,
    group: usize,
    rural: bool,
}

impl Given {
    fn row(&self) -> String {
        let residence = if self.rural { "rural" } else { "urban" };
        row(&number(self.person), AREAS[self.area], GROUPS[self.group], residence)
    }

    /// What it is worth in fen, or why nothing, written down again from the document.
    fn worth(&self) -> Result<u64, &'static str> {
        match (AREAS[self.area], GROUPS[self.group]) {
            ("990199" | "99010", _) => Err("area_unknown"),
            (_, "orphans") => Err("group_unknown"),
            ("990201", _) => Err("not_triggered"),
            (_, "poor_student") => Err("not_covered"),
            (_, "special_hardship") => Ok(3050),
            ("990102", "orphan_community") => Ok(4500),
            (_, "orphan_community") => Ok(3050),
            _ => Ok(if self.rural { 1000 } else { 2000 }),
        }
    }

    /// What counts: the higher sum, then the lower area, group and urban before rural.
    fn rank(&self) -> Option<(std::cmp::Reverse<u64>, &str, &str, bool)> {
        let fen = self.worth().ok()?;
        Some((std::cmp::Reverse(fen), AREAS[self.area], GROUPS[self.group], self.rural))
    }
}

/// The payment of each person and the rejected rows, found the slow way.
fn model(rows: &[Given]) -> (BTreeMap<String, String>, BTreeMap<u32, String>) {
    let (mut paid, mut rejects) = (BTreeMap::new(), BTreeMap::new());
    let persons: BTreeSet<_> = rows.iter().map(|row| row.person).collect();
    for person in persons {
        let own = rows.iter().filter(|row| row.person == person && row.worth().is_ok());
        let mut own: Vec<_> = own.collect();
        own.sort_by_key(|row| row.rank());
        let Some((best, beaten)) = own.split_first() else { continue };
        let residence = |row: &Given| if row.rural { "rural" } else { "urban" };
        let yuan = |row: &Given| {
            let fen = row.worth().unwrap();
            format!("{}.{:02}", fen / 100, fen % 100)
        };
        let claim = |row: &&Given| {
            format!("{}/{}/{}/{}", AREAS[row.area], GROUPS[row.group], residence(row), yuan(row))
        };
        let mut beats: Vec<_> = beaten.iter().map(claim).collect();
        beats.sort();
        let line = format!(
            "{},{},{},{}|{}",
            AREAS[best.area],
            GROUPS[best.group],
            residence(best),
            yuan(best),
            beats.join(";")
        );
        paid.insert(number(person), line);
    }
    for (row, at) in rows.iter().zip(2..) {
        if let Err(why) = row.worth() {
            rejects.insert(at, why.to_owned());
        }
    }
    (paid, rejects)
}

/// The payment of each person as the list has it.
fn paid(lists: &Lists) -> BTreeMap<String, String> {
    let one = |line: &String| {
        let fields: Vec<_> = line.split(',').collect();
        let mut beats: Vec<_> = fields[9].split(';').collect();
        beats.sort_unstable();
        let line = format!("{}|{}", fields[4..8].join(","), beats.join(";"));
        (fields[2].to_owned(), line)
    };
    let all: BTreeMap<_, _> = lists.paid.iter().map(one).collect();
    assert_eq!(all.len(), lists.paid.len(), "nobody has two lines");
    all
}

fn given() -> impl Strategy<Value = Vec<Given>> {
    let one = (0..40_u32, 0..AREAS.len(), 0..GROUPS.len(), any::<bool>());
    let one = one.prop_map(|(person, area, group, rural)| Given { person, area, group, rural });
    proptest::collection::vec(one, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_slow_model_finds_the_same(rows in given(), rotated in 0..100_usize) {
        let desk = Desk::new();
        let anybody = rows.iter().any(|row| row.worth().is_ok());
        let text: Vec<_> = rows.iter().map(Given::row).collect();
        let roster = desk.roster("roster.csv", csv(&text));
        if !anybody {
            let refused = matches!(desk.worked(&roster, MEANS), Err(RosterRefused::Run(_)));
            prop_assert!(refused);
            return Ok(());
        }
        let lists = desk.lists(&roster, MEANS);
        let (expected, rejects) = model(&rows);
        prop_assert_eq!(paid(&lists), expected);
        prop_assert_eq!(reasons(&lists).into_iter().collect::<BTreeMap<_, _>>(), rejects);
        // In another order, on the disk and by one worker the same persons get the same.
        let mut other = text.clone();
        other.rotate_left(rotated % text.len());
        let small = Means { workers: 1, memory: 0 };
        let again = desk.lists(&desk.roster("other.csv", csv(&other)), small);
        prop_assert_eq!(paid(&again), paid(&lists));
        prop_assert_eq!(again.yuan, lists.yuan);
    }
}

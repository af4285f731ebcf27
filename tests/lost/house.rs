//! The real program over a store: `serve` on a port of its own, and the other commands.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    thread,
    time::Duration,
};

use price_linkage::journal::entry::Entry;
use tempfile::TempDir;

use crate::writing::copied;

/// A store, the data of a small province, and the key of its rosters.
pub struct House {
    folder: TempDir,
    store: PathBuf,
}

impl House {
    pub fn new() -> Self {
        Self::with(tempfile::tempdir().unwrap(), "store".into())
    }

    /// One whose store lies elsewhere.
    pub fn over(store: PathBuf) -> Self {
        Self::with(tempfile::tempdir().unwrap(), store)
    }

    fn with(folder: TempDir, store: PathBuf) -> Self {
        let house = Self { folder, store };
        copied(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/roster"), &house.at("data"));
        let mut table = "month,area_code,series,yoy_pct,released_on,source\n".to_owned();
        for month in (2021 * 12 + 4)..(2023 * 12) {
            for area in ["990100", "990200"] {
                let (year, month) = (month / 12, month % 12 + 1);
                table += &format!("{year}-{month:02},{area},cpi,3.5,,调查队\n");
            }
        }
        fs::write(house.at("data/indices/lost.csv"), table).unwrap();
        fs::write(house.at("keys"), "07".repeat(32)).unwrap();
        house
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts another law into the data: so many yuan for most.
    pub fn change_law(&self, yuan: u64) {
        let law = include_str!("../roster/instruments/roster.toml");
        let law = law.replace("{ value = \"20\" }", &format!("{{ value = \"{yuan}\" }}"));
        fs::write(self.at("data/instruments/roster.toml"), law).unwrap();
    }

    /// A command over a store of the house.
    pub fn command(&self, store: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_price-linkage"));
        command.current_dir(self.folder.path()).args(["--store", store, "--data", "data"]);
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn done(&self, store: &str, arguments: &[&str]) -> String {
        said(&self.command(store, arguments).output().unwrap())
    }

    pub fn serve(&self, set_up: impl FnOnce(&mut Command)) -> Server {
        let log = fs::File::create(self.at("log")).unwrap();
        let listen = ["serve", "--listen", "127.0.0.1:0", "--person-keys", "keys"];
        let mut command = self.command(self.store.to_str().unwrap(), &listen);
        set_up(command.stderr(log));
        Server { child: command.spawn().unwrap(), output: None }
    }

    /// The entries after those of the shipped data, as they are on the disk; a line that was not
    /// written to its end is none.
    pub fn entries(&self, after: u64) -> Vec<Entry> {
        let journal =
            fs::read(self.folder.path().join(&self.store).join("journal/000000000001.jsonl"))
                .unwrap();
        let lines = journal.split_inclusive(|byte| *byte == b'\n').skip(after as usize);
        let whole = lines.filter_map(|line| line.strip_suffix(b"\n"));
        whole.map(|line| Entry::read(line).unwrap()).collect()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.at("log")).unwrap()
    }
}

/// What a command printed that must succeed.
pub fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

pub struct Server {
    child: Child,
    output: Option<BufReader<ChildStdout>>,
}

impl Server {
    /// Where it listens, and how many figures it has; none if it ended before.
    pub fn ready(&mut self) -> Option<(String, usize)> {
        let mut line = String::new();
        // Kept open: a program whose output nobody reads ends at its next line.
        let output = self.output.insert(BufReader::new(self.child.stdout.take()?));
        output.read_line(&mut line).unwrap();
        let address = line.strip_prefix("serving on ")?.split(',').next()?.to_owned();
        let figures = line.split(", ").last()?.split(' ').next()?.parse().ok()?;
        Some((address, figures))
    }

    pub fn kill_after(mut self, wait: Duration) {
        thread::sleep(wait);
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

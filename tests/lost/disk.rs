//! A disk and a clock that fail when they are told to: `faults.c` in front of the C library of the
//! service, and what would be left of its files if the power went.

use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use tempfile::TempDir;

use crate::facts::Random;

/// What the library reads and counts, in the order of `struct control`.
#[derive(Debug, Clone, Copy)]
pub enum Field {
    /// Bytes that may still be written; below 0: any.
    Space,
    /// The n-th write from now on fails; 0: none.
    WriteFails,
    /// The n-th sync from now on fails; 0: none.
    SyncFails,
    /// 1: after the first everything fails; 2: it hangs instead, to be killed there.
    Stays,
    /// Seconds that the clock is ahead.
    Clock,
    /// How many writes and syncs were made to fail.
    Failed,
}

const FIELDS: usize = 6;

static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let name = format!("faults-{}.so", std::process::id());
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lost/faults.c");
    let built = Command::new(env::var("CC").as_deref().unwrap_or("cc"))
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .status();
    assert!(built.expect("a C compiler").success());
    library
});

/// A folder for a store, on a disk of its own.
pub struct Disk {
    folder: TempDir,
}

impl Disk {
    pub fn new() -> Self {
        let disk = Self { folder: tempfile::tempdir().unwrap() };
        for folder in [disk.root(), disk.shadow()] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(disk.control(), [0; FIELDS * 8]).unwrap();
        disk.set(Field::Space, -1);
        disk.all_is_kept();
        disk
    }

    /// Everything on it.
    fn root(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    /// The store. Neither it nor the folder above is there at first.
    pub fn store(&self) -> PathBuf {
        self.root().join("above/store")
    }

    fn shadow(&self) -> PathBuf {
        self.folder.path().join("shadow")
    }

    fn control(&self) -> PathBuf {
        self.folder.path().join("control")
    }

    /// Makes a process use the disk.
    pub fn put_before(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &*LIBRARY)
            .env("FAULTS_UNDER", self.root())
            .env("FAULTS_CONTROL", self.control())
            .env("FAULTS_SHADOW", self.shadow());
    }

    pub fn set(&self, field: Field, value: i64) {
        let control = fs::OpenOptions::new().write(true).open(self.control()).unwrap();
        control.write_all_at(&value.to_ne_bytes(), field as u64 * 8).unwrap();
    }

    pub fn get(&self, field: Field) -> i64 {
        let mut value = [0; 8];
        let control = fs::File::open(self.control()).unwrap();
        control.read_exact_at(&mut value, field as u64 * 8).unwrap();
        i64::from_ne_bytes(value)
    }

    /// Nothing fails any more.
    pub fn mend(&self) {
        for field in [Field::WriteFails, Field::SyncFails, Field::Stays, Field::Clock] {
            self.set(field, 0);
        }
        self.set(Field::Space, -1);
    }

    /// Leaves what the loss of power would leave: what was synced, and of the rest some.
    pub fn lose_power(&self, random: &mut Random) {
        let next = self.folder.path().join("next");
        self.survives(&self.root(), inode(&self.root()), &next, random);
        fs::remove_dir_all(self.root()).unwrap();
        fs::rename(&next, self.root()).unwrap();
        self.all_is_kept();
    }

    /// What there is now is what a loss of power leaves.
    fn all_is_kept(&self) {
        fs::remove_dir_all(self.shadow()).unwrap();
        fs::create_dir(self.shadow()).unwrap();
        let mut open = vec![self.root()];
        while let Some(folder) = open.pop() {
            let mut names = String::new();
            for (name, (is_folder, inode)) in names_now(&folder) {
                let path = folder.join(&name);
                names += &format!("{} {inode} {name}\n", if is_folder { 'd' } else { 'f' });
                match is_folder {
                    true => open.push(path),
                    false => drop(fs::copy(path, self.kept('f', inode)).unwrap()),
                }
            }
            fs::write(self.kept('d', inode(&folder)), names).unwrap();
        }
    }

    fn kept(&self, kind: char, inode: u64) -> PathBuf {
        self.shadow().join(format!("{kind}-{inode}"))
    }

    fn survives(&self, now: &Path, inode: u64, to: &Path, random: &mut Random) {
        fs::create_dir(to).unwrap();
        let kept = fs::read_to_string(self.kept('d', inode)).unwrap_or_default();
        let mut names: BTreeMap<_, _> = kept.lines().map(name_kept).collect();
        for (name, found) in names_now(now) {
            // A name that was not synced may be there all the same.
            if !names.contains_key(&name) && random.below(2) == 0 {
                names.insert(name, found);
            }
        }
        for (name, (is_folder, inode)) in names {
            let (now, to) = (now.join(&name), to.join(&name));
            if is_folder {
                self.survives(&now, inode, &to, random);
                continue;
            }
            let kept = fs::read(self.kept('f', inode)).unwrap_or_default();
            let is_same = fs::metadata(&now).is_ok_and(|found| found.ino() == inode);
            let written = if is_same { fs::read(&now).unwrap() } else { kept.clone() };
            let is_journal = name.ends_with(".jsonl");
            fs::write(to, mixed(kept, written, is_journal, random)).unwrap();
        }
    }
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

type Name = (String, (bool, u64));

fn name_kept(line: &str) -> Name {
    let (kind, rest) = line.split_once(' ').unwrap();
    let (inode, name) = rest.split_once(' ').unwrap();
    (name.to_owned(), (kind == "d", inode.parse().unwrap()))
}

fn names_now(folder: &Path) -> Vec<Name> {
    let Ok(found) = fs::read_dir(folder) else { return Vec::new() };
    let name = |found: fs::DirEntry| {
        let metadata = found.metadata().unwrap();
        (found.file_name().into_string().unwrap(), (metadata.is_dir(), metadata.ino()))
    };
    found.map(|found| name(found.unwrap())).collect()
}

/// What may be found of a file: all that was synced, and of what was written since a beginning, or
/// in a file that is not only appended to, any pages.
fn mixed(kept: Vec<u8>, written: Vec<u8>, appended: bool, random: &mut Random) -> Vec<u8> {
    if appended {
        let tail = written.strip_prefix(&kept[..]).unwrap_or_default();
        let length = random.below(tail.len() as u64 + 1) as usize;
        return [&kept[..], &tail[..length]].concat();
    }
    match random.below(3) {
        0 => kept,
        1 => written,
        _ => {
            let mut mixed = if random.below(2) == 0 { kept.clone() } else { written.clone() };
            for (at, page) in mixed.chunks_mut(4096).enumerate() {
                let from = if random.below(2) == 0 { &kept } else { &written };
                let bytes = from.get(at * 4096..).unwrap_or_default();
                let length = page.len().min(bytes.len());
                page[..length].copy_from_slice(&bytes[..length]);
            }
            mixed
        }
    }
}

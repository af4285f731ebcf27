//! The program serving on a free port, and how much memory it takes.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    thread,
};

use price_linkage::{
    client::{Transport, in_process},
    service::Service,
};
use tonic::{Status, transport::Channel};
use tonic_types::StatusExt;

/// A service in memory; loading the data takes a while.
pub static SERVICE: LazyLock<Arc<Service>> =
    LazyLock::new(|| Arc::new(Service::in_memory(&[]).unwrap()));

pub fn transport() -> Transport {
    in_process(&SERVICE)
}

pub fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details.error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

pub fn id(number: u32) -> String {
    format!("0191a7a4-0000-7000-8000-{number:012}")
}

/// Made-up areas, law and roster.
pub fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/roster")
}

/// KiB that a process holds in memory, or the most it ever held.
fn held(process: u32, field: &str) -> u64 {
    let told = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = told.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
}

/// How much memory is taken here by what is done meanwhile, one at a time.
pub struct Measured {
    before: u64,
    _alone: MutexGuard<'static, ()>,
}

impl Measured {
    pub fn begin() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        // What other tests load must not come in between.
        LazyLock::force(&SERVICE);
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        // The most that was ever held counts anew.
        fs::write("/proc/self/clear_refs", "5").unwrap();
        Self { before: held(std::process::id(), "VmRSS"), _alone: alone }
    }

    /// KiB.
    pub fn grown(&self) -> u64 {
        held(std::process::id(), "VmHWM").saturating_sub(self.before)
    }
}

/// The program, serving until this is dropped.
pub struct Served {
    child: Child,
    pub address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Served {
    /// With at most so many files open, when that is said.
    pub fn start(files: Option<u32>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = env!("CARGO_BIN_EXE_price-linkage");
        let limit = files.map(|files| format!("ulimit -n {files};")).unwrap_or_default();
        let mut child = Command::new("sh")
            .args(["-c", &format!("{limit} exec \"$0\" \"$@\""), program])
            .arg("--data")
            .arg(data())
            .args(["--store", "store", "serve", "--listen", "127.0.0.1:0"])
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        // What it says later must not fill the pipe.
        thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        let address = line.strip_prefix("serving on ").unwrap_or_else(|| panic!("{line}"));
        let address = address.split(',').next().unwrap().parse().unwrap();
        Self { child, address, _folder: folder }
    }

    pub async fn channel(&self) -> Channel {
        let endpoint = Channel::from_shared(format!("http://{}", self.address)).unwrap();
        endpoint.connect().await.unwrap()
    }

    /// KiB that it holds now.
    pub fn held(&self) -> u64 {
        held(self.child.id(), "VmRSS")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

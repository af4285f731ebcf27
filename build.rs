//! Generates the service stubs and the descriptor set for reflection, without a `protoc`.

use std::{env, fs, path::PathBuf};

use prost::Message;

const FILES: [&str; 12] = [
    "pricelinkage/v1/common.proto",
    "pricelinkage/v1/index.proto",
    "pricelinkage/v1/standard.proto",
    "pricelinkage/v1/area.proto",
    "pricelinkage/v1/trigger.proto",
    "pricelinkage/v1/subsidy.proto",
    "pricelinkage/v1/replay.proto",
    "pricelinkage/v1/rule.proto",
    "pricelinkage/v1/run.proto",
    "pricelinkage/v1/roster.proto",
    "pricelinkage/v1/audit.proto",
    "pricelinkage/v1/journal.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(FILES, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?).join("descriptors.bin");
    fs::write(out, descriptors.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}

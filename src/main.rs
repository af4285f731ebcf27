//! Parse the arguments, run, exit with a code.

use std::process::ExitCode;

use clap::Parser;
use price_linkage::cli::Cli;

fn main() -> ExitCode {
    price_linkage::cli::run(Cli::parse())
}

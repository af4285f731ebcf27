//! Parse the arguments, run, exit with a code.

use std::process::ExitCode;

fn main() -> ExitCode {
    price_linkage::cli::run()
}

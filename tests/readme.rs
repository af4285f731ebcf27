//! The READMEs are kept: every console block is what the program prints, and both name every rpc,
//! every reason and every column.

use std::{env, fs, path::Path, process::Command};

use price_linkage::grpc::DESCRIPTORS;
use prost::Message;
use prost_types::FileDescriptorSet;

const READMES: [&str; 2] = ["README.md", "README.zh.md"];

fn text(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// Commands with what is shown of their output.
fn blocks(readme: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in text(readme).lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ if !inside => {}
            _ => match (line.strip_prefix("$ "), found.last_mut()) {
                (Some(command), _) => found.push((command.to_owned(), String::new())),
                (None, Some((_, output))) => *output += &format!("{line}\n"),
                (None, None) => panic!("{readme}: output without a command: {line}"),
            },
        }
    }
    found
}

fn printed(command: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_price-linkage")).parent().unwrap();
    let path = format!("{}:{}", program.display(), env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["-c", command])
        .env("PATH", path)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_console_block_is_what_the_program_prints() {
    for readme in READMES {
        let blocks = blocks(readme);
        assert!(5 < blocks.len(), "{readme}");
        for (command, shown) in blocks {
            assert_eq!(printed(&command), shown, "{readme}: {command}");
        }
    }
}

#[test]
fn both_languages_show_the_same_commands() {
    let commands = |readme| {
        let plain = |(command, _): (String, String)| command.replace(" --lang en", "");
        blocks(readme).into_iter().map(plain).collect::<Vec<_>>()
    };
    assert_eq!(commands(READMES[0]), commands(READMES[1]));
}

#[test]
fn every_rpc_is_in_the_table() {
    let descriptors = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    let services = descriptors.file.iter().flat_map(|file| &file.service);
    let names: Vec<_> =
        services.flat_map(|service| &service.method).map(|rpc| rpc.name()).collect();
    assert!(10 < names.len());
    for readme in READMES {
        let text = text(readme);
        let missing: Vec<_> =
            names.iter().filter(|name| !text.contains(&format!("`{name}`"))).collect();
        assert_eq!(missing, Vec::<&&str>::new(), "{readme}");
    }
}

#[test]
fn every_reason_is_in_the_table() {
    let mut reasons = Vec::new();
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/grpc")).unwrap() {
        let code = fs::read_to_string(file.unwrap().path()).unwrap();
        let code = code.split("#[cfg(test)]").next().unwrap().to_owned();
        for quoted in code.split('"').skip(1).step_by(2) {
            let upper = |c: char| c.is_ascii_uppercase() || c == '_';
            // How a line of a document's comparison stands, not why a request was refused.
            if 3 < quoted.len()
                && quoted != "NOT_COVERED"
                && quoted.chars().all(upper)
                && code.contains("refused(")
            {
                reasons.push(quoted.to_owned());
            }
        }
    }
    reasons.sort();
    reasons.dedup();
    assert!(reasons.contains(&"AREA_UNKNOWN".to_owned()) && 7 < reasons.len(), "{reasons:?}");
    for readme in READMES {
        let text = text(readme);
        let missing: Vec<_> =
            reasons.iter().filter(|name| !text.contains(&format!("`{name}`"))).collect();
        assert_eq!(missing, Vec::<&String>::new(), "{readme}");
    }
}

#[test]
fn the_test_command_is_the_one_that_ci_runs() {
    for readme in READMES {
        assert!(text(readme).lines().any(|line| line == "cargo test --locked"), "{readme}");
    }
}

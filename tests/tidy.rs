//! The shape of the code: which rooms may know which, how long files and functions are, and that
//! nothing near money is a float.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// The code before the unit tests; none for a file of unit tests.
fn code(path: &Path) -> String {
    if path.file_name().is_some_and(|name| name == "tests.rs") {
        return String::new();
    }
    let text = text(path);
    text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned()
}

/// The words a room may not contain.
fn forbid(room: &str, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in rust_files(&root().join("src").join(room)) {
        for (line, content) in code(&file).lines().enumerate() {
            let content = content.split("//").next().unwrap();
            for word in words.iter().filter(|word| content.contains(**word)) {
                found.push(format!("{}:{}: {word}", file.display(), line + 1));
            }
        }
    }
    found
}

const OUTSIDE: [&str; 11] = [
    "tokio",
    "tonic",
    "prost",
    "sled",
    "std::fs",
    "std::env",
    "std::net",
    "Utc::now",
    "Local::now",
    "Instant::now",
    "SystemTime",
];

#[test]
fn the_core_knows_no_input_no_output_and_no_clock() {
    for (room, upper) in [
        ("domain", &["crate::rules", "crate::engine", "crate::service", "crate::store"][..]),
        ("rules", &["crate::engine", "crate::service", "crate::store", "crate::intake"][..]),
        ("engine", &["crate::service", "crate::store", "crate::journal", "crate::intake"][..]),
    ] {
        assert_eq!(forbid(room, &OUTSIDE), Vec::<String>::new(), "{room}");
        assert_eq!(forbid(room, upper), Vec::<String>::new(), "{room}");
    }
}

#[test]
fn each_outside_library_stays_in_its_room() {
    for (room, words) in [
        ("journal", &["sled", "tonic", "prost", "crate::store", "crate::service"][..]),
        ("store", &["tonic", "prost", "crate::service", "crate::grpc"][..]),
        (
            "access",
            &["sled", "tonic", "prost", "tokio", "crate::service", "crate::store", "crate::grpc"][..],
        ),
        ("intake", &["sled", "tonic", "prost", "crate::service", "crate::store"][..]),
        (
            "roster",
            &["sled", "tonic", "prost", "tokio", "crate::service", "crate::store", "crate::engine"]
                [..],
        ),
        (
            "charts",
            &["sled", "tonic", "prost", "crate::service", "crate::store", "Utc::now", "f64"][..],
        ),
        ("sheets", &["sled", "tonic", "prost", "crate::service", "crate::store", "Utc::now"][..]),
        ("service", &["sled::", "tonic", "prost", "crate::grpc", "crate::cli"][..]),
        ("grpc", &["sled", "crate::cli", "Utc::now"][..]),
        ("client", &["sled", "Utc::now", "f64"][..]),
        ("follow", &["sled", "Utc::now", "crate::store", "crate::cli"][..]),
        ("web", &["sled", "Utc::now", "f64", "crate::store", "crate::engine::trigger"][..]),
        ("cli", &["sled", "Utc::now"][..]),
    ] {
        assert_eq!(forbid(room, words), Vec::<String>::new(), "{room}");
    }
    let outside = forbid("access", &["std::fs", "fs::", "Utc::now", "std::env", "SystemTime"]);
    let readers = ["/directory.rs:", "/issuer.rs:", "/watched.rs:"];
    let is_known = |found: &String| readers.iter().any(|reader| found.contains(reader));
    assert!(outside.iter().all(is_known), "{outside:?}");
    let clock = forbid("service", &["Utc::now"]);
    assert_eq!(clock.len(), 1, "{clock:?}");
}

#[test]
fn nothing_near_money_or_indices_is_a_float() {
    let outer = ["store", "journal", "intake", "roster", "sheets", "service", "grpc"];
    for room in ["domain", "rules", "engine"].into_iter().chain(outer) {
        assert_eq!(forbid(room, &["f64", "f32"]), Vec::<String>::new());
    }
}

#[test]
fn nothing_unwraps_outside_tests() {
    let words = [".unwrap()", "todo!(", "unimplemented!(", "dbg!("];
    let mut found = Vec::new();
    for file in rust_files(&root().join("src")) {
        for (line, content) in code(&file).lines().enumerate() {
            if words.iter().any(|word| content.contains(word)) {
                found.push(format!("{}:{}", file.display(), line + 1));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn files_and_functions_stay_readable() {
    let mut found = Vec::new();
    for file in rust_files(&root().join("src")) {
        let code = code(&file);
        let lines = code.lines().count();
        if 400 < lines {
            found.push(format!("{}: {lines} lines", file.display()));
        }
        let mut started: Option<(usize, usize, String)> = None;
        for (at, line) in code.lines().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let begins = line.trim_start();
            let begins = begins.strip_prefix("pub ").unwrap_or(begins);
            let begins = begins.strip_prefix("pub(super) ").unwrap_or(begins);
            let begins = begins.strip_prefix("async ").unwrap_or(begins);
            if begins.starts_with("fn ") && !line.trim_end().ends_with(';') {
                started = Some((at, indent, begins.chars().take(40).collect()));
            }
            if let Some((from, depth, name)) = &started
                && line.trim() == "}"
                && indent == *depth
            {
                let length = at - from + 1;
                if 70 < length {
                    found.push(format!("{}: {name} has {length} lines", file.display()));
                }
                started = None;
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn no_line_is_longer_than_a_hundred_and_ten_columns() {
    let mut found = Vec::new();
    for file in rust_files(&root().join("src")) {
        for (line, content) in text(&file).lines().enumerate() {
            let long = 110 < content.chars().count() && !content.contains('"');
            if long {
                found.push(format!("{}:{}", file.display(), line + 1));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn no_folder_is_called_after_nothing() {
    for file in rust_files(&root().join("src")) {
        let stem = file.file_stem().unwrap().to_str().unwrap();
        assert!(!["utils", "helpers", "common", "types", "misc"].contains(&stem), "{stem}");
    }
}

#[test]
fn the_program_starts_in_few_lines() {
    assert!(text(&root().join("src/main.rs")).lines().count() <= 20);
}

//! One file for all that `serve` can be told, and the same from the environment.
//!
//! **Invariant:** a key of the file is the long name of a flag; a flag on the command line holds before
//! the environment, and that before the file.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::{Arg, ArgAction, CommandFactory, FromArgMatches, Subcommand};

use super::Cli;

/// `config`
#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Read a file as `serve --config` would, and say what is wrong with it.
    Check {
        /// The file, TOML.
        file: PathBuf,
    },
    /// Write a file with every key, each with its meaning, to fill in.
    Example,
}

/// Flags that are no setting.
const NOT_SET: [&str; 5] = ["config", "help", "version", "format", "lang"];

/// The command line with an environment variable for each flag of `serve`.
fn command() -> clap::Command {
    let with_env = |arg: Arg| match (arg.get_long(), arg.get_env()) {
        (Some(long), None) if !NOT_SET.contains(&long) => {
            let name = format!("PRICE_LINKAGE_{}", long.replace('-', "_").to_uppercase());
            arg.env(name).hide_env(true)
        }
        _ => arg,
    };
    Cli::command()
        .mut_subcommand("serve", |serve| serve.args_override_self(true).mut_args(with_env))
}

/// The flags that a file may set: those of `serve` and those that stand before every command.
fn settings(command: &clap::Command) -> Vec<&Arg> {
    let serve = command.get_subcommands().filter(|one| one.get_name() == "serve");
    let all = serve.flat_map(clap::Command::get_arguments).chain(command.get_arguments());
    let mut all: Vec<_> = all
        .filter(|arg| arg.get_long().is_some_and(|long| !NOT_SET.contains(&long)))
        .filter(|arg| !matches!(arg.get_long(), Some("server")))
        .collect();
    all.sort_by_key(|arg| arg.get_long());
    all.dedup_by_key(|arg| arg.get_long());
    all
}

/// Reads the command line, with the file that it or the environment names.
///
/// # Errors
/// The file cannot be read, or has a key or a value that is wrong.
pub(super) fn parse() -> anyhow::Result<Cli> {
    let mut args: Vec<OsString> = env::args_os().collect();
    let serve = args.iter().position(|arg| arg == "serve");
    if let Some(serve) = serve
        && let Some(file) = named(&args[serve..])
    {
        let set = flags(&command(), &file)?;
        args.splice(serve + 1..=serve, set);
    }
    let matches = command().get_matches_from(args);
    Cli::from_arg_matches(&matches).map_err(|error| error.exit())
}

/// The file that the arguments after `serve` or the environment name.
fn named(args: &[OsString]) -> Option<PathBuf> {
    let given = args.windows(2).find(|pair| pair[0] == "--config").map(|pair| pair[1].clone());
    let joined =
        || args.iter().find_map(|arg| arg.to_str()?.strip_prefix("--config=").map(OsString::from));
    let given = given.or_else(joined).or_else(|| env::var_os("PRICE_LINKAGE_CONFIG"));
    given.filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The flags that a file stands for, without those that the environment sets.
fn flags(command: &clap::Command, file: &Path) -> anyhow::Result<Vec<OsString>> {
    let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let table: toml::Table =
        text.parse().with_context(|| format!("{}: expected TOML", file.display()))?;
    let known = settings(command);
    let mut flags = Vec::new();
    for (key, value) in &table {
        let arg = known.iter().find(|arg| arg.get_long() == Some(key));
        let Some(arg) = arg else {
            let names: Vec<_> = known.iter().filter_map(|arg| arg.get_long()).collect();
            bail!("{}: key {key:?}: expected one of {}", file.display(), names.join(", "));
        };
        if arg.get_env().is_some_and(|name| env::var_os(name).is_some()) {
            continue;
        }
        let given = flag(arg, key, value);
        flags.extend(given.with_context(|| file.display().to_string())?);
    }
    Ok(flags)
}

/// One key as flags.
fn flag(arg: &Arg, key: &str, value: &toml::Value) -> anyhow::Result<Vec<OsString>> {
    let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
    let one = |value: &toml::Value| match value {
        toml::Value::String(text) => Ok(OsString::from(format!("--{key}={text}"))),
        toml::Value::Integer(number) => Ok(OsString::from(format!("--{key}={number}"))),
        other => bail!("key {key:?}: {other}: expected a text or a whole number"),
    };
    match value {
        toml::Value::Boolean(true) if is_switch => Ok(vec![format!("--{key}").into()]),
        toml::Value::Boolean(false) if is_switch => Ok(Vec::new()),
        other if is_switch => bail!("key {key:?}: {other}: expected true or false"),
        toml::Value::Array(all) if matches!(arg.get_action(), ArgAction::Append) => {
            all.iter().map(one).collect()
        }
        value => Ok(vec![one(value)?]),
    }
}

impl Config {
    pub fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::Check { file } => check(file),
            Self::Example => {
                print!("{}", example());
                Ok(())
            }
        }
    }
}

fn check(file: &Path) -> anyhow::Result<()> {
    let flags = flags(&command(), file)?;
    let head = [OsString::from("price-linkage"), OsString::from("serve")];
    let matches = command().try_get_matches_from(head.into_iter().chain(flags.iter().cloned()));
    if let Err(error) = matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        bail!("{}: {error}", file.display());
    }
    println!("{}: {} settings", file.display(), flags.len());
    for flag in &flags {
        println!("  {}", flag.to_string_lossy().trim_start_matches("--"));
    }
    Ok(())
}

/// Every key as a comment, with its meaning and what holds without it.
fn example() -> String {
    let mut text = String::new();
    for arg in settings(&command()) {
        let key = arg.get_long().unwrap_or_default();
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let usual = arg.get_default_values().first().and_then(|value| OsStr::to_str(value));
        let value = match (arg.get_action(), usual) {
            (ArgAction::SetTrue, _) => "false".to_owned(),
            (ArgAction::Append, _) => "[]".to_owned(),
            (_, Some(number)) if number.parse::<u64>().is_ok() => number.to_owned(),
            (_, usual) => format!("{:?}", usual.unwrap_or_default()),
        };
        text += &format!("# {}\n# {key} = {value}\n\n", help.replace('\n', "\n# "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<Vec<String>> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("serve.toml");
        fs::write(&file, text)?;
        let flags = flags(&command(), &file)?;
        Ok(flags.iter().map(|flag| flag.to_string_lossy().into_owned()).collect())
    }

    #[test]
    fn a_key_is_a_flag() {
        let text = "listen = \"127.0.0.1:1\"\napprovals = 2\ninsecure-remote = true\n\
                    page-host = [\"a.example\", \"b.example\"]\n";
        let expected = [
            "--approvals=2",
            "--insecure-remote",
            "--listen=127.0.0.1:1",
            "--page-host=a.example",
            "--page-host=b.example",
        ];
        let mut flags = read(text).unwrap();
        flags.sort();
        assert_eq!(flags, expected);
        assert_eq!(read("insecure-remote = false\n").unwrap(), [""; 0]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, named) in [
            ("lisen = \"127.0.0.1:1\"\n", "key \"lisen\": expected one of"),
            ("config = \"x\"\n", "key \"config\""),
            ("approvals = 1.5\n", "key \"approvals\": 1.5: expected a text or a whole number"),
            ("insecure-remote = 1\n", "expected true or false"),
            ("listen = [\"127.0.0.1:1\"]\n", "expected a text"),
            ("listen\n", "expected TOML"),
        ] {
            let error = format!("{:#}", read(text).unwrap_err());
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn every_key_of_the_example_reads_once_it_is_uncommented() {
        let example = example();
        let keys = example.lines().filter_map(|line| line.strip_prefix("# "));
        let keys: Vec<_> = keys.filter(|line| line.contains(" = ")).collect();
        let settings = settings(&command()).len();
        let known = |line: &&&str| {
            let key = line.split(" = ").next().unwrap_or_default();
            super::settings(&command()).iter().any(|arg| arg.get_long() == Some(key))
        };
        assert_eq!(keys.iter().filter(known).count(), settings);
    }
}

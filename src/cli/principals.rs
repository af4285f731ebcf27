//! `principals`: who may sign in.

use std::{
    fs::{self, File, Permissions},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};

use crate::{
    access::{
        Grant, Role,
        directory::read,
        edit,
        file::{Listed, parse},
        table::{Scope, TABLE, Who, named, of_move},
        token::{self, NewToken},
    },
    domain::{area::Areas, life::Move},
    intake::folder::load_areas,
};

use super::{Place, output::Rows};

/// `principals`
#[derive(Debug, Args)]
pub(super) struct Principals {
    /// The file of principals.
    #[arg(long = "file", value_name = "FILE", env = "PRICE_LINKAGE_PRINCIPALS", global = true)]
    file: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add a principal; its token is printed once, and only a hash of it is kept.
    Add(Add),
    /// Who is listed, with grants, ids of tokens and fingerprints of certificates.
    List,
    /// Give a principal a further token; the ones before hold until they are revoked.
    Rotate(Rotate),
    /// Take a token away.
    Revoke {
        /// Its id: the part between the first two underscores.
        id: String,
    },
    /// Check the file as `serve` would read it.
    Check,
    /// Which roles may call which rpc.
    Roles,
}

#[derive(Debug, Args)]
struct Add {
    /// The name under which everything is recorded.
    name: String,
    /// A role in an area and everything below it, for example maker:150100; may be repeated.
    #[arg(long, value_name = "ROLE:AREA", required = true)]
    grant: Vec<Grant>,
    /// SHA-256 fingerprint of a certificate to sign in with; may be repeated.
    #[arg(long, value_name = "HEX")]
    certificate: Vec<String>,
    /// Make no token.
    #[arg(long, requires = "certificate")]
    no_token: bool,
}

#[derive(Debug, Args)]
struct Rotate {
    /// The principal.
    name: String,
    /// Take the tokens before away at once.
    #[arg(long)]
    alone: bool,
}

impl Principals {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        if let Command::Roles = self.command {
            return roles(place);
        }
        let path = self.file.as_deref().context("expected the file of principals (--file FILE)")?;
        let areas = load_areas(&place.data)?;
        let changes =
            matches!(self.command, Command::Add(_) | Command::Rotate(_) | Command::Revoke { .. });
        let _turn = if changes { Some(turn(path)?) } else { None };
        match &self.command {
            Command::Add(add) => {
                let token = if add.no_token { None } else { Some(token::make()?) };
                let text = if path.exists() { text(path)? } else { String::new() };
                let Add { name, grant, certificate, .. } = add;
                let text = edit::add(&text, name, grant, token.as_ref(), certificate)?;
                write(path, &text, &areas)?;
                shown(token)
            }
            Command::Rotate(Rotate { name, alone }) => {
                let token = token::make()?;
                write(path, &edit::rotate(&text(path)?, name, &token, *alone)?, &areas)?;
                shown(Some(token))
            }
            Command::Revoke { id } => write(path, &edit::revoke(&text(path)?, id)?, &areas),
            Command::List => list(place, &read(path, &areas)?),
            Command::Check => {
                println!("{} principals", read(path, &areas)?.len());
                Ok(())
            }
            Command::Roles => Ok(()),
        }
    }
}

/// Waits until nobody else changes a file of this folder; held until it is dropped.
fn turn(path: &Path) -> anyhow::Result<File> {
    let folder = folder(path);
    let held = File::open(folder).and_then(|held| held.lock().map(|()| held));
    held.with_context(|| format!("wait for others who change {}", path.display()))
}

/// The folder a file lies in.
fn folder(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

fn text(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}

/// Puts a new version in the place of the file, whole or not at all.
fn write(path: &Path, text: &str, areas: &Areas) -> anyhow::Result<()> {
    if let Err(wrong) = parse(text, areas) {
        let wrong: Vec<_> = wrong.iter().map(ToString::to_string).collect();
        bail!("{} would be wrong: {}", path.display(), wrong.join("; "));
    }
    // A link goes on pointing to the file.
    let path = if path.exists() { path.canonicalize()? } else { path.to_owned() };
    let folder = folder(&path);
    let write = || -> anyhow::Result<()> {
        let mut fresh = tempfile::NamedTempFile::new_in(folder)?;
        fresh.write_all(text.as_bytes())?;
        let known = fs::metadata(&path).map(|found| found.permissions());
        fresh.as_file().set_permissions(known.unwrap_or(Permissions::from_mode(0o600)))?;
        fresh.as_file().sync_all()?;
        fresh.persist(&path)?;
        Ok(File::open(folder)?.sync_all()?)
    };
    write().map_err(|error| anyhow!("write {}: {error}", path.display()))
}

fn shown(token: Option<NewToken>) -> anyhow::Result<()> {
    let Some(NewToken { text, id, .. }) = token else { return Ok(()) };
    println!("{text}");
    eprintln!("token {id}: keep it in a file that only its holder can read; it is not shown again");
    Ok(())
}

fn list(place: &Place, listed: &[Listed]) -> anyhow::Result<()> {
    let mut rows = Rows::new(&["name", "grants", "tokens", "certificates", "expires"]);
    for one in listed {
        let grants: Vec<_> = one.principal.grants.iter().map(ToString::to_string).collect();
        let tokens: Vec<_> = one.tokens.iter().map(|token| token.id.clone()).collect();
        let certificates: Vec<_> = one.certificates.iter().map(hex::encode).collect();
        rows.push(vec![
            one.principal.name.clone(),
            grants.join("+"),
            tokens.join("+"),
            certificates.join("+"),
            one.expires.map(|at| at.to_rfc3339()).unwrap_or_default(),
        ]);
    }
    rows.print(place.format)
}

/// The table as it is in force, with a row for each move of a run.
fn roles(place: &Place) -> anyhow::Result<()> {
    let mut rows = Rows::new(&["rpc", "who", "scope"]);
    for row in TABLE {
        let scope = match row.scope {
            Scope::Areas => "own areas",
            Scope::All => "",
            Scope::Whole => "the whole",
        };
        let who = match row.who {
            Who::Roles(roles) if roles.len() == Role::ALL.len() => "every role".to_owned(),
            who => who.to_string(),
        };
        if row.rpc != "RunService/MoveRun" {
            rows.push(vec![row.rpc.to_owned(), who, scope.to_owned()]);
            continue;
        }
        for made in Move::ALL.into_iter().filter(|made| *made != Move::Settle) {
            let rpc = format!("{} {}", row.rpc, made.as_str());
            rows.push(vec![rpc, named(of_move(made)), scope.to_owned()]);
        }
    }
    rows.print(place.format)
}

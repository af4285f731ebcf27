//! The program itself: principals made and changed, a server with doors, and clients at them.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use rcgen::{CertificateParams, KeyPair};

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_price-linkage"));
    command.current_dir(folder).env_remove("PRICE_LINKAGE_PRINCIPALS");
    command
}

fn run(folder: &Path, arguments: &str) -> Output {
    program(folder).args(arguments.split(' ')).output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What a command prints when it succeeds.
fn printed(folder: &Path, arguments: &str) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments}: {}", told(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// A server that ends with the test.
struct Served(Child, String);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(folder: &Path, arguments: &str) -> Served {
    let mut child = program(folder)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(arguments.split(' '))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let address = first.strip_prefix("serving on ").unwrap().split(',').next().unwrap().to_owned();
    std::thread::spawn(move || lines.for_each(drop));
    Served(child, address)
}

#[test]
fn principals_are_made_listed_rotated_and_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let token = printed(folder, "principals add zhang --grant maker:150100 --file p.toml");
    let (id, secret) = token.trim().strip_prefix("pl_").unwrap().split_once('_').unwrap();
    let written = fs::read_to_string(folder.join("p.toml")).unwrap();
    assert!(written.contains(id) && !written.contains(secret), "{written}");
    let mode = fs::metadata(folder.join("p.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let rotated = printed(folder, "principals rotate zhang --file p.toml");
    let second = &rotated[3..13];
    let list = || printed(folder, "principals list --format csv --file p.toml");
    let expected = "name,grants,tokens,certificates,expires\nzhang,maker:150100,";
    assert_eq!(list(), format!("{expected}{id}+{second},,\n"));
    printed(folder, &format!("principals revoke {id} --file p.toml"));
    assert_eq!(list(), format!("{expected}{second},,\n"));
    assert_eq!(printed(folder, "principals check --file p.toml"), "1 principals\n");
}

#[test]
fn two_who_change_the_file_at_once_both_have_their_way() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let names: Vec<_> = (0..8).map(|number| format!("officer-{number}")).collect();
    std::thread::scope(|scope| {
        for name in &names {
            scope.spawn(move || {
                printed(
                    folder,
                    &format!("principals add {name} --grant reader:150100 --file p.toml"),
                )
            });
        }
    });
    let listed = printed(folder, "principals list --format csv --file p.toml");
    for name in &names {
        assert!(listed.contains(&format!("{name},reader:150100,")), "{name} in {listed}");
    }
}

#[test]
fn a_file_that_would_be_wrong_is_not_written_and_one_that_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    printed(folder, "principals add zhang --grant maker:150100 --file p.toml");
    let before = fs::read_to_string(folder.join("p.toml")).unwrap();
    for (arguments, expected) in [
        ("principals add li --grant maker:999999 --file p.toml", "grants \"maker:999999\""),
        ("principals add zhang --grant maker:150100 --file p.toml", "not listed yet"),
        ("principals add seed --grant maker:150100 --file p.toml", "name \"seed\""),
        ("principals add li --grant chief:150100 --file p.toml", "expected ROLE:AREA"),
        ("principals rotate li --file p.toml", "expected one that is listed"),
        ("principals revoke 0123456789 --file p.toml", "expected the id"),
        ("principals check", "--file FILE"),
    ] {
        let output = run(folder, arguments);
        assert!(!output.status.success() && told(&output).contains(expected), "{}", told(&output));
        assert!(output.stdout.is_empty(), "no token is shown that does not hold");
    }
    assert_eq!(fs::read_to_string(folder.join("p.toml")).unwrap(), before);
    fs::write(folder.join("p.toml"), format!("{before}\nadmin = true\n")).unwrap();
    for arguments in ["principals check --file p.toml", "serve --principals p.toml"] {
        let output = run(folder, arguments);
        assert!(!output.status.success(), "{arguments}");
        assert!(told(&output).contains("p.toml: line 6: "), "{}", told(&output));
    }
    let output = run(folder, "serve --principals none.toml");
    assert!(!output.status.success() && told(&output).contains("none.toml"), "{}", told(&output));
}

#[test]
fn only_a_server_with_principals_and_encryption_listens_beyond_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    printed(folder, "principals add zhang --grant maker:150100 --file p.toml");
    for arguments in [
        "serve --listen 0.0.0.0:0",
        "serve --listen 0.0.0.0:0 --principals p.toml",
        "serve --listen 0.0.0.0:0 --tls-cert c.pem --tls-key k.pem",
    ] {
        let output = run(folder, arguments);
        assert!(!output.status.success(), "{arguments}");
        assert!(told(&output).contains("--insecure-remote"), "{}", told(&output));
    }
}

#[test]
fn a_client_signs_in_to_an_encrypted_server() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let cert = params.self_signed(&key).unwrap();
    fs::write(folder.join("c.pem"), cert.pem()).unwrap();
    fs::write(folder.join("k.pem"), key.serialize_pem()).unwrap();
    let token = printed(folder, "principals add zhang --grant maker:150100 --file p.toml");
    fs::write(folder.join("token"), token).unwrap();
    let arguments = "--store s --principals p.toml --tls-cert c.pem --tls-key k.pem";
    let served = serve(folder, arguments);
    let Served(_, address) = &served;
    let status = format!("--server https://{address} status --area 150100 --month 2020-03");
    let shown = printed(folder, &format!("{status} --ca c.pem --token-file token --lang en"));
    assert!(shown.contains("continuing"), "{shown}");
    for (more, expected) in [
        (" --ca c.pem", "--token-file FILE"),
        (" --token-file token", "does not answer"),
        (" --ca k.pem --token-file token", "does not answer"),
        (" --ca token --token-file token", "expected PEM"),
        (" --ca c.pem --token-file c.pem", "expected a token"),
        (" --ca c.pem --client-cert c.pem", "expected both or neither"),
    ] {
        let output = run(folder, &format!("{status}{more}"));
        assert!(!output.status.success(), "{more}");
        assert!(told(&output).contains(expected), "{more}: {}", told(&output));
    }
    // A run is made under the name signed in as, without --as; another name is refused.
    let heads = "index_month,area_code,group,residence,persons\n\
                 2020-03,150102,subsistence_allowance,urban,1200\n";
    fs::write(folder.join("heads.csv"), heads).unwrap();
    let make = format!(
        "--server https://{address} --ca c.pem --token-file token run make heads.csv --format json"
    );
    let made = printed(folder, &make);
    assert!(
        made.contains("\"madeBy\":\"zhang\"") || made.contains("\"made_by\":\"zhang\""),
        "{made}"
    );
    let other = run(folder, &format!("{make} --as li"));
    assert!(!other.status.success() && told(&other).contains("zhang"), "{}", told(&other));
    drop(served);
    let journal = fs::read_dir(folder.join("s/journal")).unwrap();
    let texts = journal.filter_map(|file| fs::read_to_string(file.unwrap().path()).ok());
    let texts: String = texts.collect();
    let (seeded, asked): (Vec<_>, Vec<_>) =
        texts.lines().partition(|line| line.contains("\"principal\":\"seed\""));
    assert!(!seeded.is_empty() && seeded.iter().all(|line| !line.contains("\"origin\"")));
    let [made] = asked[..] else { panic!("{asked:?}") };
    assert!(made.contains("\"principal\":\"zhang\""), "{made}");
    assert!(made.contains("\"origin\":\"127.0.0.1\""), "{made}");
}

#[test]
fn a_token_is_not_sent_unencrypted_beyond_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let token = printed(folder, "principals add zhang --grant maker:150100 --file p.toml");
    fs::write(folder.join("token"), token).unwrap();
    let output = run(folder, "--server http://192.0.2.1:1 --token-file token areas");
    assert!(told(&output).contains("expected https, since a token is sent"), "{}", told(&output));
}

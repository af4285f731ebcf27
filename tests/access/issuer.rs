//! Tokens of an issuer: which count, and for whom.

use std::{fs, path::Path, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use price_linkage::access::issuer::{Claimed, Expected, Issuer};
use rcgen::KeyPair;
use serde_json::{Value, json};

use super::fixture::{PLENTY, Row, house};

/// A key of the issuer's.
struct Key(KeyPair, &'static str);

impl Key {
    fn new(id: &'static str) -> Self {
        Self(KeyPair::generate().unwrap(), id)
    }

    /// Its public half, as the issuer publishes it.
    fn public(&self) -> Value {
        // Uncompressed: 4, then both coordinates.
        let point = self.0.public_key_raw();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": self.1,
            "x": part(&point[1..33]), "y": part(&point[33..65]),
        })
    }

    fn signs(&self, claims: &Value) -> String {
        let head = Header { kid: Some(self.1.to_owned()), ..Header::new(Algorithm::ES256) };
        let key = EncodingKey::from_ec_der(&self.0.serialize_der());
        encode(&head, claims, &key).unwrap()
    }
}

fn write(path: &Path, keys: &[&Key]) {
    let keys: Vec<_> = keys.iter().map(|key| key.public()).collect();
    fs::write(path, json!({ "keys": keys }).to_string()).unwrap();
}

fn expected() -> Expected {
    Expected {
        issuer: "https://login.example".into(),
        audience: "price-linkage".into(),
        claim: "preferred_username".into(),
    }
}

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

fn claims() -> Value {
    json!({
        "iss": "https://login.example", "aud": ["other", "price-linkage"], "sub": "17",
        "preferred_username": "zhang", "exp": now() + 600, "nbf": now() - 1,
    })
}

fn with(field: &str, value: Value) -> Value {
    let mut changed = claims();
    changed[field] = value;
    changed
}

fn without(field: &str) -> Value {
    let mut changed = claims();
    changed.as_object_mut().unwrap().remove(field);
    changed
}

#[test]
fn only_what_the_issuer_signed_for_this_service_and_this_time_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let (own, foreign) = (Key::new("a"), Key::new("a"));
    write(&path, &[&own, &Key::new("b")]);
    let issuer = Issuer::open(&path, expected()).unwrap();
    let named = |token: &str| issuer.claimed(token).map(|claimed| claimed.name);
    let zhang = Some("zhang".to_owned());
    for (what, claims, expected) in [
        ("as it should be", claims(), zhang.clone()),
        ("one audience", with("aud", json!("price-linkage")), zhang.clone()),
        ("just over, within the leeway", with("exp", json!(now() - 10)), zhang.clone()),
        ("over", with("exp", json!(now() - 60)), None),
        ("without an end", without("exp"), None),
        ("not yet", with("nbf", json!(now() + 60)), None),
        ("another issuer", with("iss", json!("https://login.example.evil")), None),
        ("no issuer", without("iss"), None),
        ("for another service", with("aud", json!("other")), None),
        ("for nobody", without("aud"), None),
        ("without a name", without("preferred_username"), None),
        ("an empty name", with("preferred_username", json!("")), None),
        ("a name that is none", with("preferred_username", json!(17)), None),
    ] {
        assert_eq!(named(&own.signs(&claims)), expected, "{what}");
        assert_eq!(named(&foreign.signs(&claims)), None, "{what}, by a foreign key of the same id");
    }
    let token = own.signs(&claims());
    let [head, body, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let changed = URL_SAFE_NO_PAD.encode(with("preferred_username", json!("li")).to_string());
    assert_eq!(named(&format!("{head}.{changed}.{signature}")), None, "a changed name");
    for algorithm in ["none", "HS256"] {
        let head = json!({ "alg": algorithm, "typ": "JWT", "kid": "a" });
        let head = URL_SAFE_NO_PAD.encode(head.to_string());
        assert_eq!(named(&format!("{head}.{body}.")), None, "{algorithm}");
        assert_eq!(named(&format!("{head}.{body}.{signature}")), None, "{algorithm}");
    }
    // The public key, used as if it were a secret that is shared.
    let secret = EncodingKey::from_secret(own.public()["x"].as_str().unwrap().as_bytes());
    let head = Header { kid: Some("a".into()), ..Header::new(Algorithm::HS256) };
    assert_eq!(named(&encode(&head, &claims(), &secret).unwrap()), None);
    for odd in ["", ".", "..", "a.b.c", "pl_0011223344_00"] {
        assert_eq!(named(odd), None, "{odd:?}");
    }
}

#[test]
fn a_token_says_when_it_ends_and_keys_change_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let (first, second) = (Key::new("a"), Key::new("b"));
    write(&path, &[&first]);
    let issuer = Issuer::open(&path, expected()).unwrap();
    let until = chrono::DateTime::from_timestamp(now() + 600, 0).unwrap();
    let claims = with("exp", json!(until.timestamp()));
    let (old, new) = (first.signs(&claims), second.signs(&claims));
    let zhang = Some(Claimed { name: "zhang".into(), until });
    assert_eq!((issuer.claimed(&old), issuer.claimed(&new)), (zhang.clone(), None));
    write(&path, &[&second]);
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!((issuer.claimed(&old), issuer.claimed(&new)), (None, zhang.clone()));
    // A file that is wrong changes nothing.
    fs::write(&path, "{}").unwrap();
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(issuer.claimed(&new), zhang);
}

#[test]
fn secrets_and_what_is_no_set_of_keys_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let refused = |text: &str| {
        fs::write(&path, text).unwrap();
        Issuer::open(&path, expected()).unwrap_err().to_string()
    };
    let secret = json!({ "keys": [{ "kty": "oct", "kid": "s", "alg": "HS256", "k": "AAAA" }] });
    let said = refused(&secret.to_string());
    assert!(said.contains("key \"s\": expected a public key"), "{said}");
    assert!(refused("{\"keys\": []}").contains("expected at least one key that signs"));
    // What is for encryption, or of no kind known here, is left aside.
    let mut sealing = Key::new("e").public();
    sealing["use"] = json!("enc");
    let odd = json!({ "kty": "LMS", "kid": "o" });
    assert!(refused(&json!({ "keys": [sealing, odd] }).to_string()).contains("that signs"));
    let signing = Key::new("s");
    let keys = json!({ "keys": [sealing, odd, signing.public()] });
    fs::write(&path, keys.to_string()).unwrap();
    let issuer = Issuer::open(&path, expected()).unwrap();
    assert!(issuer.claimed(&signing.signs(&claims())).is_some());
    assert!(refused("keys").contains("expected a JSON Web Key Set"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_token_names_has_the_grants_of_the_list_and_nobody_else_any() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let key = Key::new("a");
    write(&path, &[&key]);
    let house =
        tokio::task::block_in_place(|| house(&[Row("zhang", "maker:150100", &[], &[])], PLENTY));
    let gate = price_linkage::grpc::access::Gate::new(house.directory.clone(), PLENTY);
    let gate = gate.with_issuer(Some(Issuer::open(&path, expected()).unwrap()));
    let named = async |name: &str| {
        let token = key.signs(&with("preferred_username", json!(name)));
        gate.by_its_token(&token).await.unwrap().map(|principal| principal.name.clone())
    };
    assert_eq!(named("zhang").await.as_deref(), Some("zhang"));
    assert_eq!(named("li").await, None);
}

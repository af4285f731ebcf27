//! Every rpc of every service, with every role, in and out of its area, beside the table that the
//! documents show.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use price_linkage::{
    access::{
        Role,
        table::{Row as TableRow, TABLE},
    },
    grpc::DESCRIPTORS,
};
use prost::Message;
use prost_types::FileDescriptorSet;
use serde_json::{Value, json};
use tonic::Code;

use super::fixture::{House, PLENTY, Row, call, headcounts, house, id, made, own_house, stranger};

/// A row of the table in the documents.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    rpc: String,
    who: String,
    scope: String,
}

impl Shown {
    /// Whether a role may call it. Deliberately read from the text.
    fn allows(&self, role: Role) -> bool {
        self.who == "every role" || self.who.split(", ").any(|one| one == role.as_str())
    }

    /// The rpc without the part.
    fn name(&self) -> &str {
        self.rpc.split(' ').next().unwrap()
    }
}

fn shown(document: &str) -> Vec<Shown> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.filter(|row| row.contains("Service/") || row.starts_with("grpc."));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_end_matches('|').split('|').map(str::trim).collect();
        let [rpc, who, scope] = cells[..] else { panic!("{document}: {row}") };
        let (rpc, part) = rpc.split_once('`').unwrap();
        let rpc = format!("{rpc}{part}");
        Shown { rpc, who: who.to_owned(), scope: scope.to_owned() }
    })
    .collect()
}

fn rpcs(descriptors: &[u8]) -> Vec<String> {
    let descriptors = FileDescriptorSet::decode(descriptors).unwrap();
    let mut found = Vec::new();
    for file in &descriptors.file {
        for service in &file.service {
            for method in &service.method {
                found.push(format!("/{}.{}/{}", file.package(), service.name(), method.name()));
            }
        }
    }
    found
}

#[test]
fn every_rpc_of_every_service_has_a_row_and_no_row_is_without_one() {
    let sets = [
        DESCRIPTORS,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    let served: BTreeSet<_> = sets.into_iter().flat_map(rpcs).collect();
    let listed: BTreeSet<_> = TABLE.iter().map(TableRow::path).collect();
    assert_eq!(served, listed);
}

#[test]
fn both_documents_show_the_table_that_the_program_prints() {
    let program = env!("CARGO_BIN_EXE_price-linkage");
    let command = ["principals", "roles", "--format", "csv"];
    let output = std::process::Command::new(program).args(command).output().unwrap();
    let mut reader = csv::Reader::from_reader(&output.stdout[..]);
    let printed: Vec<_> = reader
        .records()
        .map(|row| {
            let row = row.unwrap();
            let [rpc, who, scope] = [0, 1, 2].map(|at| row[at].to_owned());
            Shown { rpc, who, scope }
        })
        .collect();
    assert!(40 < printed.len(), "{printed:?}");
    assert_eq!(shown("docs/security.md"), printed);
    assert_eq!(shown("docs/security.zh.md"), printed);
}

/// What each rpc is asked, about Hohhot wherever it takes an area, and whether it takes one.
fn asked(run: &str) -> BTreeMap<&'static str, (bool, Vec<Value>)> {
    let area = "150100";
    let month = json!({ "year": 2020, "month": 3 });
    let one = json!({ "area": area, "month": month });
    let span = json!({ "areas": [area], "from": month, "until": month });
    let figure = json!({
        "area": area, "series": "cpi", "month": month, "value": { "value": "3.6" }, "source": "t",
    });
    let standard = json!({
        "area": area, "standard": "dibao_urban", "validFrom": month,
        "yuan": { "value": "700" }, "source": "t",
    });
    let named = json!({ "run": run });
    let laws = json!([{ "name": "a" }, { "name": "b" }]);
    let axes = json!([{ "path": "trigger.conditions.cpi.threshold", "values": ["3.0"] }]);
    let roster = json!({ "format": "FILE_FORMAT_CSV" });
    let head = json!({ "head": {
        "requestId": id(1), "validateOnly": true, "month": month, "roster": roster,
    } });
    let piece = json!({ "piece": base64(
        "证件号码,姓名,地区代码,保障对象,城乡,发放账号\n\
         990101199003077719,张某,150102,低保对象,城镇,9900000000000000001\n",
    ) });
    let list = json!({ "head": { "run": run, "format": "FILE_FORMAT_CSV", "roster": roster } });
    BTreeMap::from([
        (
            "IndexService/RecordFigures",
            (true, vec![json!({ "requestId": id(2), "validateOnly": true, "figures": [figure] })]),
        ),
        (
            "IndexService/GetFigure",
            (true, vec![json!({ "area": area, "series": "cpi", "month": month })]),
        ),
        ("IndexService/ListFigures", (true, vec![json!({ "area": area })])),
        (
            "IndexService/ListFigureRevisions",
            (true, vec![json!({ "area": area, "series": "cpi", "month": month })]),
        ),
        (
            "StandardService/RecordStandards",
            (
                true,
                vec![json!({ "requestId": id(3), "validateOnly": true, "standards": [standard] })],
            ),
        ),
        ("StandardService/ListStandards", (true, vec![json!({ "area": area })])),
        ("TriggerService/GetStatus", (true, vec![one.clone()])),
        ("TriggerService/GetNotice", (true, vec![one.clone()])),
        ("TriggerService/ListStatuses", (true, vec![json!({ "areas": [area], "month": month })])),
        ("TriggerService/ListDecisions", (true, vec![json!({ "area": area })])),
        ("TriggerService/WatchDecisions", (true, vec![json!({ "within": area })])),
        ("SubsidyService/QuoteSubsidy", (true, vec![one.clone()])),
        ("ReplayService/Replay", (true, vec![span.clone()])),
        ("ReplayService/Compare", (true, vec![json!({ "laws": laws, "extent": span })])),
        ("ReplayService/Sweep", (true, vec![json!({ "axes": axes, "extent": span })])),
        ("ReplayService/GetOutlook", (true, vec![json!({ "areas": [area], "month": month })])),
        ("ReplayService/ExplainDifference", (true, vec![one.clone()])),
        (
            "RunService/MakeRun",
            (
                true,
                vec![json!({
                    "requestId": id(4), "validateOnly": true, "headcounts": headcounts(),
                })],
            ),
        ),
        ("RunService/GetRun", (true, vec![named.clone()])),
        ("RunService/ListRuns", (true, vec![json!({ "within": area })])),
        ("RunService/ListRunLines", (true, vec![named.clone()])),
        ("RunService/VerifyRun", (true, vec![named.clone()])),
        ("RunService/ListRunDrift", (false, vec![json!({})])),
        ("RunService/ListDuePayments", (true, vec![json!({ "payMonth": month, "within": area })])),
        (
            "RunService/ListMissingRuns",
            (true, vec![json!({ "on": "2020-04-30", "since": month, "within": area })]),
        ),
        ("RunService/GetRunReceipt", (true, vec![named.clone()])),
        (
            "RunService/GetRunSheet",
            (true, vec![json!({ "run": run, "kind": "SHEET_KIND_FUNDING" })]),
        ),
        ("RosterService/MakeRosterRun", (true, vec![head, piece])),
        ("RosterService/WritePaymentList", (true, vec![list])),
        (
            "RosterService/SettleRun",
            (true, vec![json!({ "requestId": id(5), "run": run, "table": "" })]),
        ),
        ("RuleService/ListInstruments", (false, vec![json!({ "area": area })])),
        ("RuleService/GetRules", (false, vec![one])),
        ("RuleService/DiffInstrument", (false, vec![json!({ "id": "im-2017" })])),
        ("AreaService/ListAreas", (false, vec![json!({ "within": area })])),
        ("AuditService/ListEntries", (false, vec![json!({})])),
        ("AuditService/VerifyJournal", (false, vec![json!({})])),
        ("JournalService/FollowJournal", (false, vec![json!({})])),
        ("JournalService/ReadKeptFile", (false, vec![json!({ "sha256": "0".repeat(64) })])),
    ])
}

/// The messages of a row; a step in a run's life has one for each.
fn messages(row: &Shown, run: &str) -> (bool, Vec<Value>) {
    if let Some(made) = row.rpc.strip_prefix("RunService/MoveRun ") {
        let made = format!("RUN_MOVE_{}", made.to_uppercase());
        return (
            true,
            vec![json!({
                "requestId": id(6), "validateOnly": true, "run": run, "made": made, "reason": "r",
            })],
        );
    }
    let found = asked(run).remove(row.name());
    found.unwrap_or_else(|| panic!("the walk does not know {}", row.rpc))
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut written = String::new();
    for three in text.as_bytes().chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(*three.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize] as char;
            written.push(if at <= three.len() { digit } else { '=' });
        }
    }
    written
}

/// A principal for each role in Hohhot, in Wuhai and everywhere, and one who makes.
async fn walked() -> (House, String) {
    let names: Vec<_> = Role::ALL
        .into_iter()
        .flat_map(|role| {
            ["150100", "150300", "000000"].map(|area| (format!("{role}-{area}"), role, area))
        })
        .map(|(name, role, area)| (name, format!("{role}:{area}")))
        .collect();
    let mut rows: Vec<_> = names.iter().map(|(name, grant)| Row(name, grant, &[], &[])).collect();
    rows.push(Row("first", "maker:000000", &[], &[]));
    let house = tokio::task::block_in_place(|| own_house(&rows, PLENTY));
    let run = made(&house, "first", 900).await;
    (house, run)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_role_may_call_what_the_table_says_in_its_area_and_nothing_else() {
    let (house, run) = walked().await;
    let rows = shown("docs/security.md");
    let own: Vec<_> = rows.iter().filter(|row| !row.rpc.starts_with("grpc.")).collect();
    assert!(35 < own.len());
    for row in own {
        let (names_area, messages) = messages(row, &run);
        let ask = async |name: String| {
            let caller = Some(house.known(&name));
            call(&house.routes, caller, row.name(), messages.clone()).await
        };
        for role in Role::ALL {
            let inside = ask(format!("{role}-150100")).await;
            let outside = ask(format!("{role}-150300")).await;
            let told =
                format!("{role} calls {}: {:?} {:?}", row.rpc, inside.status, outside.status);
            if !row.allows(role) {
                for answer in [&inside, &outside] {
                    assert_eq!(answer.reason(), "NOT_ALLOWED", "{told}");
                    assert_eq!(answer.code(), Code::PermissionDenied, "{told}");
                    assert!(answer.status.message().contains(row.name()), "{told}");
                    assert!(answer.status.message().contains(&row.who), "{told}");
                }
                continue;
            }
            if row.scope == "the whole" {
                assert_eq!((inside.reason(), outside.reason()), NOT_ALL.map(str::to_owned).into());
                let all = ask(format!("{role}-000000")).await;
                assert!(!all.refuses_the_asker(), "{role} calls {}: {:?}", row.rpc, all.status);
                continue;
            }
            assert!(!inside.refuses_the_asker(), "{told}");
            assert_ne!(inside.code(), Code::Internal, "{told}");
            assert_ne!(inside.reason(), "BAD_FIELD", "{told}");
            assert!(!inside.json().contains("problems"), "{told} {}", inside.json());
            match names_area {
                true => assert_eq!(outside.reason(), "NOT_YOURS", "{told}"),
                false => assert!(!outside.refuses_the_asker(), "{told}"),
            }
            assert_eq!(names_area, row.scope == "own areas" && !LEAVES_OUT.contains(&row.name()));
        }
    }
}

/// What is about all areas is refused in any one.
const NOT_ALL: [&str; 2] = ["NOT_YOURS", "NOT_YOURS"];

/// Rpcs about areas that take none, and leave out what is not their caller's.
const LEAVES_OUT: [&str; 2] = ["RunService/ListRunDrift", "RuleService/DiffInstrument"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_not_signed_in_or_not_listed_may_call_nothing() {
    let house = tokio::task::block_in_place(|| {
        house(&[Row("first", "maker:000000 admin:000000", &[], &[])], PLENTY)
    });
    use price_linkage::access::Caller;
    for row in shown("docs/security.md").iter().filter(|row| !row.rpc.starts_with("grpc.")) {
        let (_, messages) = messages(row, "R1");
        for caller in [
            None,
            Some(Caller::Public),
            Some(Caller::Stated("first".into())),
            Some(stranger("maker:000000 approver:000000 admin:000000")),
        ] {
            let answer = call(&house.routes, caller, row.name(), messages.clone()).await;
            assert_eq!(answer.code(), Code::Unauthenticated, "{}: {:?}", row.rpc, answer.status);
            assert_eq!(answer.reason(), "SIGN_IN", "{}", row.rpc);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_rpc_without_a_row_is_refused_to_everybody() {
    let house = tokio::task::block_in_place(|| {
        house(&[Row("first", "maker:000000 admin:000000", &[], &[])], PLENTY)
    });
    for (path, caller, expected) in [
        ("/pricelinkage.v1.RunService/DropRun", Some("first"), "7"),
        ("/other.Service/Anything", Some("first"), "7"),
        ("/other.Service/Anything", None, "16"),
    ] {
        let mut request = http::Request::post(format!("http://here{path}"))
            .header("content-type", "application/grpc")
            .body(tonic::body::Body::empty())
            .unwrap();
        if let Some(name) = caller {
            request.extensions_mut().insert(house.known(name));
        }
        let answer = tower::ServiceExt::oneshot(house.routes.clone(), request).await.unwrap();
        assert_eq!(answer.headers()["grpc-status"], expected, "{path} {caller:?}");
    }
}

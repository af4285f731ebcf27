//! What of many areas a principal is shown, and what it may touch.

use price_linkage::access::{Caller, Principal};
use serde_json::{Value, json};
use tonic::Code;

use super::fixture::{House, PLENTY, Row, call, house, id, made, own_house};

/// A reader of Hohhot, one of Wuhai, one of everything, and officers.
fn people() -> Vec<Row<'static>> {
    vec![
        Row("hohhot", "reader:150100 analyst:150100", &[], &[]),
        Row("new-town", "reader:150102 maker:150102", &[], &[]),
        Row("wuhai", "reader:150300 analyst:150300", &[], &[]),
        Row("nation", "reader:000000 analyst:000000", &[], &[]),
        Row("province", "reader:150000 analyst:150000", &[], &[]),
        Row("scattered", "reader:150102 analyst:150102 reader:150300 analyst:150300", &[], &[]),
        Row("both", "maker:150100 approver:150100", &[], &[]),
        Row("approver", "approver:150000", &[], &[]),
        Row("mixed", "maker:150100 reader:150000", &[], &[]),
    ]
}

async fn town() -> House {
    tokio::task::block_in_place(|| house(&people(), PLENTY))
}

/// One in which runs may be made.
async fn own_town() -> House {
    tokio::task::block_in_place(|| own_house(&people(), PLENTY))
}

/// The six-digit codes in an answer.
fn codes(json: &str) -> Vec<String> {
    let quoted = json
        .split('"')
        .filter(|one| one.len() == 6 && one.bytes().all(|byte| byte.is_ascii_digit()));
    let mut codes: Vec<_> = quoted.map(str::to_owned).collect();
    codes.sort();
    codes.dedup();
    codes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_show_what_is_the_callers_and_leave_out_the_rest() {
    let house = own_town().await;
    made(&house, "both", 1).await;
    let month = json!({ "year": 2020, "month": 3 });
    let lists: [(&str, Value); 8] = [
        ("IndexService/ListFigures", json!({ "from": month, "until": month })),
        ("StandardService/ListStandards", json!({})),
        ("TriggerService/ListStatuses", json!({ "month": month, "depth": "DEPTH_ANSWER" })),
        ("ReplayService/Replay", json!({ "from": month, "until": month, "depth": "DEPTH_ANSWER" })),
        ("ReplayService/GetOutlook", json!({ "month": month })),
        ("RunService/ListDuePayments", json!({ "payMonth": { "year": 2020, "month": 4 } })),
        ("RunService/ListMissingRuns", json!({ "on": "2020-04-30", "since": month })),
        ("RunService/ListRuns", json!({})),
    ];
    for (rpc, message) in lists {
        let all = house.ask("province", rpc, message.clone()).await;
        let own = house.ask("hohhot", rpc, message.clone()).await;
        let other = house.ask("wuhai", rpc, message.clone()).await;
        let scattered = house.ask("scattered", rpc, message).await;
        assert_eq!(scattered.code(), Code::Ok, "{rpc}: {:?}", scattered.status);
        let elsewhere = codes(&scattered.json()).into_iter();
        let elsewhere = elsewhere.filter(|code| !["150102", "150300"].contains(&&**code));
        assert!(rpc == "RunService/ListRuns" || elsewhere.count() == 0, "{rpc}");
        for answer in [&all, &own, &other] {
            assert_eq!(answer.code(), Code::Ok, "{rpc}: {:?}", answer.status);
        }
        assert!(all.json().contains("1501"), "{rpc}: {}", all.json());
        assert!(own.json().contains("1501"), "{rpc}: {}", own.json());
        assert!(!other.json().contains("1501"), "{rpc}: {}", other.json());
        if rpc != "RunService/ListRuns" {
            let outside = codes(&own.json()).into_iter().filter(|code| !code.starts_with("1501"));
            assert_eq!(outside.collect::<Vec<_>>(), [""; 0], "{rpc}");
        }
    }
    let all = house.ask("nation", "IndexService/ListFigures", json!({ "pageSize": 1000 })).await;
    assert!(codes(&all.json()).contains(&"000000".to_owned()), "{}", all.json());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_above_or_beside_is_refused_and_what_is_below_is_not() {
    let house = town().await;
    let month = json!({ "year": 2020, "month": 3 });
    for (area, reason) in [
        ("000000", "NOT_YOURS"),
        ("150000", "NOT_YOURS"),
        ("150300", "NOT_YOURS"),
        ("999999", "NOT_YOURS"),
        ("150100", ""),
        ("150102", ""),
    ] {
        let message = json!({ "area": area, "month": month });
        let answer = house.ask("hohhot", "TriggerService/GetStatus", message).await;
        assert_eq!(answer.reason(), reason, "{area}: {:?}", answer.status);
        assert!(reason.is_empty() || answer.status.message().contains(area));
    }
    // Whoever may ask about everything is told that an area does not exist.
    let message = json!({ "area": "999999", "month": month });
    let answer = house.ask("nation", "TriggerService/GetStatus", message).await;
    assert_eq!(answer.reason(), "AREA_UNKNOWN");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_is_compared_over_the_callers_areas_only() {
    let house = town().await;
    let message = json!({ "id": "im-2017" });
    let law = |answer: &super::fixture::Answer| answer.json().lines().next().unwrap().to_owned();
    let own = house.ask("hohhot", "RuleService/DiffInstrument", message.clone()).await;
    let all = house.ask("nation", "RuleService/DiffInstrument", message).await;
    assert_eq!((own.code(), all.code()), (Code::Ok, Code::Ok), "{:?}", own.status);
    assert_eq!(law(&own), law(&all), "the law is the same for everybody");
    assert!(own.messages.len() < all.messages.len());
    let json = own.json();
    let months: Vec<_> = json.lines().filter(|line| line.contains("areaName")).collect();
    let outside = months.iter().filter(|line| !line.contains("\"area\":\"1501"));
    assert_eq!((outside.count(), months.is_empty()), (0, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_whose_every_area_it_counts() {
    let house = own_town().await;
    let run = made(&house, "both", 2).await;
    for (name, reason) in [("new-town", ""), ("hohhot", ""), ("nation", ""), ("wuhai", "NOT_YOURS")]
    {
        let answer = house.ask(name, "RunService/GetRun", json!({ "run": run })).await;
        assert_eq!(answer.reason(), reason, "{name}: {:?}", answer.status);
    }
    let mut wider = super::fixture::headcounts();
    let mut second = wider[0].clone();
    second["area"] = json!("150103");
    wider.as_array_mut().unwrap().push(second);
    for row in wider.as_array_mut().unwrap() {
        row["group"] = json!("orphan_community");
    }
    let message = json!({ "requestId": id(3), "headcounts": wider });
    let outside = house.ask("new-town", "RunService/MakeRun", message.clone()).await;
    assert_eq!(outside.reason(), "NOT_YOURS", "{:?}", outside.status);
    assert!(outside.status.message().contains("150103"));
    let answer = house.ask("both", "RunService/MakeRun", message).await;
    assert_eq!(answer.code(), Code::Ok, "{:?}", answer.status);
    let answer = serde_json::to_value(&answer.messages[0]).unwrap();
    let wide = answer["run"]["id"].as_str().unwrap();
    // Its sums tell of an area that is not New Town's.
    let answer = house.ask("new-town", "RunService/GetRun", json!({ "run": wide })).await;
    assert_eq!(answer.reason(), "NOT_YOURS");
    let listed = house.ask("new-town", "RunService/ListRuns", json!({})).await.json();
    assert!(listed.contains(&format!("\"{run}\"")) && !listed.contains(&format!("\"{wide}\"")));
    let unknown = house.ask("new-town", "RunService/GetRun", json!({ "run": "R999999" })).await;
    assert_eq!(unknown.reason(), "RUN_UNKNOWN");
}

fn step(run: &str, made: &str, number: u32) -> Value {
    json!({ "requestId": id(number), "run": run, "made": format!("RUN_MOVE_{made}") })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_maker_of_a_run_never_approves_it_whatever_the_roles() {
    let house = own_town().await;
    let run = made(&house, "both", 4).await;
    let moved = async |name: &str, made: &str, number| {
        house.ask(name, "RunService/MoveRun", step(&run, made, number)).await
    };
    assert_eq!(moved("mixed", "APPROVE", 5).await.reason(), "NOT_ALLOWED");
    assert_eq!(moved("new-town", "SUBMIT", 6).await.code(), Code::Ok);
    let own = moved("both", "APPROVE", 7).await;
    assert_eq!((own.code(), own.reason()), (Code::FailedPrecondition, "RUN_OWN".into()));
    assert_eq!(moved("approver", "SUBMIT", 8).await.reason(), "NOT_ALLOWED");
    let approved = moved("approver", "APPROVE", 9).await;
    assert_eq!(approved.code(), Code::Ok, "{:?}", approved.status);
    assert_eq!(moved("new-town", "RELEASE", 10).await.reason(), "NOT_ALLOWED");
    let released = moved("approver", "RELEASE", 11).await;
    assert_eq!(released.code(), Code::Ok, "{:?}", released.status);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_does_not_lend_its_area_to_another() {
    let house = town().await;
    let month = json!({ "year": 2020, "month": 3 });
    let message = json!({ "area": "150300", "month": month });
    let read = house.ask("mixed", "TriggerService/GetStatus", message).await;
    assert_eq!(read.code(), Code::Ok, "{:?}", read.status);
    let mut heads = super::fixture::headcounts();
    heads[0]["area"] = json!("150300");
    let message = json!({ "requestId": id(12), "validateOnly": true, "headcounts": heads });
    let made = house.ask("mixed", "RunService/MakeRun", message).await;
    assert_eq!(made.reason(), "NOT_YOURS", "{:?}", made.status);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_caller_in_process_holds_may_be_old_and_the_list_decides() {
    let house = town().await;
    let month = json!({ "year": 2020, "month": 3 });
    let grants = vec!["reader:000000".parse().unwrap()];
    let old = Caller::Known(Principal { name: "hohhot".into(), grants }.into());
    let message = json!({ "area": "150300", "month": month });
    let answer = call(&house.routes, Some(old), "TriggerService/GetStatus", vec![message]).await;
    assert_eq!(answer.reason(), "NOT_YOURS", "{:?}", answer.status);
    // A role that the caller leaves out is not given back by the list.
    let grants = vec!["auditor:000000".parse().unwrap()];
    let other = Caller::Known(Principal { name: "hohhot".into(), grants }.into());
    let message = json!({ "area": "150100", "month": month });
    let answer = call(&house.routes, Some(other), "TriggerService/GetStatus", vec![message]).await;
    assert_eq!(answer.reason(), "NOT_ALLOWED", "{:?}", answer.status);
}

//! The page behind principals: who sees what, and what does not pass for a visitor's own.

use std::collections::BTreeMap;

use super::*;

/// A page behind listed principals: an auditor of everything, readers of a city, a region and a county, and
/// who records for the city; gives their tokens by name.
fn guarded(folder: &Path, public: bool) -> (Router, BTreeMap<&'static str, String>) {
    let (mut text, mut tokens) = (String::new(), BTreeMap::new());
    for (name, grant) in [
        ("wang", "auditor:000000"),
        ("bai", "reader:150300"),
        ("public", "reader:150000"),
        ("county", "reader:150302"),
        ("clerk", "recorder:150300"),
    ] {
        let token = token::make().unwrap();
        text = edit::add(&text, name, &[grant.parse().unwrap()], Some(&token), &[]).unwrap();
        tokens.insert(name, token.text.clone());
    }
    let path = folder.join("principals.toml");
    std::fs::write(&path, text).unwrap();
    let service = Arc::new(Service::in_memory(&[]).unwrap());
    let areas = &service.reference.data.areas;
    let directory = Directory::open(&path, areas, chrono::Utc::now).unwrap();
    let gate = Arc::new(Gate::new(Arc::new(directory), Limits::default()));
    let public = public.then(|| "public".to_owned());
    let site = Site::new(service, gate, Calls::default(), Settings { public, ..settings() });
    (router(Arc::new(site)), tokens)
}

#[tokio::test]
async fn behind_principals_everybody_signs_in_and_sees_what_is_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let (app, tokens) = guarded(folder.path(), false);
    let closed = get(&app, "/areas/150300?month=2021-04").await;
    assert_eq!(closed.status, StatusCode::SEE_OTHER);
    assert_eq!(closed.location(), "/sign-in?back=%2Fareas%2F150300%3Fmonth%3D2021-04");
    let form = get(&app, "/sign-in").await;
    let (cookie, token) = (form.cookie(), form.hidden("token"));
    let wrong = post(&app, "/sign-in", &cookie, &[("token", &token), ("name", "wang")]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    wrong.has("令牌无效");
    let (bai, token) = sign_in(&app, &tokens["bai"]).await;
    get_as(&app, "/areas/150300?month=2021-04", &bai).await.has("CPI 0.9% 未达到 3.0%").has("bai");
    let beside = get_as(&app, "/areas/150100?month=2021-04", &bai).await;
    assert_eq!(beside.status, StatusCode::FORBIDDEN);
    beside.has("不在您的授权范围内");
    assert_eq!(get_as(&app, "/audit", &bai).await.status, StatusCode::FORBIDDEN);
    let rows = "month,area_code,series,value\n2030-02,150300,cpi,3.5\n";
    let fields = [("token", token.as_str()), ("month", "2030-02")];
    let refused = upload(&app, "/record/check", &bai, &fields, rows).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    refused.has("您没有办理这一事项的角色");
    let (wang, _) = sign_in(&app, &tokens["wang"]).await;
    assert_eq!(get_as(&app, "/audit", &wang).await.status, StatusCode::OK);
}

#[tokio::test]
async fn pages_are_public_only_where_it_is_said_and_only_for_reading() {
    let folder = tempfile::tempdir().unwrap();
    let (app, _) = guarded(folder.path(), true);
    get(&app, "/areas/150300?month=2021-04").await.has("CPI 0.9% 未达到 3.0%");
    assert_eq!(get(&app, "/areas/110000?month=2021-04").await.status, StatusCode::FORBIDDEN);
    assert_eq!(get(&app, "/audit").await.status, StatusCode::FORBIDDEN);
    let form = get(&app, "/sign-in").await;
    let fields = [("token", form.hidden("token")), ("rows", "x".into())];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(post(&app, "/record", &form.cookie(), &fields).await.status, StatusCode::SEE_OTHER);
    // What the public's principal is given later is not the public's.
    let path = folder.path().join("principals.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let more = text.replace("\"reader:150000\"", "\"reader:150000\", \"auditor:000000\"");
    assert_ne!(more, text);
    std::fs::write(&path, more).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    assert_eq!(get(&app, "/audit").await.status, StatusCode::FORBIDDEN);
    get(&app, "/areas/150300?month=2021-04").await.has("CPI 0.9% 未达到 3.0%");
}

#[tokio::test]
async fn whoever_has_a_part_begins_there_and_is_refused_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let (app, tokens) = guarded(folder.path(), false);
    let (city, _) = sign_in(&app, &tokens["bai"]).await;
    for (path, told) in [
        ("/?month=2021-04", "乌海市联动机制启动情况"),
        ("/runs", "到期(或将到期)尚无批次的发放"),
        ("/replay", "乌海市 历史测算"),
        ("/rules", "乌海市"),
    ] {
        let answer = get_as(&app, path, &city).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        answer.has(told);
        assert!(!answer.text().contains("href=\"/?within=150000"), "{path} leads out of the city");
    }
    // What a county is paid by is measured and decided in the city.
    let (county, _) = sign_in(&app, &tokens["county"]).await;
    for path in ["/", "/areas/150302?month=2021-04", "/figures/150300/cpi/2021-04"] {
        assert_eq!(get_as(&app, path, &county).await.status, StatusCode::OK, "{path}");
    }
    for path in ["/areas/150300?month=2021-04", "/figures/150100/cpi/2021-04"] {
        assert_eq!(get_as(&app, path, &county).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let (clerk, _) = sign_in(&app, &tokens["clerk"]).await;
    let form = get_as(&app, "/record?month=2021-04", &clerk).await;
    form.has("name=\"v.150300.cpi\"");
    assert!(!form.text().contains("v.150100."), "another city's cells");
}

#[tokio::test]
async fn a_session_ends_with_the_token_it_was_begun_with() {
    let folder = tempfile::tempdir().unwrap();
    let (app, tokens) = guarded(folder.path(), false);
    let (bai, _) = sign_in(&app, &tokens["bai"]).await;
    let path = folder.path().join("principals.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let id = token::id_of(&tokens["bai"]).unwrap();
    std::fs::write(&path, edit::revoke(&text, id).unwrap()).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    let answer = get_as(&app, "/areas/150300?month=2021-04", &bai).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(answer.location().starts_with("/sign-in"), "{}", answer.location());
}

#[tokio::test]
async fn what_a_page_of_another_site_sends_is_not_taken() {
    let app = shipped();
    let form = get(&app, "/sign-in").await;
    let fields = [("token", form.hidden("token")), ("name", "mei".into())];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for (name, value, expected) in [
        ("origin", "http://localhost:8080", StatusCode::SEE_OTHER),
        ("origin", "http://evil.example", StatusCode::FORBIDDEN),
        ("origin", "null", StatusCode::FORBIDDEN),
        ("sec-fetch-site", "cross-site", StatusCode::FORBIDDEN),
    ] {
        let request = Request::post("/sign-in")
            .header(header::COOKIE, form.cookie())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(name, value);
        let answer = send(&app, request.body(Body::from(encoded(&fields))).unwrap()).await;
        assert_eq!(answer.status, expected, "{name} {value}");
    }
}

#[tokio::test]
async fn what_is_recorded_over_the_page_s_port_says_from_where() {
    let folder = tempfile::tempdir().unwrap();
    let app = kept(folder.path()).await;
    let (cookie, token) = sign_in(&app, "mei").await;
    let (rows, seen) = checked(&app, &cookie, &token).await;
    let request = uuid::Uuid::now_v7().to_string();
    let fields =
        [("token", token.as_str()), ("request", &request), ("rows", &rows), ("seen", &seen)];
    post(&app, "/record", &cookie, &fields).await.has("已记录");
    let mut journal = String::new();
    for segment in std::fs::read_dir(folder.path().join("journal")).unwrap() {
        journal += &std::fs::read_to_string(segment.unwrap().path()).unwrap();
    }
    let line = journal.lines().find(|line| line.contains("\"principal\":\"mei\"")).unwrap();
    assert!(line.contains("\"origin\":\"page 127.0.0.1\""), "{line}");
}

//! The page, asked as a browser asks it: every page in both languages, what forms take and refuse, and
//! what may be downloaded.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Request, StatusCode, header},
};
use price_linkage::{
    access::{Directory, edit, limit::Limits, token},
    grpc::access::Gate,
    metrics::Calls,
    roster::person::PersonKey,
    service::Service,
    web::{Settings, Site, connections::Peer, router},
};
use tower::ServiceExt;

mod grants;

fn settings() -> Settings {
    let hosts = vec!["page.example".to_owned()];
    Settings { home: "150000".into(), public: None, hosts, is_encrypted: false }
}

/// A page over a store of its own, seeded with the shipped data.
async fn kept(folder: &Path) -> Router {
    let folder = folder.to_owned();
    let opened = move || Service::open(&folder, &[], &mut |_, _, _| ()).unwrap().0;
    let service = Arc::new(tokio::task::spawn_blocking(opened).await.unwrap());
    router(Arc::new(Site::new(service, Arc::new(Gate::open()), Calls::default(), settings())))
}

fn site(gate: Gate, settings: Settings) -> Router {
    let service = Arc::new(Service::in_memory(&[]).unwrap());
    router(Arc::new(Site::new(service, Arc::new(gate), Calls::default(), settings)))
}

/// A page over the shipped data in which nothing is recorded.
fn shipped() -> Router {
    static SHIPPED: OnceLock<Router> = OnceLock::new();
    SHIPPED.get_or_init(|| site(Gate::open(), settings())).clone()
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    fn has(&self, text: &str) -> &Self {
        let main = self.text().split("<main").nth(1).unwrap_or(self.text());
        let shown: String = main.chars().take(2_000).collect();
        assert!(self.text().contains(text), "no {text:?} in {shown}");
        self
    }

    fn cookie(&self) -> String {
        let cookies = self.headers.get_all(header::SET_COOKIE).iter();
        let mut sessions =
            cookies.filter_map(|one| one.to_str().unwrap().strip_prefix("pl_session="));
        let value = sessions.next().expect("a session").split(';').next().unwrap();
        format!("pl_session={value}")
    }

    fn location(&self) -> &str {
        self.headers[header::LOCATION].to_str().unwrap()
    }

    /// The value of a hidden field.
    fn hidden(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let rest = self.text().split(&start).nth(1).unwrap_or_else(|| panic!("no {name}"));
        rest.split('"').next().unwrap().to_owned()
    }
}

impl Answer {
    /// The rows that a form carries to be confirmed.
    fn readonly(&self) -> String {
        let rows = self.text().split("readonly>").nth(1).expect("rows to be confirmed");
        rows.split("</textarea>").next().unwrap().to_owned()
    }
}

async fn send(app: &Router, request: Request<Body>) -> Answer {
    let (mut parts, body) = request.into_parts();
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000));
    parts.extensions.insert(ConnectInfo(Peer(peer)));
    if !parts.headers.contains_key(header::HOST) {
        parts.headers.insert(header::HOST, "localhost:8080".parse().unwrap());
    }
    let answer = app.clone().oneshot(Request::from_parts(parts, body)).await.unwrap();
    let (parts, body) = answer.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, bytes }
}

async fn get_as(app: &Router, path: &str, cookie: &str) -> Answer {
    let request = Request::get(path).header(header::COOKIE, cookie);
    send(app, request.body(Body::empty()).unwrap()).await
}

async fn get(app: &Router, path: &str) -> Answer {
    get_as(app, path, "").await
}

fn encoded(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

async fn post(app: &Router, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
    let request = Request::post(path)
        .header(header::COOKIE, cookie)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    send(app, request.body(Body::from(encoded(fields))).unwrap()).await
}

/// A form with a file, as browsers send it.
async fn upload(
    app: &Router,
    path: &str,
    cookie: &str,
    fields: &[(&str, &str)],
    file: &str,
) -> Answer {
    let mut body = String::new();
    for (name, value) in fields {
        body += &format!(
            "--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
    }
    body += &format!(
        "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\
         Content-Type: text/csv\r\n\r\n{file}\r\n--edge--\r\n"
    );
    let request = Request::post(path)
        .header(header::COOKIE, cookie)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge");
    send(app, request.body(Body::from(body)).unwrap()).await
}

/// Signs in; gives the cookie and the session's token.
async fn sign_in(app: &Router, name: &str) -> (String, String) {
    let form = get(app, "/sign-in").await;
    let (cookie, token) = (form.cookie(), form.hidden("token"));
    let fields = [("token", token.as_str()), ("name", name), ("back", "/audit")];
    let entered = post(app, "/sign-in", &cookie, &fields).await;
    assert_eq!((entered.status, entered.location()), (StatusCode::SEE_OTHER, "/audit"));
    let cookie = entered.cookie();
    let token = get_as(app, "/sign-in", &cookie).await.hidden("token");
    (cookie, token)
}

/// Pages that anybody may read, with a sentence of each in Chinese and in English.
const PAGES: [(&str, &str, &str); 10] = [
    (
        "/?month=2021-04",
        "乌海市 2021年4月未启动:CPI 0.9% 未达到 3.0%,食品 2.3% 未达到 6.0%",
        "not triggered: CPI 0.9% does not reach 3.0%, food 2.3% does not reach 6.0%",
    ),
    (
        "/?within=000000&month=2019-12",
        "2019年12月 全国联动机制启动情况",
        "the mechanism in 2019-12",
    ),
    (
        "/areas/150300?month=2021-04",
        "乌海市 2021年4月未启动:CPI 0.9% 未达到 3.0%,食品 2.3% 未达到 6.0%",
        "not triggered: CPI 0.9% does not reach 3.0%, food 2.3% does not reach 6.0%",
    ),
    ("/figures/150300/cpi/2021-04", "全部版次,旧的在前", "Every revision, the oldest first"),
    ("/rules?area=150300&month=2021-04", "启动 · 条件组合", "trigger when"),
    ("/rules/nation-2016", "发改价格规〔2016〕1835号", "Issued by"),
    (
        "/rules/compare?area=150300&month=2021-04&first=nation-2016&second=nation-2021",
        "两份文件对照",
        "Two documents side by side",
    ),
    ("/runs", "发放批次", "Runs that would pay otherwise today"),
    ("/replay?area=150100", "呼和浩特市 历史测算", "Replay of Hohhot"),
    ("/audit", "审计:账本", "Audit: the journal"),
];

#[tokio::test]
async fn every_page_reads_in_both_languages_and_loads_nothing_from_elsewhere() {
    let app = shipped();
    for (path, zh, en) in PAGES {
        let join = if path.contains('?') { '&' } else { '?' };
        for (lang, sentence) in [("zh", zh), ("en", en)] {
            let answer = get(&app, &format!("{path}{join}lang={lang}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            answer.has(sentence);
            let page = answer.text();
            assert!(page.len() < 200_000, "{path} has {} bytes", page.len());
            for foreign in ["src=\"http", "href=\"http", "<style", " style=", "onclick", "<script>"]
            {
                assert!(!page.contains(foreign), "{path}: {foreign}");
            }
        }
    }
}

#[tokio::test]
async fn the_language_is_kept_and_chinese_comes_first() {
    let app = shipped();
    get(&app, "/audit").await.has("lang=\"zh-CN\"");
    let asked = get(&app, "/audit?lang=en").await;
    let kept = asked.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(kept.starts_with("pl_lang=en; "), "{kept}");
    get_as(&app, "/audit", "pl_lang=en").await.has("lang=\"en\"");
}

#[tokio::test]
async fn every_answer_carries_the_strict_headers() {
    let app = shipped();
    for path in ["/", "/nothing", "/audit?as=csv", "/areas/999999?month=2021-04"] {
        let headers = get(&app, path).await.headers;
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"));
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[header::X_FRAME_OPTIONS], "DENY");
        assert_eq!(headers[header::REFERRER_POLICY], "same-origin");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    }
}

#[tokio::test]
async fn what_cannot_be_shown_says_why_and_shows_nothing_unescaped() {
    let app = shipped();
    for (path, status, why) in [
        ("/nothing", StatusCode::NOT_FOUND, "没有这个页面"),
        ("/areas/999999?month=2021-04", StatusCode::NOT_FOUND, "地区清单中没有该代码"),
        ("/areas/150300?month=2021-13", StatusCode::BAD_REQUEST, "“月份”填写为“2021-13”"),
        ("/?within=999999", StatusCode::BAD_REQUEST, "“地区”填写为“999999”"),
        ("/audit?as=csv&table=amounts", StatusCode::NOT_FOUND, "没有这个页面"),
        ("/areas/150300?known_at=noon", StatusCode::BAD_REQUEST, "“所知时点”填写为“noon”"),
        ("/rules/no-such", StatusCode::NOT_FOUND, "没有这个页面"),
        ("/runs/R9", StatusCode::NOT_FOUND, "没有此批次"),
        ("/figures/150300/cpi/2030-01", StatusCode::NOT_FOUND, "该数据没有记录"),
        ("/replay?area=%3Cb%3E", StatusCode::BAD_REQUEST, "&lt;b&gt;"),
    ] {
        let answer = get(&app, path).await;
        assert_eq!(answer.status, status, "{path}");
        answer.has(why);
        assert!(!answer.text().contains("<b>"), "{path}");
    }
}

#[tokio::test]
async fn a_foreign_name_is_answered_nothing() {
    let app = shipped();
    for (host, expected) in [
        ("localhost", StatusCode::OK),
        ("127.0.0.1:8080", StatusCode::OK),
        ("[::1]:8080", StatusCode::OK),
        ("PAGE.example", StatusCode::OK),
        ("evil.example", StatusCode::MISDIRECTED_REQUEST),
        ("evil.example:8080", StatusCode::MISDIRECTED_REQUEST),
        ("localhost.evil.example", StatusCode::MISDIRECTED_REQUEST),
    ] {
        let request = Request::get("/audit").header(header::HOST, host);
        let answer = send(&app, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, expected, "{host}");
    }
}

#[tokio::test]
async fn a_table_is_the_same_as_csv_and_as_a_spreadsheet() {
    let app = shipped();
    let path = "/areas/150100?month=2019-12&table=amounts";
    let csv = get(&app, &format!("{path}&as=csv")).await;
    assert_eq!(csv.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    let text = csv.text().strip_prefix('\u{feff}').expect("the mark that offices need");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(reader.headers().unwrap().get(2), Some("补贴(元)"));
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 14);
    let xlsx = get(&app, &format!("{path}&as=xlsx")).await;
    let mut book: calamine::Xlsx<_> =
        calamine::open_workbook_from_rs(std::io::Cursor::new(xlsx.bytes)).unwrap();
    let sheet = calamine::Reader::worksheet_range(&mut book, "各类对象补贴标准").unwrap();
    for (line, row) in rows.iter().enumerate() {
        let sum = sheet.get_value((line as u32 + 1, 2)).unwrap().to_string();
        let sum: rust_decimal::Decimal = sum.parse().unwrap();
        assert_eq!(sum, row[2].parse().unwrap(), "row {line}");
    }
}

/// A row of figures that was checked: the rows and what was seen of them.
async fn checked(app: &Router, cookie: &str, token: &str) -> (String, String) {
    let fields = [("token", token), ("month", "2030-02")];
    let rows = "month,area_code,series,value\n2030-02,150300,cpi,3.5\n";
    let page = upload(app, "/record/check", cookie, &fields, rows).await;
    (page.readonly(), page.hidden("seen"))
}

#[tokio::test]
async fn a_form_is_taken_only_with_its_token_and_from_whoever_signed_in() {
    let app = site(Gate::open(), settings());
    let (cookie, token) = sign_in(&app, "mei").await;
    let (rows, seen) = checked(&app, &cookie, &token).await;
    let request = "0191a7a4-0000-7000-8000-000000000001";
    for (cookie, token, expected) in [
        ("", "", StatusCode::SEE_OTHER),
        ("pl_session=00", token.as_str(), StatusCode::SEE_OTHER),
        (cookie.as_str(), "", StatusCode::FORBIDDEN),
        (cookie.as_str(), "00", StatusCode::FORBIDDEN),
        (cookie.as_str(), token.as_str(), StatusCode::OK),
    ] {
        let fields = [("token", token), ("request", request), ("rows", &rows), ("seen", &seen)];
        let answer = post(&app, "/record", cookie, &fields).await;
        assert_eq!(answer.status, expected);
        let recorded = get(&app, "/figures/150300/cpi/2030-02").await.status == StatusCode::OK;
        assert_eq!(recorded, expected == StatusCode::OK, "{expected}");
    }
    let left = post(&app, "/sign-out", &cookie, &[("token", &token)]).await;
    assert_eq!(left.status, StatusCode::SEE_OTHER);
    let fields = [("token", token.as_str()), ("request", request), ("rows", &rows)];
    assert_eq!(post(&app, "/record", &cookie, &fields).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn signing_in_begins_another_session_than_the_form_had() {
    let app = shipped();
    let form = get(&app, "/sign-in").await;
    let fields = [("token", form.hidden("token")), ("name", "mei".into())];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let entered = post(&app, "/sign-in", &form.cookie(), &fields).await;
    assert_ne!(entered.cookie(), form.cookie());
    assert!(
        entered.headers[header::SET_COOKIE].to_str().unwrap().contains("HttpOnly; SameSite=Lax")
    );
    let wrong = post(&app, "/sign-in", &form.cookie(), &fields).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN, "the form's session is over");
}

#[tokio::test]
async fn a_name_is_asked_for_and_no_longer_than_a_name() {
    let app = shipped();
    for (characters, expected) in [
        (0, StatusCode::UNAUTHORIZED),
        (1, StatusCode::SEE_OTHER),
        (100, StatusCode::SEE_OTHER),
        (101, StatusCode::UNAUTHORIZED),
    ] {
        let form = get(&app, "/sign-in").await;
        let (token, name) = (form.hidden("token"), "梅".repeat(characters));
        let fields = [("token", token.as_str()), ("name", name.as_str())];
        let answer = post(&app, "/sign-in", &form.cookie(), &fields).await;
        assert_eq!(answer.status, expected, "{characters}");
    }
}

#[tokio::test]
async fn figures_are_checked_first_and_recorded_once_they_are_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let app = kept(folder.path()).await;
    let (cookie, token) = sign_in(&app, "张梅").await;
    let typed = |value| {
        [("token", token.as_str()), ("month", "2021-04"), ("v.150300.food", value), ("source", "s")]
    };
    let wrong = upload(&app, "/record/check", &cookie, &typed("six"), "").await;
    wrong.has("aria-invalid").has("value=\"six\"");
    let checked = upload(&app, "/record/check", &cookie, &typed("6.0"), "").await;
    checked.has("新增 0 个,修订 1 个,不变 0 个").has("href=\"/areas/150300?month=2021-04\"");
    // What was sent has no address: the language leads to the form, and nothing is offered as a file.
    checked.has("href=\"/record?lang=en\"");
    assert!(!checked.text().contains(" download"));
    let unchanged = upload(&app, "/record/check", &cookie, &typed("2.3"), "").await;
    unchanged.has("新增 0 个,修订 0 个,不变 1 个");
    get(&app, "/areas/150300?month=2021-04").await.has("食品 2.3% 未达到 6.0%");
    let (request, rows, seen) =
        (checked.hidden("request"), checked.readonly(), checked.hidden("seen"));
    let fields =
        [("token", token.as_str()), ("request", &request), ("rows", &rows), ("seen", &seen)];
    post(&app, "/record", &cookie, &fields).await.has("修订 1 个");
    get(&app, "/areas/150300?month=2021-04").await.has("食品 6.0% 达到 6.0%").has("所用指数的修订");
    // The same form sent again records nothing more.
    post(&app, "/record", &cookie, &fields).await.has("修订 1 个");
    // What was checked before somebody else's revision is shown again and not recorded.
    let stale = upload(&app, "/record/check", &cookie, &typed("6.4"), "").await;
    let other = upload(&app, "/record/check", &cookie, &typed("6.2"), "").await;
    for (page, recorded) in [(&other, true), (&stale, false)] {
        let (request, rows, seen) = (page.hidden("request"), page.readonly(), page.hidden("seen"));
        let fields =
            [("token", token.as_str()), ("request", &request), ("rows", &rows), ("seen", &seen)];
        let answer = post(&app, "/record", &cookie, &fields).await;
        answer.has(if recorded {
            "已记录"
        } else {
            "核对之后数据有了变化,尚未记录"
        });
    }
    get(&app, "/areas/150300?month=2021-04").await.has("食品 6.2% 达到 6.0%");
    get(&app, "/audit?kind=1").await.has("张梅");
    let revisions = get(&app, "/figures/150300/food/2021-04").await;
    assert_eq!(revisions.text().matches("<td class=\"n\" data-name=\"版次\">").count(), 3);
}

#[tokio::test]
async fn a_file_with_a_bad_row_names_it_and_a_good_one_is_previewed() {
    let app = shipped();
    let (cookie, token) = sign_in(&app, "mei").await;
    let fields = [("token", token.as_str()), ("month", "2030-02")];
    let bad = "month,area_code,series,value\n2030-02,150300,cpi,3.5\n2030-02,999999,cpi,3.5\n";
    let answer = upload(&app, "/record/check", &cookie, &fields, bad).await;
    answer.has("文件第 3 行:地区代码").has("999999").has("应为地区清单中的六位代码");
    let both = [fields[0], fields[1], ("v.150300.cpi", "3.5")];
    let good = "month,area_code,series,value\n2030-02,150300,cpi,3.5\n";
    upload(&app, "/record/check", &cookie, &fields, good).await.has("请核对后确认");
    upload(&app, "/record/check", &cookie, &both, good).await.has("请只用一种方式");
    // The month as it is offered for download has rows without a value.
    let form = get(&app, "/record?month=2023-11&as=csv").await;
    let filled = form.text().replace("2023-11,150400,cpi,,", "2023-11,150400,cpi,-0.3,");
    assert_ne!(filled, form.text());
    upload(&app, "/record/check", &cookie, &fields, &filled).await.has("新增 1 个,修订 0 个");
    assert_eq!(get(&app, "/figures/150300/cpi/2030-02").await.status, StatusCode::NOT_FOUND);
}

const HEADS: &str = "index_month,area_code,group,residence,persons\n\
                     2020-03,150102,subsistence_allowance,urban,1201\n\
                     2020-03,150102,orphan_community,urban,3\n";

#[tokio::test]
async fn a_run_goes_from_headcounts_to_papers_and_never_by_one_hand() {
    let app = site(Gate::open(), settings());
    let (zhang, token) = sign_in(&app, "zhang").await;
    let fields = [("token", token.as_str()), ("note", "三月"), ("step", "check")];
    let tried = upload(&app, "/runs", &zhang, &fields, HEADS).await;
    tried.has("试算结果(没有记录)").has("1204");
    let fields = [("token", token.as_str()), ("note", "三月"), ("step", "make")];
    let made = upload(&app, "/runs", &zhang, &fields, HEADS).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER);
    let path = made.location().to_owned();
    let run = get_as(&app, &path, &zhang).await;
    run.has("草稿").has("1204").has("城镇");
    assert_eq!(step(&app, &path, &zhang, "1").await.status, StatusCode::SEE_OTHER);
    let own = step(&app, &path, &zhang, "2").await;
    assert_eq!(own.status, StatusCode::CONFLICT);
    own.has("编制人不得批准自己编制的批次").has(&format!("href=\"{path}\""));
    let (li, _) = sign_in(&app, "li").await;
    assert_eq!(step(&app, &path, &li, "2").await.status, StatusCode::SEE_OTHER);
    assert_eq!(step(&app, &path, &li, "4").await.status, StatusCode::SEE_OTHER);
    get(&app, &path).await.has("已拨付");
    for (paper, begins) in
        [("computation.xlsx", "PK"), ("funding.xlsx", "PK"), ("receipt.json", "{")]
    {
        let answer = get(&app, &format!("{path}/{paper}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{paper}");
        assert!(answer.bytes.starts_with(begins.as_bytes()), "{paper}");
    }
    assert_eq!(get(&app, &format!("{path}/nothing.xlsx")).await.status, StatusCode::NOT_FOUND);
    get(&app, "/areas/150102?month=2020-03").await.has("本月发放批次");
    get(&app, "/runs").await.has("1204");
}

/// A step in a run's life, made on its page.
async fn step(app: &Router, run: &str, cookie: &str, made: &str) -> Answer {
    let form = get_as(app, run, cookie).await;
    let (token, request) = (form.hidden("token"), uuid::Uuid::now_v7().to_string());
    let fields =
        [("token", &*token), ("request", &request), ("made", made), ("reason", "核对无误")];
    post(app, &format!("{run}/move"), cookie, &fields).await
}

#[tokio::test]
async fn a_roster_becomes_a_payment_list_and_the_page_keeps_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().to_owned();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/roster");
    let opened = move || {
        let mut service = Service::open(&store, &[data], &mut |_, _, _| ()).unwrap().0;
        service.person_keys = vec![PersonKey::new([7; 32])];
        service
    };
    let service = Arc::new(tokio::task::spawn_blocking(opened).await.unwrap());
    let app =
        router(Arc::new(Site::new(service, Arc::new(Gate::open()), Calls::default(), settings())));
    let roster = "person_id,name,area_code,group,residence,account\n\
                  990101199003077719,名某,990101,subsistence_allowance,urban,账990017\n\
                  990101199003077710,名某,990101,subsistence_allowance,urban,账990018\n";
    let (zhang, token) = sign_in(&app, "zhang").await;
    let fields = [("token", token.as_str()), ("month", "2021-04"), ("note", "四月")];
    let made = upload(&app, "/runs/roster", &zhang, &fields, roster).await;
    assert_eq!(made.status, StatusCode::OK);
    made.has("1 人,合计").has("不发放 1 行").has("第 3 行").has("</html>");
    let run = format!(
        "/runs/{}",
        made.text().split("href=\"/runs/").nth(1).unwrap().split('"').next().unwrap()
    );
    let as_csv = [("token", token.as_str()), ("format", "csv")];
    let early = upload(&app, &format!("{run}/payment-list"), &zhang, &as_csv, roster).await;
    assert_eq!(early.status, StatusCode::CONFLICT, "nobody has approved it");
    let (li, _) = sign_in(&app, "li").await;
    assert_eq!(step(&app, &run, &zhang, "1").await.status, StatusCode::SEE_OTHER);
    assert_eq!(step(&app, &run, &li, "2").await.status, StatusCode::SEE_OTHER);
    let page = get_as(&app, &run, &zhang).await;
    for answer in [&made, &page] {
        for secret in ["990101199003077719", "990101199003077710", "名某", "账9900"] {
            assert!(!answer.text().contains(secret), "{secret}");
        }
    }
    let list = upload(&app, &format!("{run}/payment-list"), &zhang, &as_csv, roster).await;
    assert_eq!(list.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    assert_eq!(list.text().lines().count(), 2);
    list.has("990101199003077719").has("账990017");
    // Released, it waits for what comes back, and is closed without it only for a reason.
    assert_eq!(step(&app, &run, &li, "4").await.status, StatusCode::SEE_OTHER);
    let released = get_as(&app, &run, &zhang).await;
    released.has("仍有未回盘的行即办结的理由").has("银行回盘文件");
    let reference = list.text().lines().nth(1).unwrap().split(',').next().unwrap().to_owned();
    let back = format!("reference,outcome\n{reference},paid\n");
    let request = uuid::Uuid::now_v7().to_string();
    let fields = [("token", token.as_str()), ("request", request.as_str())];
    let settled = upload(&app, &format!("{run}/settle"), &zhang, &fields, &back).await;
    assert_eq!(settled.status, StatusCode::SEE_OTHER);
    let settled = get_as(&app, &run, &zhang).await;
    assert!(!settled.text().contains("仍有未回盘的行即办结的理由"));
    let forged = upload(
        &app,
        "/runs/roster",
        &zhang,
        &[("token", "00"), ("month", "2021-04"), ("note", "")],
        roster,
    )
    .await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn headcounts_that_cannot_be_paid_are_named() {
    let app = shipped();
    let (cookie, token) = sign_in(&app, "zhang").await;
    let fields = [("token", token.as_str()), ("step", "make")];
    let heads = "index_month,area_code,group,residence,persons\n\
                 2021-04,150302,subsistence_allowance,urban,5\n";
    upload(&app, "/runs", &cookie, &fields, heads)
        .await
        .has("2021-04 海勃湾区 低保对象:海勃湾区 2021年4月未启动");
    let bad = "index_month,area_code,group,residence,persons\n2021-04,150302,nobody,urban,5\n";
    upload(&app, "/runs", &cookie, &fields, bad).await.has("文件第 2 行:保障对象").has("nobody");
}

#[tokio::test]
async fn the_journal_is_listed_and_its_chain_walked() {
    let folder = tempfile::tempdir().unwrap();
    let app = kept(folder.path()).await;
    let (cookie, token) = sign_in(&app, "mei").await;
    let (rows, seen) = checked(&app, &cookie, &token).await;
    let request = uuid::Uuid::now_v7().to_string();
    let fields =
        [("token", token.as_str()), ("request", &request), ("rows", &rows), ("seen", &seen)];
    post(&app, "/record", &cookie, &fields).await.has("账本第");
    get(&app, "/audit?principal=mei").await.has("录入指数").has(">mei<");
    get(&app, "/audit?principal=nobody").await.has("没有记录");
    get(&app, "/audit?kind=3").await.has("份文件");
    post(&app, "/audit/verify", &cookie, &[("token", &token)]).await.has("核对无误");
    damage(folder.path());
    post(&app, "/audit/verify", &cookie, &[("token", &token)])
        .await
        .has("账本有误")
        .has(".jsonl, line");
}

/// Changes one digit in the journal's last line.
fn damage(store: &Path) {
    let mut segments: Vec<_> =
        std::fs::read_dir(store.join("journal")).unwrap().map(|one| one.unwrap().path()).collect();
    segments.sort();
    let last = segments.pop().unwrap();
    let text = std::fs::read_to_string(&last).unwrap();
    let (before, after) = text.rsplit_once("\"3.5\"").unwrap();
    std::fs::write(&last, format!("{before}\"3.6\"{after}")).unwrap();
}

#[tokio::test]
async fn replayed_thresholds_make_a_permanent_link() {
    let app = shipped();
    let path = "/replay?area=150100&reform=yes&trigger.conditions.cpi.threshold=2.5";
    let answer = get(&app, path).await;
    answer.has("以下为假设规则的结果").has("所选规则").has("CPI临界值 2.5%");
    let link = answer.text().split("<p><a href=\"").nth(1).unwrap().split('"').next().unwrap();
    let link = link.replace("&amp;", "&");
    assert!(link.contains("until=") && link.contains("threshold=2.5"), "{link}");
    get(&app, &link).await.has("所选规则").has("CPI临界值 2.5%");
    // A floor, which documents of other places have under other steps.
    let floor = "/replay?area=150100&reform=yes&amount.steps.floor.yuan=50";
    get(&app, floor).await.has("以下为假设规则的结果").has("所选规则");
    get(&app, "/replay?area=150100").await.has("CPI临界值 3.0%");
    let refused = get(&app, "/replay?area=150100&document=no-such").await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
}

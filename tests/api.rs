//! A real server on a free port through generated clients: answers, pages, streams and every reason.

use std::sync::Arc;

use price_linkage::{
    grpc::{Decimal, server, v1},
    service::Service,
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tokio_stream::StreamExt;
use tonic::{Code, Request, Status, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::{v1 as reflection, v1alpha};
use tonic_types::StatusExt;

struct Running {
    channel: Channel,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

async fn run() -> Running {
    let service = tokio::task::spawn_blocking(|| Service::in_memory(&[])).await.unwrap().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server::address(&listener).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(async move {
        let stop = async move { drop(stopped.await) };
        server::serve(Arc::new(service), listener, stop).await.unwrap();
    });
    let channel = Channel::from_shared(format!("http://{address}")).unwrap();
    Running { channel: channel.connect().await.unwrap(), stop, served }
}

fn month(year: i32, month: i32) -> Option<v1::YearMonth> {
    Some(v1::YearMonth { year, month })
}

fn id(number: u32) -> String {
    format!("0191a7a4-0000-7000-8000-{number:012}")
}

fn figure(series: &str, at: Option<v1::YearMonth>, value: &str) -> v1::Figure {
    v1::Figure {
        area: "150300".into(),
        series: series.into(),
        month: at,
        value: Some(Decimal { value: value.into() }),
        source: "test".into(),
        ..Default::default()
    }
}

fn status_of(area: &str, at: Option<v1::YearMonth>) -> v1::GetStatusRequest {
    v1::GetStatusRequest { area: area.into(), month: at, ..Default::default() }
}

fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no reason: {status}"));
    assert_eq!(info.domain, "pricelinkage");
    assert!(status.message().len() + status.details().len() < 4096);
    info.reason.clone()
}

#[tokio::test]
async fn a_status_tells_conditions_margins_and_law() {
    let running = run().await;
    let mut client = v1::trigger_service_client::TriggerServiceClient::new(running.channel);
    let mut request = status_of("150300", month(2021, 4));
    request.depth = v1::Depth::Law.into();
    let status = client.get_status(request).await.unwrap().into_inner();
    assert_eq!(status.triggered(), v1::Triggered::No);
    assert_eq!(status.conditions.len(), 2);
    let margins: Vec<_> =
        status.conditions.iter().map(|one| one.margin.clone().unwrap().value).collect();
    assert_eq!(margins, ["-2.1", "-3.7"]);
    assert!(status.instruments.iter().all(|one| one.why.is_some()));
    assert_eq!(status.instruments.len(), 3);
}

#[tokio::test]
async fn every_league_is_listed_also_without_an_index() {
    let running = run().await;
    let mut client = v1::trigger_service_client::TriggerServiceClient::new(running.channel);
    let request = v1::ListStatusesRequest {
        month: month(2020, 3),
        within: "150000".into(),
        ..Default::default()
    };
    let statuses = client.list_statuses(request).await.unwrap().into_inner().statuses;
    assert_eq!(statuses.len(), 12);
    let with_index: Vec<_> = (statuses.iter())
        .filter(|status| status.missing.iter().all(|one| one.kind != "INDEX"))
        .map(|status| (status.area.as_str(), status.triggered()))
        .collect();
    let expected = [
        ("150100", v1::Triggered::Yes),
        ("150200", v1::Triggered::Undecidable),
        ("150300", v1::Triggered::Undecidable),
    ];
    assert_eq!(with_index, expected);
}

#[tokio::test]
async fn recording_answers_with_counts_and_decisions_and_revisions_stay_readable() {
    let running = run().await;
    let mut index = v1::index_service_client::IndexServiceClient::new(running.channel.clone());
    let mut trigger =
        v1::trigger_service_client::TriggerServiceClient::new(running.channel.clone());
    let mut watched = trigger
        .watch_decisions(v1::WatchDecisionsRequest { within: "150000".into() })
        .await
        .unwrap()
        .into_inner();
    let at = month(2021, 5);
    let batch = |number, validate_only, value: &str| v1::RecordFiguresRequest {
        request_id: id(number),
        validate_only,
        figures: vec![figure("cpi", at, value), figure("food", at, "1.0")],
    };
    let tried = index.record_figures(batch(1, true, "2.9")).await.unwrap().into_inner();
    assert_eq!((tried.sequence, tried.new_figures), (0, 2));
    let first = index.record_figures(batch(1, false, "2.9")).await.unwrap().into_inner();
    assert_eq!((first.new_figures, first.revisions, first.unchanged), (2, 0, 0));
    let repeated = index.record_figures(batch(1, false, "2.9")).await.unwrap().into_inner();
    assert_eq!(repeated, first);
    let known_at = loop {
        let decision = watched.next().await.unwrap().unwrap();
        if decision.month == at {
            assert_eq!(decision.triggered(), v1::Triggered::No);
            assert_eq!(decision.revision, 1);
            break decision.recorded_at;
        }
    };
    let second = index.record_figures(batch(2, false, "3.0")).await.unwrap().into_inner();
    assert_eq!((second.new_figures, second.revisions, second.unchanged), (0, 1, 1));
    let decision = loop {
        let decision = watched.next().await.unwrap().unwrap();
        if decision.month == at {
            break decision;
        }
    };
    assert_eq!((decision.triggered(), decision.revision), (v1::Triggered::Yes, 2));
    // As it was known then, it was not triggered; as it is known now, it is.
    let mut request = status_of("150300", at);
    let now = trigger.get_status(request.clone()).await.unwrap().into_inner();
    assert_eq!(now.triggered(), v1::Triggered::Yes);
    request.asking = Some(v1::Asking { known_at, ..Default::default() });
    let then = trigger.get_status(request).await.unwrap().into_inner();
    assert_eq!(then.triggered(), v1::Triggered::No);
    let key = v1::ListFigureRevisionsRequest {
        area: "150300".into(),
        series: "cpi".into(),
        month: at,
        known_at: None,
    };
    let revisions = index.list_figure_revisions(key).await.unwrap().into_inner().figures;
    let values: Vec<_> = revisions.iter().map(|one| one.value.clone().unwrap().value).collect();
    assert_eq!(values, ["2.9", "3.0"]);
    let listed = v1::ListDecisionsRequest {
        area: "150300".into(),
        from: at,
        until: at,
        ..Default::default()
    };
    let decisions = trigger.list_decisions(listed).await.unwrap().into_inner().decisions;
    let revisions: Vec<_> = decisions.iter().map(|one| one.revision).collect();
    assert_eq!(revisions, [1, 2]);
}

#[tokio::test]
async fn bad_rows_are_told_all_at_once_and_nothing_is_recorded() {
    let running = run().await;
    let mut index = v1::index_service_client::IndexServiceClient::new(running.channel);
    let at = month(2021, 6);
    let request = v1::RecordFiguresRequest {
        request_id: id(3),
        validate_only: false,
        figures: vec![
            figure("cpi", at, "1.0"),
            figure("no_such_series", at, "1.0"),
            figure("food", month(2021, 13), "1.0"),
            figure("food", at, "1e3"),
            figure("cpi", at, "1.0"),
        ],
    };
    let told = index.record_figures(request).await.unwrap().into_inner();
    let places: Vec<_> = told.problems.iter().map(|one| (one.row, one.field.as_str())).collect();
    assert_eq!(places, [(2, "series"), (3, "month"), (4, "value"), (5, "row")]);
    assert_eq!(told.sequence, 0);
    let key = v1::GetFigureRequest {
        area: "150300".into(),
        series: "cpi".into(),
        month: at,
        known_at: None,
    };
    assert_eq!(index.get_figure(key).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn every_refusal_has_its_code_and_reason() {
    let running = run().await;
    let channel = running.channel.clone();
    let mut trigger = v1::trigger_service_client::TriggerServiceClient::new(channel.clone());
    let mut index = v1::index_service_client::IndexServiceClient::new(channel.clone());
    let mut subsidy = v1::subsidy_service_client::SubsidyServiceClient::new(channel.clone());
    let mut replay = v1::replay_service_client::ReplayServiceClient::new(channel);
    let expect = |status: Status, code, name| {
        assert_eq!((status.code(), reason(&status)), (code, String::from(name)), "{status}");
    };
    let unknown = trigger.get_status(status_of("999999", month(2021, 4))).await.unwrap_err();
    expect(unknown, Code::NotFound, "AREA_UNKNOWN");
    let malformed = trigger.get_status(status_of("1503", month(2021, 4))).await.unwrap_err();
    expect(malformed, Code::InvalidArgument, "BAD_FIELD");
    let no_month = trigger.get_status(status_of("150300", None)).await.unwrap_err();
    expect(no_month, Code::InvalidArgument, "BAD_FIELD");
    let law = Some(v1::asking::Law::LawDocument("no-such-document".into()));
    let request = v1::QuoteSubsidyRequest {
        area: "150300".into(),
        month: month(2021, 4),
        asking: Some(v1::Asking { law, ..Default::default() }),
        ..Default::default()
    };
    let unknown = subsidy.quote_subsidy(request).await.unwrap_err();
    expect(unknown, Code::NotFound, "DOCUMENT_UNKNOWN");
    let key = v1::GetFigureRequest {
        area: "150300".into(),
        series: "cpi".into(),
        month: month(2030, 1),
        known_at: None,
    };
    expect(index.get_figure(key).await.unwrap_err(), Code::NotFound, "FIGURE_NOT_RECORDED");
    let batch = |number: &str, value: &str| v1::RecordFiguresRequest {
        request_id: number.into(),
        validate_only: false,
        figures: vec![figure("cpi", month(2021, 7), value)],
    };
    let no_id = index.record_figures(batch("", "1.0")).await.unwrap_err();
    expect(no_id, Code::InvalidArgument, "BAD_FIELD");
    index.record_figures(batch(&id(9), "1.0")).await.unwrap();
    let reused = index.record_figures(batch(&id(9), "1.1")).await.unwrap_err();
    expect(reused, Code::InvalidArgument, "REQUEST_ID_REUSED");
    let backwards =
        v1::ReplayRequest { from: month(2021, 4), until: month(2021, 3), ..Default::default() };
    let backwards = replay.replay(backwards).await.unwrap_err();
    expect(backwards, Code::InvalidArgument, "BAD_FIELD");
    let mut late = Request::new(v1::ReplayRequest { with_amounts: true, ..Default::default() });
    late.metadata_mut().insert("grpc-timeout", "20m".parse().unwrap());
    // The call itself answers at once; its stream ends when the time is up.
    let mut stream = replay.replay(late).await.unwrap().into_inner();
    let late = loop {
        match stream.next().await.unwrap() {
            Ok(_) => {}
            Err(status) => break status,
        }
    };
    expect(late, Code::DeadlineExceeded, "DEADLINE");
}

#[tokio::test]
async fn a_run_is_made_of_good_headcounts_only_and_told_by_its_rows() {
    let running = run().await;
    let mut runs = v1::run_service_client::RunServiceClient::new(running.channel);
    let headcount = |area: &str, group: &str, persons| v1::Headcount {
        month: month(2020, 3),
        area: area.into(),
        group: group.into(),
        residence: v1::Residence::Urban.into(),
        persons,
        households: 0,
    };
    let make = |number, headcounts| v1::MakeRunRequest {
        request_id: id(number),
        headcounts,
        ..Default::default()
    };
    let unread = vec![
        headcount("150102", "special_care", 1),
        headcount("1501", "special_care", 1),
        headcount("150103", "special_care", 0),
        headcount("150102", "special_care", 2),
    ];
    let named = |make: v1::MakeRunRequest| {
        let mut asked = Request::new(make);
        asked.metadata_mut().insert("principal", "zhang".parse().unwrap());
        asked
    };
    let nobody = runs.make_run(make(9, unread.clone())).await.unwrap_err();
    assert_eq!(reason(&nobody), "BAD_FIELD");
    let told = runs.make_run(named(make(1, unread))).await.unwrap().into_inner();
    let places: Vec<_> = told.problems.iter().map(|one| (one.row, one.field.as_str())).collect();
    assert_eq!(places, [(2, "area"), (3, "persons"), (4, "row")]);
    let refused = vec![
        headcount("150300", "special_care", 1),
        headcount("150102", "special_care", 1),
        headcount("150102", "low_income_family", 1),
    ];
    let told = runs.make_run(named(make(2, refused))).await.unwrap().into_inner();
    let places: Vec<_> = told.problems.iter().map(|one| (one.row, one.field.as_str())).collect();
    assert_eq!(places, [(1, "UNDECIDABLE"), (3, "NOT_COVERED")]);
    assert!(told.run.is_none());
    let asked = named(make(3, vec![headcount("150102", "special_care", 10)]));
    let made = runs.make_run(asked).await.unwrap().into_inner().run.unwrap();
    assert_eq!((made.made_by.as_str(), made.yuan.unwrap().value), ("zhang", "600.00".to_owned()));
    let again = make(4, vec![headcount("150100", "special_care", 1)]);
    let exists = runs.make_run(named(again)).await.unwrap_err();
    assert_eq!((exists.code(), reason(&exists).as_str()), (Code::AlreadyExists, "RUN_EXISTS"));
    let named = exists.get_error_details().resource_info().unwrap().resource_name.clone();
    assert_eq!(named, made.id);
    let moved = |by: &str, number, made: v1::RunMove, run: &str| {
        let mut asked = Request::new(v1::MoveRunRequest {
            request_id: id(number),
            run: run.into(),
            made: made.into(),
            ..Default::default()
        });
        asked.metadata_mut().insert("principal", by.parse().unwrap());
        asked
    };
    let early = runs.move_run(moved("li", 5, v1::RunMove::Release, &made.id)).await.unwrap_err();
    assert_eq!(reason(&early), "RUN_STATE");
    let submitted = runs.move_run(moved("zhang", 6, v1::RunMove::Submit, &made.id)).await.unwrap();
    assert_eq!(submitted.into_inner().state(), v1::RunState::Submitted);
    let own = moved("Zhang", 7, v1::RunMove::Approve, &made.id);
    assert_eq!(reason(&runs.move_run(own).await.unwrap_err()), "RUN_OWN");
    let approved = runs.move_run(moved("li", 8, v1::RunMove::Approve, &made.id)).await.unwrap();
    assert_eq!(approved.into_inner().state(), v1::RunState::Approved);
    let missing = |on: &str, within_days| v1::ListMissingRunsRequest {
        on: on.into(),
        within_days,
        since: month(2020, 2),
        within: "150000".into(),
        ..Default::default()
    };
    for refused in [missing("", 0), missing("2020-05-00", 0), missing("2020-05-01", 367)] {
        assert_eq!(reason(&runs.list_missing_runs(refused).await.unwrap_err()), "BAD_FIELD");
    }
    let nowhere =
        v1::ListMissingRunsRequest { within: "999999".into(), ..missing("2020-05-01", 0) };
    assert_eq!(reason(&runs.list_missing_runs(nowhere).await.unwrap_err()), "AREA_UNKNOWN");
    let found = runs.list_missing_runs(missing("2020-05-01", 366)).await.unwrap().into_inner();
    let march: Vec<_> = (found.payments.iter())
        .filter(|one| one.index_months == [month(2020, 3).unwrap()])
        .map(|one| (one.area.as_str(), one.groups.contains(&"special_care".to_owned())))
        .collect();
    assert!(march.contains(&("150100", false)) && march.contains(&("150103", true)), "{march:?}");
    assert!(!march.contains(&("150102", true)), "{march:?}");
    let adjust = |number, headcounts| {
        let adjusts = made.id.clone();
        let mut asked = Request::new(v1::MakeRunRequest { adjusts, ..make(number, headcounts) });
        asked.metadata_mut().insert("principal", "zhang".parse().unwrap());
        asked
    };
    let both = runs.make_run(adjust(10, vec![headcount("150102", "special_care", 10)])).await;
    assert_eq!(reason(&both.unwrap_err()), "BAD_FIELD");
    let early = runs.make_run(adjust(11, Vec::new())).await.unwrap_err();
    assert_eq!(reason(&early), "RUN_NOT_ADJUSTABLE");
    runs.move_run(moved("li", 12, v1::RunMove::Release, &made.id)).await.unwrap();
    let nothing = runs.make_run(adjust(11, Vec::new())).await.unwrap_err();
    assert_eq!(reason(&nothing), "RUN_NOTHING_TO_ADJUST");
    let unknown = runs.get_run(v1::GetRunRequest { run: "R999".into() }).await.unwrap_err();
    assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::NotFound, "RUN_UNKNOWN"));
    let listed = runs.list_runs(v1::ListRunsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.runs.len(), 1);
    let request = v1::ListRunLinesRequest { run: made.id, ..Default::default() };
    let lines = runs.list_run_lines(request).await.unwrap().into_inner().lines;
    let charged: Vec<_> = lines[0].charges.iter().map(|charge| charge.source.as_str()).collect();
    assert_eq!(charged, ["local", "unstated"]);
}

#[tokio::test]
async fn a_replay_streams_months_in_order_and_ends_with_totals() {
    let running = run().await;
    let mut client = v1::replay_service_client::ReplayServiceClient::new(running.channel);
    let request = v1::ReplayRequest {
        areas: vec!["150000".into(), "000000".into()],
        from: month(2011, 10),
        until: month(2012, 6),
        with_amounts: true,
        ..Default::default()
    };
    let mut stream = client.replay(request).await.unwrap().into_inner();
    let mut months = Vec::new();
    let mut totals = None;
    while let Some(item) = stream.next().await {
        match item.unwrap().item.unwrap() {
            v1::replay_response::Item::Month(one) => {
                let status = one.status.unwrap();
                let at = status.month.unwrap();
                months.push((status.area.clone(), at.year, at.month, status.triggered()));
            }
            v1::replay_response::Item::Totals(sums) => totals = Some(sums),
        }
    }
    let totals = totals.unwrap();
    assert_eq!((totals.months, totals.triggered), (18, 7));
    assert_eq!(months.len(), 18);
    assert_eq!(months[0].0, "150000");
    assert_eq!((months[0].1, months[0].2), (2011, 10));
    assert_eq!(months[1].3, v1::Triggered::Yes);
    assert_eq!(months[8].3, v1::Triggered::No);
    assert_eq!(months[17].0, "000000");
}

#[tokio::test]
async fn lists_come_in_pages_without_gap_or_overlap() {
    let running = run().await;
    let mut client = v1::index_service_client::IndexServiceClient::new(running.channel);
    let request = |page_size, page_token| v1::ListFiguresRequest {
        area: "150100".into(),
        series: "cpi".into(),
        page_size,
        page_token,
        ..Default::default()
    };
    let whole = client.list_figures(request(1_000, String::new())).await.unwrap().into_inner();
    assert_eq!(whole.figures.len(), 167);
    let (mut paged, mut token) = (Vec::new(), String::new());
    loop {
        let page = client.list_figures(request(50, token)).await.unwrap().into_inner();
        paged.extend(page.figures);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, whole.figures);
    let refused = client.list_figures(request(-1, String::new())).await.unwrap_err();
    assert_eq!(reason(&refused), "BAD_FIELD");
}

#[tokio::test]
async fn the_law_in_force_names_each_parameter_with_its_document() {
    let running = run().await;
    let mut client = v1::rule_service_client::RuleServiceClient::new(running.channel.clone());
    let request =
        v1::GetRulesRequest { area: "150100".into(), month: month(2022, 8), ..Default::default() };
    let rules = client.get_rules(request).await.unwrap().into_inner();
    let threshold =
        rules.parameters.iter().find(|one| one.path == "trigger.conditions.cpi.threshold");
    let says: Vec<_> = (threshold.unwrap().says.iter())
        .map(|said| (said.text.clone(), said.citation.clone().unwrap().instrument))
        .collect();
    let expected =
        [("at most 3.0", "nation-2022-stage"), ("inherited", "im-2022"), ("3.5", "nation-2021")];
    assert_eq!(says, expected.map(|(text, id)| (text.to_owned(), id.to_owned())));
    assert!(rules.groups.iter().any(|one| one.group == "subsistence_margin"));
    let mut areas = v1::area_service_client::AreaServiceClient::new(running.channel);
    let within = v1::ListAreasRequest { within: "150000".into(), ..Default::default() };
    assert_eq!(areas.list_areas(within).await.unwrap().into_inner().areas.len(), 116);
}

#[tokio::test]
async fn a_document_is_set_beside_the_law_without_it() {
    use v1::{diff_instrument_request::Document, diff_instrument_response::Item};
    let running = run().await;
    let mut client = v1::rule_service_client::RuleServiceClient::new(running.channel);
    let request = |document| v1::DiffInstrumentRequest { document, strict: false };
    let asked = request(Some(Document::Id("nation-2020-doubling".into())));
    let mut stream = client.diff_instrument(asked).await.unwrap().into_inner();
    let (mut law, mut months, mut totals) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(part) = stream.next().await {
        assert!(totals.is_empty(), "the totals are the last message");
        match part.unwrap().item.unwrap() {
            Item::Law(changes) => law.push(changes),
            Item::Month(month) => months.push(month),
            Item::Totals(sums) => totals.push(sums),
        }
    }
    let ([law], [totals]) = (&law[..], &totals[..]) else { panic!("one of each") };
    let by = law.parameters.iter().find(|one| one.path == "amount.steps.doubling.by").unwrap();
    assert_eq!((by.before.len(), by.from), (0, month(2020, 3)));
    let after: Vec<_> = by.after.iter().map(|said| &*said.text).collect();
    assert_eq!(after, ["2"]);
    let covered: Vec<_> = (law.groups.iter())
        .map(|one| (&*one.group, one.before.is_some(), one.after.is_some()))
        .collect();
    let added =
        ["orphan_community", "orphan_institution", "unattended_child", "unemployment_allowance"];
    assert_eq!(covered, added.map(|group| (group, false, true)));
    let order: Vec<_> = months.iter().map(|one| (one.area.clone(), one.month.unwrap())).collect();
    assert!(order.is_sorted_by_key(|(area, at)| (area.clone(), at.year, at.month)));
    let hohhot: Vec<_> = months.iter().filter(|one| one.area == "150100").collect();
    let [hohhot] = hohhot[..] else { panic!("one month of Hohhot") };
    assert_eq!((hohhot.month, hohhot.triggered_before()), (month(2020, 3), v1::Triggered::Yes));
    let yuan = |one: &Option<Decimal>| one.as_ref().map_or("-".into(), |yuan| yuan.value.clone());
    let sums: Vec<_> = (hohhot.sums.iter())
        .filter(|one| ["subsistence_allowance", "unattended_child"].contains(&&*one.group))
        .map(|one| (one.outcome_before.as_str(), yuan(&one.yuan_before), yuan(&one.yuan_after)))
        .collect();
    let expected = [
        ("OWED", "30.00", "60.00"),
        ("OWED", "15.00", "30.00"),
        ("NOT_COVERED", "-", "60.00"),
        ("NOT_COVERED", "-", "30.00"),
    ];
    assert_eq!(sums, expected.map(|(word, a, b)| (word, a.to_owned(), b.to_owned())));
    let decided = months.iter().filter(|one| one.state_before != one.state_after).count();
    let sums: usize = months.iter().map(|one| one.sums.len()).sum();
    assert_eq!(totals.months_decided_differently, decided as i64);
    assert_eq!(totals.months_paid_differently, months.len() as i64);
    assert_eq!(totals.sums_different, sums as i64);
    assert_eq!(totals.areas, 66);
    for (document, code, why) in [
        (Some(Document::Id("no-such".into())), Code::NotFound, "DOCUMENT_UNKNOWN"),
        (Some(Document::Text("id = 3".into())), Code::InvalidArgument, "DOCUMENT_REFUSED"),
        (None, Code::InvalidArgument, "BAD_FIELD"),
    ] {
        let refused = client.diff_instrument(request(document)).await.unwrap_err();
        assert_eq!((refused.code(), &*reason(&refused)), (code, why));
    }
}

#[tokio::test]
async fn health_and_both_reflections_answer() {
    let running = run().await;
    let mut health = HealthClient::new(running.channel.clone());
    let service = "pricelinkage.v1.TriggerService".to_owned();
    let served = health.check(HealthCheckRequest { service }).await.unwrap().into_inner();
    assert_eq!(served.status, 1);
    let listed = reflection::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(reflection::server_reflection_request::MessageRequest::ListServices(
            String::new(),
        )),
    };
    let mut client =
        reflection::server_reflection_client::ServerReflectionClient::new(running.channel.clone());
    let mut answers =
        client.server_reflection_info(tokio_stream::once(listed)).await.unwrap().into_inner();
    let answer = format!("{:?}", answers.next().await.unwrap().unwrap());
    assert!(answer.contains("pricelinkage.v1.SubsidyService"));
    let listed = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1alpha::server_reflection_request::MessageRequest::ListServices(
            String::new(),
        )),
    };
    let mut client =
        v1alpha::server_reflection_client::ServerReflectionClient::new(running.channel);
    let mut answers =
        client.server_reflection_info(tokio_stream::once(listed)).await.unwrap().into_inner();
    assert!(answers.next().await.unwrap().is_ok());
}

#[tokio::test]
async fn stopping_tells_a_watcher_and_waits_for_nobody() {
    let running = run().await;
    let mut client = v1::trigger_service_client::TriggerServiceClient::new(running.channel);
    let watching = client.watch_decisions(v1::WatchDecisionsRequest::default()).await.unwrap();
    running.stop.send(()).unwrap();
    let ended = watching.into_inner().message().await.unwrap_err();
    assert_eq!((ended.code(), reason(&ended).as_str()), (Code::Unavailable, "STOPPING"));
    tokio::time::timeout(server::DRAIN / 2, running.served).await.unwrap().unwrap();
}

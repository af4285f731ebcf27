//! Calls in any order: none ends in a fault of the service, a repeated request has the answer of the first,
//! and the journal's chain holds.
#![no_main]

use std::{
    collections::HashMap,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use libfuzzer_sys::fuzz_target;
use price_linkage::{
    client::{self, Transport},
    grpc::{Decimal, v1},
    service::Service,
};
use prost::Message;
use tokio::runtime::Runtime;
use tonic::{Code, Request, Response, Status};

struct House {
    runtime: Runtime,
    service: Arc<Service>,
    transport: Transport,
    _folder: tempfile::TempDir,
}

static HOUSE: LazyLock<House> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let opened = Service::open(&folder.path().join("store"), &[], &mut |_, _, _| ());
    let service = Arc::new(opened.unwrap().0);
    let transport = client::in_process(&service);
    House { runtime, service, transport, _folder: folder }
});

/// How many inputs there were: their requests have ids of their own.
static INPUTS: AtomicU64 = AtomicU64::new(0);

/// Bytes taken one by one; zeros at the end.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::from(self.byte()) % of.len()]
    }

    fn number(&mut self) -> i64 {
        let far = self.byte();
        let near = i64::from(self.byte());
        if far == 255 { i64::MAX - near } else { near + i64::from(far % 8) * 256 - 16 }
    }

    fn text(&mut self) -> String {
        let length = usize::from(self.byte() % 8);
        let bytes: Vec<_> = (0..length).map(|_| self.byte()).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn area(&mut self) -> String {
        match self.byte() % 8 {
            7 => self.text(),
            _ => self.one(&["150100", "150102", "150300", "150000", "000000", "990100"]).to_owned(),
        }
    }

    fn month(&mut self) -> Option<v1::YearMonth> {
        let (year, month) = (2019 + i32::from(self.byte() % 4), i32::from(self.byte() % 14));
        Some(v1::YearMonth { year, month })
    }

    fn request_id(&mut self, input: u64) -> String {
        format!("0191a7a4-{:04x}-7000-8000-{:08x}{:04x}", self.byte() % 4, input, 0)
    }
}

/// What was answered; a fault of the service ends the run.
fn answered<T: Message>(answer: Result<Response<T>, Status>) -> Result<Vec<u8>, Code> {
    match answer {
        Ok(answer) => Ok(answer.into_inner().encode_to_vec()),
        Err(status) => {
            let faults = [Code::Internal, Code::Unknown, Code::DataLoss, Code::Unavailable];
            assert!(!faults.contains(&status.code()), "{status}");
            Err(status.code())
        }
    }
}

fn named<T>(message: T, who: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("principal", who.parse().unwrap());
    request
}

async fn record(
    bytes: &mut Bytes<'_>,
    transport: &Transport,
    input: u64,
    first: &mut HashMap<Vec<u8>, Vec<u8>>,
) {
    let mut index = client::index(transport);
    let figure = v1::Figure {
        area: bytes.area(),
        series: bytes.one(&["cpi", "food", "low_income_cpi", "x"]).to_owned(),
        month: bytes.month(),
        value: Some(Decimal {
            value: bytes.one(&["3.5", "-1.0", "2", "NaN", "999999999999999", ""]).to_owned(),
        }),
        source: bytes.text(),
        ..Default::default()
    };
    let asked = v1::RecordFiguresRequest {
        request_id: bytes.request_id(input),
        validate_only: bytes.byte() % 4 == 0,
        figures: vec![figure],
    };
    let key = asked.encode_to_vec();
    let is_tried = asked.validate_only;
    let Ok(answer) = answered(index.record_figures(named(asked, "zhang")).await) else { return };
    let told = v1::RecordFiguresResponse::decode(&answer[..]).unwrap();
    if !is_tried && told.problems.is_empty() {
        assert_eq!(*first.entry(key).or_insert_with(|| answer.clone()), answer);
    }
}

async fn make(
    bytes: &mut Bytes<'_>,
    transport: &Transport,
    input: u64,
    first: &mut HashMap<Vec<u8>, Vec<u8>>,
) -> Option<String> {
    let headcount = v1::Headcount {
        month: bytes.month(),
        area: bytes.area(),
        group: bytes.one(&["subsistence_allowance", "special_care", "unemployed", "x"]).to_owned(),
        residence: i32::from(bytes.byte() % 4),
        persons: bytes.number(),
        households: bytes.number(),
    };
    let asked = v1::MakeRunRequest {
        request_id: bytes.request_id(input),
        validate_only: bytes.byte() % 4 == 0,
        headcounts: vec![headcount],
        note: bytes.text(),
        ..Default::default()
    };
    let (key, is_tried) = (asked.encode_to_vec(), asked.validate_only);
    let answer = answered(client::run(transport).make_run(named(asked, "zhang")).await).ok()?;
    let run = v1::MakeRunResponse::decode(&answer[..]).unwrap().run?.id;
    if !is_tried {
        assert_eq!(*first.entry(key).or_insert_with(|| run.clone().into()), run.as_bytes());
    }
    Some(run)
}

fuzz_target!(|bytes: &[u8]| {
    let input = INPUTS.fetch_add(1, Ordering::Relaxed);
    let House { runtime, service, transport, .. } = &*HOUSE;
    let mut bytes = Bytes(bytes);
    let (mut recorded, mut made, mut run) = (HashMap::new(), HashMap::new(), "R1".to_owned());
    runtime.block_on(async {
        for _ in 0..32 {
            if bytes.0.is_empty() {
                break;
            }
            let before = bytes.0;
            match bytes.byte() % 5 {
                0 => {
                    record(&mut bytes, transport, input, &mut recorded).await;
                    if bytes.byte() % 2 == 0 {
                        // The same again.
                        record(&mut Bytes(&before[1..]), transport, input, &mut recorded).await;
                    }
                }
                1 => {
                    run = make(&mut bytes, transport, input, &mut made).await.unwrap_or(run);
                    let _ = make(&mut Bytes(&before[1..]), transport, input, &mut made).await;
                }
                2 => {
                    let asked = v1::MoveRunRequest {
                        request_id: bytes.request_id(input),
                        validate_only: bytes.byte() % 4 == 0,
                        run: if bytes.byte() % 8 == 0 { bytes.text() } else { run.clone() },
                        made: i32::from(bytes.byte() % 9),
                        reason: bytes.text(),
                    };
                    let who = bytes.one(&["zhang", "li", "wang"]);
                    let _ = answered(client::run(transport).move_run(named(asked, who)).await);
                }
                3 => {
                    let (area, month) = (bytes.area(), bytes.month());
                    let asked = v1::GetStatusRequest { area, month, ..Default::default() };
                    let _ = answered(client::trigger(transport).get_status(asked).await);
                }
                _ => {
                    let asked = v1::VerifyRunRequest { run: run.clone(), ..Default::default() };
                    let _ = answered(client::run(transport).verify_run(asked).await);
                }
            }
        }
    });
    if input % 512 == 0 {
        assert_eq!(service.verify_journal().unwrap().broken, None);
    }
});

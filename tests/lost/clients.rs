//! Clients that send everything that changes something, at random, and note what was answered.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use price_linkage::{
    domain::month::Month,
    grpc::{
        Decimal,
        v1::{
            self, RunMove, index_service_client::IndexServiceClient,
            roster_service_client::RosterServiceClient, run_service_client::RunServiceClient,
            standard_service_client::StandardServiceClient,
        },
    },
};
use tonic::{Code, IntoRequest, Request, Status, transport::Channel};

use crate::facts::Random;

/// A request that changes something.
#[derive(Debug, Clone)]
pub enum Asked {
    Figures(v1::RecordFiguresRequest),
    Standards(v1::RecordStandardsRequest),
    Make(v1::MakeRunRequest),
    Roster(v1::MakeRosterRunHead, String),
    Move(v1::MoveRunRequest),
    Settle(v1::SettleRunRequest),
}

/// What an answer says that a repeat must say again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The entry; 0 where the answer names none, or nothing was new.
    pub sequence: u64,
    /// New rows, revisions and unchanged ones.
    pub rows: [i32; 3],
    pub run: String,
}

#[derive(Debug, Clone)]
pub enum Outcome {
    Unanswered,
    Acknowledged(Answer),
    Refused,
}

#[derive(Debug, Clone)]
pub struct Sent {
    pub id: String,
    pub by: &'static str,
    pub validate_only: bool,
    pub asked: Asked,
    pub outcome: Outcome,
}

/// What the clients know together.
#[derive(Debug, Default)]
pub struct Known {
    /// Where the runs stand that were made.
    runs: Mutex<BTreeMap<String, v1::Run>>,
    ids: AtomicU64,
}

/// One client.
pub struct Client {
    index: IndexServiceClient<Channel>,
    standard: StandardServiceClient<Channel>,
    run: RunServiceClient<Channel>,
    roster: RosterServiceClient<Channel>,
}

/// Four counties' worth of months in which the law of the tests pays.
pub const MONTHS: u64 = 18;
const COUNTIES: [&str; 3] = ["990101", "990102", "990201"];
const GROUPS: [&str; 3] = ["subsistence_allowance", "special_hardship", "orphan_community"];

fn month(after: u64) -> Option<v1::YearMonth> {
    let month = Month::new(2021, 4).unwrap().plus(after as i32).unwrap();
    Some(v1::YearMonth { year: month.year(), month: month.month() as i32 })
}

fn decimal(value: String) -> Option<Decimal> {
    Some(Decimal { value })
}

fn one_of<T: Copy>(all: &[T], random: &mut Random) -> T {
    all[random.below(all.len() as u64) as usize]
}

/// A made-up number with its check digit.
fn person(count: u64) -> String {
    let digits = format!("99010119700101{count:03}");
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = digits.bytes().zip(weights).map(|(one, by)| u32::from(one - b'0') * by).sum();
    format!("{digits}{}", &"10X98765432"[(sum % 11) as usize..][..1])
}

impl Known {
    fn id(&self) -> String {
        format!("0191a7a4-0000-7000-8000-{:012}", self.ids.fetch_add(1, Ordering::Relaxed))
    }

    fn some_run(&self, random: &mut Random, wanted: impl Fn(&v1::Run) -> bool) -> Option<v1::Run> {
        let runs = self.runs.lock().unwrap();
        let found: Vec<_> = runs.values().filter(|run| wanted(run)).collect();
        (!found.is_empty()).then(|| found[random.below(found.len() as u64) as usize].clone())
    }

    fn note(&self, run: &v1::Run) {
        if !run.id.is_empty() {
            self.runs.lock().unwrap().insert(run.id.clone(), run.clone());
        }
    }

    /// The next request of a client.
    pub fn draw(&self, client: u64, random: &mut Random) -> Sent {
        let (request_id, validate_only) = (self.id(), random.below(8) == 0);
        let mut by = "maker";
        let asked = match random.below(16) {
            0..=3 => {
                // Three areas in one batch, always together, so that half of one would show.
                let value = format!("2.{}", random.below(3));
                let figure = |area: &str| v1::Figure {
                    area: area.into(),
                    series: "cpi".into(),
                    month: month(30 + client),
                    value: decimal(value.clone()),
                    source: "调查队".into(),
                    ..Default::default()
                };
                let figures = ["990000", "990100", "990200"].map(figure).to_vec();
                let request_id = request_id.clone();
                Asked::Figures(v1::RecordFiguresRequest { request_id, validate_only, figures })
            }
            4 | 5 => {
                let yuan = format!("{}.00", 600 + random.below(3));
                let standard = |area: &str| v1::Standard {
                    area: area.into(),
                    standard: "dibao_urban".into(),
                    valid_from: month(client),
                    yuan: decimal(yuan.clone()),
                    source: "民政局".into(),
                    ..Default::default()
                };
                let standards = ["990100", "990200"].map(standard).to_vec();
                let request_id = request_id.clone();
                Asked::Standards(v1::RecordStandardsRequest {
                    request_id,
                    validate_only,
                    standards,
                })
            }
            6 | 7 => {
                let after = random.below(MONTHS);
                let area = one_of(&COUNTIES, random);
                let persons = 1 + random.below(900) as i64;
                let headcount = |residence: v1::Residence| v1::Headcount {
                    month: month(after),
                    area: area.into(),
                    group: GROUPS[after as usize % 3].into(),
                    residence: residence as i32,
                    persons,
                    households: 0,
                };
                let residences = [v1::Residence::Urban, v1::Residence::Rural];
                let headcounts = residences.map(headcount).to_vec();
                let request_id = request_id.clone();
                let request = v1::MakeRunRequest {
                    request_id,
                    validate_only,
                    headcounts,
                    ..Default::default()
                };
                Asked::Make(request)
            }
            8 => {
                let wanted = |run: &v1::Run| {
                    run.roster.is_none()
                        && run.adjusts.is_empty()
                        && run.state() == v1::RunState::Released
                };
                let adjusts = self.some_run(random, wanted).map_or("R1".into(), |run| run.id);
                let request_id = request_id.clone();
                Asked::Make(v1::MakeRunRequest {
                    request_id,
                    validate_only,
                    adjusts,
                    ..Default::default()
                })
            }
            9 | 10 => {
                let mut table = "person_id,name,area_code,group,residence\n".to_owned();
                let (area, first) = (one_of(&COUNTIES, random), random.below(900));
                for count in first..first + 5 {
                    table += &format!("{},某,{area},special_hardship,urban\n", person(count));
                }
                let head = v1::MakeRosterRunHead {
                    request_id: request_id.clone(),
                    validate_only,
                    month: month(random.below(MONTHS)),
                    roster: Some(v1::RosterHead {
                        format: v1::FileFormat::Csv as i32,
                        ..Default::default()
                    }),
                    ..Default::default()
                };
                Asked::Roster(head, table)
            }
            _ => {
                let run = self
                    .some_run(random, |run| run.state() != v1::RunState::Closed)
                    .unwrap_or_default();
                let (made, principal) = step(&run, random);
                by = principal;
                if made == RunMove::Settle {
                    let line = 1 + random.below(5);
                    let outcome = ["paid", "account_closed"][line as usize % 2];
                    let table = format!("reference,outcome\n{}-{line},{outcome}\n", run.id);
                    Asked::Settle(v1::SettleRunRequest {
                        request_id: request_id.clone(),
                        validate_only,
                        run: run.id,
                        table: table.into_bytes(),
                    })
                } else {
                    Asked::Move(v1::MoveRunRequest {
                        request_id: request_id.clone(),
                        validate_only,
                        run: run.id,
                        made: made as i32,
                        reason: "如期".into(),
                    })
                }
            }
        };
        Sent { id: request_id, by, validate_only, asked, outcome: Outcome::Unanswered }
    }
}

/// A step that can be made now, as far as the client knows.
fn step(run: &v1::Run, random: &mut Random) -> (RunMove, &'static str) {
    match (run.state(), random.below(6)) {
        (v1::RunState::Draft | v1::RunState::Submitted | v1::RunState::Approved, 0) => {
            (RunMove::Void, "maker")
        }
        (v1::RunState::Submitted, 1) => (RunMove::Reject, "approver"),
        (v1::RunState::Submitted, _) => (RunMove::Approve, "approver"),
        (v1::RunState::Approved, _) => (RunMove::Release, "cashier"),
        (v1::RunState::Released, 0) => (RunMove::Close, "cashier"),
        (v1::RunState::Released, _) if run.roster.is_some() => (RunMove::Settle, "cashier"),
        (v1::RunState::Released, _) => (RunMove::Close, "cashier"),
        _ => (RunMove::Submit, "maker"),
    }
}

fn request<T>(message: impl IntoRequest<T>, by: &str) -> Request<T> {
    let mut request = message.into_request();
    request.metadata_mut().insert("principal", by.parse().unwrap());
    request
}

fn recorded(sequence: u64, rows: [i32; 3], problems: usize) -> Result<Answer, Status> {
    match problems {
        0 => Ok(Answer { sequence, rows, run: String::new() }),
        _ => Err(Status::invalid_argument("problems")),
    }
}

impl Client {
    pub async fn connect(address: &str) -> Result<Self, tonic::transport::Error> {
        let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await?;
        Ok(Self {
            index: IndexServiceClient::new(channel.clone()),
            standard: StandardServiceClient::new(channel.clone()),
            run: RunServiceClient::new(channel.clone()),
            roster: RosterServiceClient::new(channel),
        })
    }

    async fn answer(&mut self, sent: &Sent, known: &Known) -> Result<Answer, Status> {
        let by = sent.by;
        let run = match &sent.asked {
            Asked::Figures(asked) => {
                let got = self.index.record_figures(request(asked.clone(), by)).await?.into_inner();
                let rows = [got.new_figures, got.revisions, got.unchanged];
                return recorded(got.sequence, rows, got.problems.len());
            }
            Asked::Standards(asked) => {
                let asked = request(asked.clone(), by);
                let got = self.standard.record_standards(asked).await?.into_inner();
                let rows = [got.new_standards, got.revisions, got.unchanged];
                return recorded(got.sequence, rows, got.problems.len());
            }
            Asked::Make(asked) => {
                let got = self.run.make_run(request(asked.clone(), by)).await?.into_inner();
                got.run.ok_or_else(|| Status::invalid_argument("problems"))?
            }
            Asked::Roster(head, table) => {
                use v1::make_roster_run_request::Part;
                let parts = [Part::Head(head.clone()), Part::Piece(table.clone().into_bytes())];
                let parts = parts.map(|part| v1::MakeRosterRunRequest { part: Some(part) });
                let mut asked = Request::new(tokio_stream::iter(parts));
                *asked.metadata_mut() = request((), by).metadata().clone();
                let mut got = self.roster.make_roster_run(asked).await?.into_inner();
                let mut made = None;
                while let Some(one) = got.message().await? {
                    if let Some(v1::make_roster_run_response::Part::Run(run)) = one.part {
                        made = Some(run);
                    }
                }
                made.ok_or_else(|| Status::unavailable("the answer ended early"))?
            }
            Asked::Move(asked) => self.run.move_run(request(asked.clone(), by)).await?.into_inner(),
            Asked::Settle(asked) => {
                self.roster.settle_run(request(asked.clone(), by)).await?.into_inner()
            }
        };
        if !sent.validate_only {
            known.note(&run);
        }
        Ok(Answer { run: run.id, ..Default::default() })
    }

    /// Sends it and notes the outcome; says why there is none.
    pub async fn send(&mut self, sent: &mut Sent, known: &Known) -> Result<(), Status> {
        sent.outcome = match self.answer(sent, known).await {
            Ok(answer) => Outcome::Acknowledged(answer),
            Err(status) => match status.code() {
                Code::InvalidArgument
                | Code::NotFound
                | Code::AlreadyExists
                | Code::FailedPrecondition
                | Code::Aborted => Outcome::Refused,
                _ => return Err(status),
            },
        };
        Ok(())
    }

    /// What a reader sees of a client's batches: of the three areas the same revision, always.
    pub async fn sees_whole_batches(&mut self, client: u64) -> Result<(), Status> {
        let month = month(30 + client);
        let asked = v1::ListFiguresRequest {
            series: "cpi".into(),
            from: month,
            until: month,
            page_size: 1_000,
            ..Default::default()
        };
        let got = self.index.list_figures(asked).await?.into_inner().figures;
        let of_test = got.iter().filter(|one| one.area.starts_with("99"));
        let seen: Vec<_> = of_test.map(|one| (one.value.clone(), one.revision)).collect();
        assert!(seen.is_empty() || seen.len() == 3, "half a batch: {got:?}");
        assert!(seen.iter().all(|one| *one == seen[0]), "half a batch: {got:?}");
        Ok(())
    }
}

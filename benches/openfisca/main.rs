//! The replay that `compare.py` sets beside OpenFisca, in one process: every month of the areas decided
//! under one document, with every sum. Prints the seconds as JSON.
//!
//! `cargo bench --bench openfisca -- FOLDER DOCUMENT FROM UNTIL AREA…`; without them it does nothing.

use std::{
    env,
    hint::black_box,
    path::PathBuf,
    time::{Duration, Instant},
};

use price_linkage::{
    domain::{area::AreaCode, month::Month},
    engine::{
        question::{Terms, World},
        timeline::Timeline,
    },
    rules::library::Law,
    service::{Service, status::answer},
};

const ROUNDS: usize = 9;
const CALLS: u32 = 200;
/// A month that is paid, asked by itself; `model.py` asks the same.
const ONE: (&str, &str) = ("370000", "2020-01");

fn median(mut run: impl FnMut()) -> f64 {
    let mut rounds: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    rounds.sort();
    rounds[ROUNDS / 2].as_secs_f64()
}

fn replay(world: World<'_>, areas: &[AreaCode], months: (Month, Month), terms: &Terms) {
    for area in areas {
        let timeline = Timeline::through(world, *area, months.1, terms).unwrap();
        for month in months.0.through(months.1) {
            black_box(answer(world, &timeline, month, terms, true).unwrap());
        }
    }
}

fn main() {
    let given: Vec<String> = env::args().skip(1).filter(|one| one != "--bench").collect();
    let [folder, document, from, until, areas @ ..] = &given[..] else { return };
    let folders = [PathBuf::from(folder)];
    let load = median(|| drop(black_box(Service::in_memory(&folders).unwrap())));
    let service = Service::in_memory(&folders).unwrap();
    let ledger = service.writer.snapshot();
    let world = service.reference.world(&ledger);
    let months: (Month, Month) = (from.parse().unwrap(), until.parse().unwrap());
    let areas: Vec<AreaCode> = areas.iter().map(|area| area.parse().unwrap()).collect();
    let terms = Terms { law: Law::Document(document.as_str().into()), ..Terms::default() };
    let panel = median(|| replay(world, &areas, months, &terms));
    let (area, at): (AreaCode, Month) = (ONE.0.parse().unwrap(), ONE.1.parse().unwrap());
    let one = median(|| replay(world, &[area], (at, at), &terms));
    // As a running service answers: the history of the area is kept.
    let history = Timeline::through(world, area, months.1, &terms).unwrap();
    let kept = median(|| {
        for _ in 0..CALLS {
            black_box(answer(world, &history, at, &terms, true).unwrap());
        }
    });
    let kept = kept / f64::from(CALLS);
    println!(r#"{{"load": {load}, "panel": {panel}, "one": {one}, "kept": {kept}}}"#);
}

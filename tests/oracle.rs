//! A deliberately slow model of the rules of Inner Mongolia and the nation, on exact fractions of its
//! own and written from the texts, compared with the engine on random figures. It shares no code
//! with the engine: only months, codes and the shipped law as the engine sees it go in.

use num_bigint::BigInt;
use num_rational::BigRational;
use price_linkage::{
    domain::{
        code::Code,
        decision::{State, Triggered},
        exact::parse_decimal,
        figure::{Figure, Figures},
        month::Month,
        standard::{Standard, Standards},
    },
    engine::{
        question::{Terms, World},
        timeline::Timeline,
    },
    service::{Service, status::answer},
};
use proptest::{collection::vec, option::weighted, prelude::*};

/// Tenths of a per cent, or nothing recorded.
type Tenths = Option<i64>;

fn fraction(numerator: i64, denominator: i64) -> BigRational {
    BigRational::new(BigInt::from(numerator), BigInt::from(denominator))
}

/// Half away from zero to the fen, in fen.
fn to_fen(sum: &BigRational) -> BigInt {
    let doubled = sum * fraction(200, 1) + fraction(1, 1);
    (doubled / fraction(2, 1)).floor().to_integer()
}

fn world<'a>(service: &'a Service, figures: &'a Figures, standards: &'a Standards) -> World<'a> {
    let data = &service.reference.data;
    World {
        areas: &data.areas,
        series: &data.series,
        library: &data.library,
        figures,
        standards,
        calendar: &data.calendar,
    }
}

fn text(tenths: i64) -> String {
    let sign = if tenths < 0 { "-" } else { "" };
    format!("{sign}{}.{}", tenths.abs() / 10, tenths.abs() % 10)
}

fn recorded(area: &str, first: Month, columns: [(&str, &[Tenths]); 2]) -> Figures {
    let mut figures = Figures::default();
    for (series, values) in columns {
        for (at, value) in values.iter().enumerate() {
            let Some(value) = value else { continue };
            figures.insert(Figure {
                area: area.parse().unwrap(),
                series: series.parse().unwrap(),
                month: first.plus(at as i32).unwrap(),
                value: parse_decimal(&text(*value)).unwrap(),
                released_on: None,
                source: "oracle".into(),
                revision: 1,
                recorded_at: chrono::DateTime::UNIX_EPOCH,
            });
        }
    }
    figures
}

fn standards(area: &str, from: Month, yuan: [&str; 2]) -> Standards {
    let mut standards = Standards::default();
    for (code, yuan) in ["dibao_urban", "dibao_rural"].into_iter().zip(yuan) {
        standards.insert(Standard {
            area: area.parse().unwrap(),
            standard: code.parse().unwrap(),
            valid_from: from,
            yuan: parse_decimal(yuan).unwrap(),
            headcount: None,
            source: "oracle".into(),
            revision: 1,
            recorded_at: chrono::DateTime::UNIX_EPOCH,
        });
    }
    standards
}

/// 2016: any of two, one month; what is missing decides nothing.
fn single_month(cpi: Tenths, food: Tenths, cpi_at: i64, food_at: i64) -> Triggered {
    if cpi.is_some_and(|cpi| cpi >= cpi_at) || food.is_some_and(|food| food >= food_at) {
        Triggered::Yes
    } else if cpi.is_some() && food.is_some() {
        Triggered::No
    } else {
        Triggered::Undecidable
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn single_months_since_2017_agree(
        cpi in vec(weighted(0.9, 0_i64..=60), 72),
        food in vec(weighted(0.8, 20_i64..=90), 72),
    ) {
        let service = shared();
        let first: Month = "2017-04".parse().unwrap();
        let columns = [("cpi", &cpi[..]), ("food", &food[..])];
        let figures = recorded("150100", first, columns);
        let standards = standards("150100", first, ["713.37", "421.58"]);
        let world = world(service, &figures, &standards);
        let last = first.plus(71).unwrap();
        let terms = Terms::default();
        let timeline = Timeline::through(world, "150100".parse().unwrap(), last, &terms).unwrap();
        let within = |month: Month, from: &str, until: &str| {
            from.parse::<Month>().unwrap() <= month && month <= until.parse::<Month>().unwrap()
        };
        for (at, month) in first.through(last).enumerate() {
            if figures.newest().is_none() {
                break;
            }
            // 3.0 until 2021, then the national 3.5, lowered to 3.0 for 2022-08 to 2023-02.
            let low = month <= "2021-12".parse().unwrap() || within(month, "2022-08", "2023-02");
            let expected = single_month(cpi[at], food[at], if low { 30 } else { 35 }, 60);
            let found = answer(world, &timeline, month, &terms, true).unwrap();
            prop_assert_eq!(found.status.outcome.triggered, expected, "{}", month);
            let lines = found.quote.unwrap().lines;
            for line in &lines {
                let urban = line.residence == price_linkage::domain::group::Residence::Urban;
                let yuan = line.yuan();
                match expected {
                    Triggered::No => prop_assert_eq!(yuan.unwrap().to_string(), "0.00"),
                    Triggered::Undecidable => prop_assert_eq!(yuan, None),
                    Triggered::Yes => {
                        let met = [
                            cpi[at].filter(|cpi| *cpi >= if low { 30 } else { 35 }),
                            food[at].filter(|food| *food >= 60),
                        ];
                        let rise = met.into_iter().flatten().max().unwrap();
                        let (base, floor) = if urban { (71_337, 30) } else { (42_158, 15) };
                        // base is in fen, rise in tenths of a per cent: a product in yuan.
                        let mut sum = fraction(base, 100) * fraction(rise, 1_000);
                        sum = sum.max(fraction(floor, 1));
                        if within(month, "2020-03", "2020-06") {
                            sum *= fraction(2, 1);
                        }
                        let fen = to_fen(&sum);
                        let shown = yuan.unwrap().to_string().replace('.', "");
                        prop_assert_eq!(shown.parse::<BigInt>().unwrap(), fen, "{}", month);
                    }
                }
            }
        }
    }

    #[test]
    fn runs_of_three_under_the_2014_notice_agree(
        cpi in vec(25_i64..=35, 33),
        grain in vec(90_i64..=108, 33),
    ) {
        let service = shared();
        let first: Month = "2014-07".parse().unwrap();
        let last = first.plus(32).unwrap();
        // Two months before, below both thresholds, so that every run is told.
        let lead = first.plus(-2).unwrap();
        let some = |values: &[i64], low: i64| -> Vec<Tenths> {
            [low, low].into_iter().chain(values.iter().copied()).map(Some).collect()
        };
        let (cpi_all, grain_all) = (some(&cpi, 10), some(&grain, 10));
        let columns = [("cpi", &cpi_all[..]), ("grain", &grain_all[..])];
        let figures = recorded("150000", lead, columns);
        let none = Standards::default();
        let world = world(service, &figures, &none);
        let terms = Terms::default();
        let timeline = Timeline::through(world, "150000".parse().unwrap(), last, &terms).unwrap();
        let run = |values: &[i64], at: usize, limit: i64| {
            2 <= at && values[at - 2..=at].iter().all(|value| *value >= limit)
        };
        // Carried by CPI, by grain; nothing means not running.
        let (mut by_cpi, mut by_grain) = (false, false);
        let mut paid = [false; 33];
        let mut states = [State::Inactive; 33];
        for at in 0..33 {
            let (start_cpi, start_grain) = (run(&cpi, at, 30), run(&grain, at, 100));
            if by_cpi || by_grain {
                let holds = (by_cpi && cpi[at] >= 30) || (by_grain && grain[at] >= 100);
                if holds {
                    by_cpi |= start_cpi;
                    by_grain |= start_grain;
                    paid[at] = true;
                    states[at] = State::Continuing;
                } else {
                    (by_cpi, by_grain) = (false, false);
                    states[at] = State::Ended;
                }
            } else if start_cpi || start_grain {
                (by_cpi, by_grain) = (start_cpi, start_grain);
                paid[at] = true;
                states[at] = State::Started;
                for back in 1..3 {
                    if states[at - back] != State::Inactive {
                        break;
                    }
                    paid[at - back] = true;
                    states[at - back] = State::BackPaid;
                }
            }
        }
        for (at, month) in first.through(last).enumerate() {
            let outcome = timeline.get(month).unwrap();
            prop_assert_eq!(outcome.state, states[at], "{}", month);
            prop_assert_eq!(outcome.triggered == Triggered::Yes, paid[at], "{}", month);
        }
    }

    #[test]
    fn raising_a_figure_never_switches_a_trigger_off(
        cpi in vec(weighted(0.9, 0_i64..=60), 24),
        food in vec(weighted(0.8, 20_i64..=90), 24),
        at in 0_usize..24,
        by in 1_i64..30,
    ) {
        let service = shared();
        let first: Month = "2018-01".parse().unwrap();
        let last = first.plus(23).unwrap();
        let mut raised = cpi.clone();
        raised[at] = raised[at].map(|value| value + by);
        let none = Standards::default();
        let terms = Terms::default();
        let triggered = |cpi: &[Tenths]| -> Vec<Triggered> {
            let columns = [("cpi", cpi), ("food", &food[..])];
            let figures = recorded("150100", first, columns);
            let world = world(service, &figures, &none);
            let area = "150100".parse().unwrap();
            let timeline = Timeline::through(world, area, last, &terms).unwrap();
            first.through(last).map(|month| timeline.get(month).unwrap().triggered).collect()
        };
        for (before, after) in triggered(&cpi).into_iter().zip(triggered(&raised)) {
            prop_assert!(before != Triggered::Yes || after == Triggered::Yes);
            prop_assert!(before != Triggered::Undecidable || after != Triggered::No);
        }
    }

    #[test]
    fn the_order_of_recording_and_later_revisions_change_nothing_known(
        cpi in vec(0_i64..=60, 24),
        shuffled in Just((0..24_usize).collect::<Vec<_>>()).prop_shuffle(),
        revised in 0_usize..24,
        to in 0_i64..=60,
    ) {
        let service = shared();
        let first: Month = "2018-01".parse().unwrap();
        let last = first.plus(23).unwrap();
        let area = "150100".parse().unwrap();
        let series: Code = "cpi".parse().unwrap();
        let figure = |at: usize, value: i64, revision: u32| Figure {
            area,
            series: series.clone(),
            month: first.plus(at as i32).unwrap(),
            value: parse_decimal(&text(value)).unwrap(),
            released_on: None,
            source: "oracle".into(),
            revision,
            recorded_at: chrono::DateTime::from_timestamp(i64::from(revision), 0).unwrap(),
        };
        let (mut ordered, mut mixed) = (Figures::default(), Figures::default());
        (0..24).for_each(|at| ordered.insert(figure(at, cpi[at], 1)));
        shuffled.iter().for_each(|at| mixed.insert(figure(*at, cpi[*at], 1)));
        let none = Standards::default();
        let outcomes = |figures: &Figures, terms: &Terms| {
            Timeline::through(world(service, figures, &none), area, last, terms).unwrap()
        };
        let terms = Terms::default();
        prop_assert_eq!(outcomes(&ordered, &terms), outcomes(&mixed, &terms));
        let before = outcomes(&ordered, &terms);
        mixed.insert(figure(revised, to, 2));
        let mut known = terms;
        known.view.known_at = chrono::DateTime::from_timestamp(1, 0);
        prop_assert_eq!(outcomes(&mixed, &known), before);
    }
}

fn shared() -> &'static Service {
    static SERVICE: std::sync::OnceLock<Service> = std::sync::OnceLock::new();
    SERVICE.get_or_init(|| Service::in_memory(&[]).unwrap())
}

//! The tables of `docs/reality-checks.md` and `docs/reality-checks.zh.md`: what the engine decides for
//! the provinces beside what was published for the nation. `BLESS=1 cargo test --test reality` writes
//! them anew between their markers; the words around them are to be checked by hand then.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Write,
    fs,
    path::Path,
};

use chrono::{DateTime, Utc};
use price_linkage::{
    domain::{
        area::{AreaCode, Level},
        code::Code,
        decision::Triggered,
        figure::Figure,
        month::Month,
    },
    engine::{
        question::{Terms, World},
        timeline::Timeline,
    },
    rules::{cite::Kind, library::Law},
    service::Service,
    store::ledger::Ledger,
};
use rust_decimal::{Decimal, RoundingStrategy};

const FIRST: &str = "2018-12";
const LAST: &str = "2023-02";

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn figure(ledger: &Ledger, area: AreaCode, series: &str, at: Month) -> Option<Decimal> {
    let column = ledger.figures.column(area, &series.parse().unwrap())?;
    Some(column.revisions(at).last()?.value)
}

/// What stands in for the provinces' food index where none is recorded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum StandIn {
    Nothing,
    /// The province's own food, tobacco and liquor.
    Broader,
    /// The nation's food.
    Nation,
}

const STAND_INS: [StandIn; 3] = [StandIn::Nothing, StandIn::Broader, StandIn::Nation];

fn standing_in(shipped: &Ledger, provinces: &[AreaCode], by: StandIn) -> Ledger {
    let mut ledger = shipped.clone();
    let food: Code = "food".parse().unwrap();
    for area in provinces {
        for at in month(FIRST).through(month(LAST)) {
            let value = match by {
                StandIn::Nothing => None,
                StandIn::Broader => figure(shipped, *area, "food_tobacco_liquor", at),
                StandIn::Nation => figure(shipped, AreaCode::NATION, "food", at),
            };
            if let (Some(value), None) = (value, figure(shipped, *area, "food", at)) {
                ledger.figures.insert(Figure {
                    area: *area,
                    series: food.clone(),
                    month: at,
                    value,
                    released_on: None,
                    source: "stands in".into(),
                    revision: 1,
                    recorded_at: DateTime::<Utc>::UNIX_EPOCH,
                });
            }
        }
    }
    ledger
}

/// The national document over all others in a month.
fn national(world: World<'_>, at: Month) -> String {
    let heads = world.library.instruments().iter().map(|one| &one.head);
    let holds = heads.filter(|head| {
        head.jurisdiction == AreaCode::NATION
            && matches!(head.kind, Kind::National | Kind::Overlay)
            && head.months.contains(at)
    });
    holds.max_by_key(|head| head.kind == Kind::Overlay).unwrap().id.clone()
}

type Decided = BTreeMap<(AreaCode, Month), Triggered>;

/// Every province in every month, under the national document of the month.
fn decided(world: World<'_>, provinces: &[AreaCode]) -> Decided {
    let months: Vec<_> = month(FIRST).through(month(LAST)).collect();
    let documents: BTreeSet<_> = months.iter().map(|at| national(world, *at)).collect();
    let mut found = Decided::new();
    for document in documents {
        let terms = Terms { law: Law::Document(document.clone()), ..Terms::default() };
        for area in provinces {
            let timeline = Timeline::through(world, *area, month(LAST), &terms).unwrap();
            for at in months.iter().filter(|at| national(world, **at) == document) {
                found.insert((*area, *at), timeline.get(*at).unwrap().triggered);
            }
        }
    }
    found
}

/// The same under the law in force, local documents among it; a province pays where it or a place
/// below it with an index does.
fn in_force(world: World<'_>, ledger: &Ledger, provinces: &[AreaCode]) -> Decided {
    let mut found = Decided::new();
    for area in ledger.figures.areas() {
        let Some(province) = world.areas.at_level(area, &[Level::Province]) else { continue };
        assert!(provinces.contains(&province));
        let timeline = Timeline::through(world, area, month(LAST), &Terms::default()).unwrap();
        for at in month(FIRST).through(month(LAST)) {
            let now = timeline.get(at).unwrap().triggered;
            let known = found.entry((province, at)).or_insert(now);
            if now == Triggered::Yes || *known == Triggered::No {
                *known = now;
            }
        }
    }
    found
}

struct Reality {
    shipped: Ledger,
    provinces: Vec<(AreaCode, String)>,
    documents: BTreeMap<Month, String>,
    by_stand_in: BTreeMap<StandIn, Decided>,
    in_force: Decided,
    /// Recorded headcounts of the subsistence allowance: urban and rural, the newest before 2019.
    heads: (Decimal, Decimal),
}

fn reality() -> Reality {
    let service = Service::in_memory(&[]).unwrap();
    let shipped = Ledger::clone(&service.writer.snapshot());
    let world = service.reference.world(&shipped);
    let provinces = world.areas.all().filter(|area| area.level == Level::Province);
    let provinces = provinces.filter(|area| shipped.figures.has_area(area.code));
    let provinces: Vec<_> = provinces.map(|area| (area.code, area.name.to_string())).collect();
    let codes: Vec<_> = provinces.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes.len(), 31);
    let by_stand_in = STAND_INS.into_iter().map(|by| {
        let ledger = standing_in(&shipped, &codes, by);
        (by, decided(service.reference.world(&ledger), &codes))
    });
    let by_stand_in = by_stand_in.collect();
    let documents = month(FIRST).through(month(LAST)).map(|at| (at, national(world, at))).collect();
    let in_force = in_force(world, &shipped, &codes);
    let head = |standard: &str, since: &str| {
        let standard: Code = standard.parse().unwrap();
        let found = shipped.standards.revisions(AreaCode::NATION, &standard, month(since));
        Decimal::from(found.last().unwrap().headcount.unwrap())
    };
    let heads = (head("dibao_urban", "2017-12"), head("dibao_rural", "2016-12"));
    Reality { provinces, documents, by_stand_in, in_force, heads, shipped }
}

impl Reality {
    fn paying(&self, decided: &Decided, from: &str, until: &str) -> BTreeSet<(AreaCode, Month)> {
        let span = month(from)..=month(until);
        let yes = decided
            .iter()
            .filter(|((_, at), found)| span.contains(at) && **found == Triggered::Yes);
        yes.map(|(key, _)| *key).collect()
    }

    fn count(&self, decided: &Decided, at: Month, wanted: Triggered) -> usize {
        decided.iter().filter(|((_, on), found)| *on == at && **found == wanted).count()
    }

    /// Figures recorded of the provinces, by year and series.
    fn figures(&self) -> String {
        let mut table = String::new();
        for year in 2019..=2023 {
            write!(table, "| {year} ").unwrap();
            for series in ["cpi", "food", "food_tobacco_liquor"] {
                let months = (1..=12).filter_map(|one| Month::new(year, one));
                let of = |at: Month| {
                    let has = |area: &&(AreaCode, String)| {
                        figure(&self.shipped, area.0, series, at).is_some()
                    };
                    self.provinces.iter().filter(has).count()
                };
                write!(table, "| {} ", months.map(of).sum::<usize>()).unwrap();
            }
            table.push_str("|\n");
        }
        table
    }

    /// How many provinces pay in each month.
    fn months(&self, from: &str, until: &str) -> String {
        let mut table = String::new();
        for at in month(from).through(month(until)) {
            let nation = |series| figure(&self.shipped, AreaCode::NATION, series, at).unwrap();
            write!(
                table,
                "| {at} | {} | {:.1} | {:.1} ",
                self.documents[&at],
                nation("cpi"),
                nation("food")
            )
            .unwrap();
            let recorded = &self.by_stand_in[&StandIn::Nothing];
            for (decided, wanted) in [
                (recorded, Triggered::Yes),
                (recorded, Triggered::Undecidable),
                (&self.by_stand_in[&StandIn::Broader], Triggered::Yes),
                (&self.by_stand_in[&StandIn::Nation], Triggered::Yes),
                (&self.in_force, Triggered::Yes),
            ] {
                write!(table, "| {} ", self.count(decided, at, wanted)).unwrap();
            }
            table.push_str("|\n");
        }
        table
    }

    /// Provinces that pay at least once, beside the number published.
    fn counts(&self, words: &Words) -> String {
        let mut table = String::new();
        for ((from, until, published), text) in COUNTS.iter().zip(words.counts) {
            write!(table, "| {text} | {from} … {until} | {published} ").unwrap();
            let decided = STAND_INS.iter().map(|by| &self.by_stand_in[by]);
            for decided in decided.chain([&self.in_force]) {
                let paying = self.paying(decided, from, until);
                let areas: BTreeSet<_> = paying.into_iter().map(|(area, _)| area).collect();
                write!(table, "| {} ", areas.len()).unwrap();
            }
            table.push_str("|\n");
        }
        table
    }

    /// Who is counted and at which mean standard, at least and at most, from where that changes.
    fn inputs(&self) -> String {
        let mut table = String::new();
        let from = ["2018-12", "2020-03", "2020-07", "2021-12", "2022-06", "2022-08"];
        for at in from {
            let persons = range(self.persons(month(at)), 1_000_000, 1);
            let standard = range(self.standard(month(at)), 1, 2);
            writeln!(table, "| {at} | {persons} | {standard} |").unwrap();
        }
        table
    }

    /// In how many months food, and food with tobacco and liquor, of the nation reach 6.0.
    fn stand_in(&self, words: &Words) -> String {
        let reach = |series, at| {
            let found = figure(&self.shipped, AreaCode::NATION, series, at);
            found.map(|value| number("6.0") <= value)
        };
        let both = month("2016-01").through(month("2026-08"));
        let both =
            both.filter_map(|at| Some((reach("food", at)?, reach("food_tobacco_liquor", at)?)));
        let both: Vec<_> = both.collect();
        let count = |wanted| both.iter().filter(|one| **one == wanted).count();
        let counts = [both.len(), count((true, true)), count((true, false)), count((false, true))];
        words.stand_in_rows.iter().zip(counts).fold(String::new(), |mut table, (text, count)| {
            writeln!(table, "| {text} | {count} |").unwrap();
            table
        })
    }

    /// Paid months of Beijing in the payments of 2022.
    fn beijing(&self) -> String {
        let decided = STAND_INS.iter().map(|by| &self.by_stand_in[by]).chain([&self.in_force]);
        let counts = decided.map(|decided| {
            let paying = self.paying(decided, "2021-12", "2022-11");
            let own = paying.iter().filter(|(area, _)| area.to_string() == "110000");
            own.count().to_string()
        });
        format!("| 2021-12 … 2022-11 | 5 | {} |\n", counts.collect::<Vec<_>>().join(" | "))
    }

    /// The first and the number of paid months of every province.
    fn provinces(&self) -> String {
        let mut table = String::new();
        let spans = [("2019-01", "2019-12"), ("2020-01", "2020-12"), ("2022-01", "2023-02")];
        for (code, name) in &self.provinces {
            write!(table, "| {code} {name} ").unwrap();
            for (from, until) in spans {
                for by in [StandIn::Nothing, StandIn::Broader] {
                    let paying = self.paying(&self.by_stand_in[&by], from, until);
                    let months = paying.iter().filter(|(area, _)| area == code);
                    let months: Vec<_> = months.map(|(_, at)| at).collect();
                    match months.first() {
                        Some(first) => write!(table, "| {first} ({}) ", months.len()).unwrap(),
                        None => table.push_str("| – "),
                    }
                }
            }
            table.push_str("|\n");
        }
        table
    }

    /// Who may be paid in a month, in the whole nation: at least and at most.
    fn persons(&self, at: Month) -> (Decimal, Decimal) {
        let million = |count: u32| Decimal::from(count) * Decimal::from(1_000_000);
        let within = |from, until| (month(from)..=month(until)).contains(&at);
        if month("2021-12") <= at {
            let covered = if within("2022-08", "2023-02") { 67 } else { 67 - 9 };
            return (million(covered), million(covered));
        }
        let more = if within("2020-03", "2020-06") { million(8) } else { Decimal::ZERO };
        (million(31), self.heads.0 + self.heads.1 + more)
    }

    /// The mean standard over town and country, by the recorded heads: at least and at most.
    fn standard(&self, at: Month) -> (Decimal, Decimal) {
        let (urban, rural) = self.heads;
        let of = |code: &str, since: &str| {
            let code: Code = code.parse().unwrap();
            let found = self.shipped.standards.revisions(AreaCode::NATION, &code, month(since));
            found.last().unwrap().yuan
        };
        let mean =
            |town: Decimal, country: Decimal| (town * urban + country * rural) / (urban + rural);
        let after = mean(of("dibao_urban", "2022-06"), of("dibao_rural", "2022-06"));
        let before = mean(of("dibao_urban", "2017-12"), of("dibao_rural", "2016-12"));
        if month("2022-06") <= at { (after, after) } else { (before, after) }
    }

    /// Person-times and yuan of the province-months paid: at least and at most.
    fn estimate(&self, paying: &BTreeSet<(AreaCode, Month)>) -> [(Decimal, Decimal); 2] {
        let mut sums = [(Decimal::ZERO, Decimal::ZERO); 2];
        for (area, at) in paying {
            let share = Decimal::from(self.provinces.len());
            let (few, many) = self.persons(*at);
            let (few, many) = (few / share, many / share);
            let cpi = figure(&self.shipped, *area, "cpi", *at).unwrap().max(Decimal::ZERO);
            let broader = figure(&self.shipped, *area, "food_tobacco_liquor", *at).unwrap_or(cpi);
            let doubled = (month("2020-03")..=month("2020-06")).contains(at);
            let times = Decimal::from(if doubled { 2 } else { 1 }) / Decimal::from(100);
            let (low, high) = self.standard(*at);
            sums[0] = (sums[0].0 + few, sums[0].1 + many);
            sums[1].0 += few * low * cpi * times;
            sums[1].1 += many * high * broader.max(cpi) * times;
        }
        sums
    }

    fn costs(&self, words: &Words) -> String {
        let mut table = String::new();
        let said = |text: &str| if text.is_empty() { "–".to_owned() } else { text.to_owned() };
        for (row, text) in COSTS.iter().zip(words.costs) {
            for (by, stand_in) in STAND_INS.iter().zip(words.stand_ins) {
                let paying = self.paying(&self.by_stand_in[by], row.from, row.until);
                let [times, yuan] = self.estimate(&paying);
                let millions = range(times, 1_000_000, 0);
                let average = match row.average {
                    Some((billion, million)) => {
                        let yuan = number(billion) * Decimal::from(1_000) / number(million);
                        range((times.0 * yuan, times.1 * yuan), 1_000_000_000, 1)
                    }
                    None => "–".to_owned(),
                };
                let product = range(yuan, 1_000_000_000, 1);
                let (persons, billion) = (said(row.million), said(row.billion));
                writeln!(
                    table,
                    "| {text} | {stand_in} | {} | {millions} | {persons} | {average} | {product} | {billion} |",
                    paying.len()
                )
                .unwrap();
            }
        }
        table
    }
}

fn range((low, high): (Decimal, Decimal), unit: i64, places: u32) -> String {
    let one = |value: Decimal| {
        let value = value / Decimal::from(unit);
        let value = value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
        format!("{value:.*}", places as usize)
    };
    let (low, high) = (one(low), one(high));
    if low == high { low } else { format!("{low}–{high}") }
}

/// Published numbers of provinces, with the index months they are read as.
const COUNTS: [(&str, &str, &str); 4] = [
    ("2019-03", "2019-07", "29"),
    ("2019-01", "2019-12", "31"),
    ("2021-12", "2022-08", "27"),
    ("2022-05", "2022-08", "29"),
];

/// Published totals: index months, million person-times, billion yuan, and the published average as
/// billion yuan over million person-times.
struct Cost {
    from: &'static str,
    until: &'static str,
    million: &'static str,
    billion: &'static str,
    average: Option<(&'static str, &'static str)>,
}

const fn cost(
    from: &'static str,
    until: &'static str,
    million: &'static str,
    billion: &'static str,
    average: Option<(&'static str, &'static str)>,
) -> Cost {
    Cost { from, until, million, billion, average }
}

const COSTS: [Cost; 6] = [
    cost("2019-03", "2019-07", "90", "2.4", Some(("2.4", "90"))),
    cost("2018-12", "2019-11", "", "7.89", Some(("2.4", "90"))),
    cost("2018-12", "2020-02", "", "16", Some(("2.4", "90"))),
    cost("2019-12", "2020-11", "520", "31.0", Some(("31.0", "520"))),
    cost("2020-12", "2021-11", "10", "0.0", None),
    cost("2021-12", "2022-11", "200", "6.5", Some(("6.5", "200"))),
];

/// What the tables say in a language.
struct Words {
    file: &'static str,
    figures: &'static str,
    months: &'static str,
    counts_head: &'static str,
    counts: [&'static str; 4],
    inputs: &'static str,
    stand_in: &'static str,
    stand_in_rows: [&'static str; 4],
    beijing: &'static str,
    provinces: &'static str,
    costs_head: &'static str,
    costs: [&'static str; 6],
    stand_ins: [&'static str; 3],
}

const ENGLISH: Words = Words {
    file: "reality-checks.md",
    figures: "| year | CPI | food | food, tobacco and liquor |\n|---|---:|---:|---:|\n",
    months: "| index month | national document | nation: CPI % | nation: food % | A: yes | A: undecidable | B: yes | C: yes | D: yes |\n\
             |---|---|---:|---:|---:|---:|---:|---:|---:|\n",
    counts_head: "| published | read as index months | published | A | B | C | D |\n|---|---|---:|---:|---:|---:|---:|\n",
    counts: [
        "April to 5 September 2019 (NDRC)",
        "2019 (MCA)",
        "2022 so far, in September (NDRC)",
        "June to September 2022 (press)",
    ],
    inputs: "| index months from | persons, million | mean standard, yuan a month |\n|---|---:|---:|\n",
    stand_in: "| months of the nation with both series, 2016-01 to 2026-08 | |\n|---|---:|\n",
    stand_in_rows: [
        "recorded",
        "both reach 6.0",
        "only food reaches 6.0",
        "only food, tobacco and liquor reaches 6.0",
    ],
    beijing: "| index months | published | A | B | C | D |\n|---|---:|---:|---:|---:|---:|\n",
    provinces: "| province | 2019, A | 2019, B | 2020, A | 2020, B | 2022-01…2023-02, A | 2022-01…2023-02, B |\n|---|---|---|---|---|---|---|\n",
    costs_head: "| period | reading | province-months paid | person-times, million | published | at the published average, bn yuan | standard × rise, bn yuan | published |\n\
                 |---|---|---:|---:|---:|---:|---:|---:|\n",
    costs: [
        "Apr–5 Sep 2019 (NDRC)",
        "2019 (MCA)",
        "Jan 2019–19 Mar 2020 (NDRC)",
        "2020 (NDRC)",
        "2021 (derived)",
        "2022 (NDRC)",
    ],
    stand_ins: ["A", "B", "C"],
};

const CHINESE: Words = Words {
    file: "reality-checks.zh.md",
    figures: "| 年份 | CPI | 食品 | 食品烟酒 |\n|---|---:|---:|---:|\n",
    months: "| 指数月份 | 全国文件 | 全国CPI % | 全国食品 % | 甲:启动 | 甲:无法判定 | 乙:启动 | 丙:启动 | 丁:启动 |\n\
             |---|---|---:|---:|---:|---:|---:|---:|---:|\n",
    counts_head: "| 公布口径 | 对应指数月份 | 公布数 | 甲 | 乙 | 丙 | 丁 |\n|---|---|---:|---:|---:|---:|---:|\n",
    counts: [
        "2019年4月至9月5日(发展改革委)",
        "2019年(民政部)",
        "2022年截至9月(发展改革委)",
        "2022年6月至9月(新闻报道)",
    ],
    inputs: "| 指数月份起 | 人数(百万) | 平均标准(元/月) |\n|---|---:|---:|\n",
    stand_in: "| 全国两项指数俱全的月份,2016年1月至2026年8月 | |\n|---|---:|\n",
    stand_in_rows: ["有记录", "两项均达到6.0", "仅食品达到6.0", "仅食品烟酒达到6.0"],
    beijing: "| 指数月份 | 公布数 | 甲 | 乙 | 丙 | 丁 |\n|---|---:|---:|---:|---:|---:|\n",
    provinces: "| 省份 | 2019年,甲 | 2019年,乙 | 2020年,甲 | 2020年,乙 | 2022-01…2023-02,甲 | 2022-01…2023-02,乙 |\n|---|---|---|---|---|---|---|\n",
    costs_head: "| 时期 | 口径 | 启动省月数 | 百万人次 | 公布数 | 按公布人均,十亿元 | 标准×涨幅,十亿元 | 公布数 |\n\
                 |---|---|---:|---:|---:|---:|---:|---:|\n",
    costs: [
        "2019年4月—9月5日(发展改革委)",
        "2019年(民政部)",
        "2019年1月—2020年3月19日(发展改革委)",
        "2020年(发展改革委)",
        "2021年(推算)",
        "2022年(发展改革委)",
    ],
    stand_ins: ["甲", "乙", "丙"],
};

/// The document with the tables between their markers, as they are now.
fn rewritten(text: &str, tables: &[(&str, String)]) -> String {
    let mut text = text.to_owned();
    for (name, table) in tables {
        let (open, close) = (format!("<!-- table {name} -->\n"), "<!-- end -->");
        let start = text.find(&open).unwrap_or_else(|| panic!("no {open}")) + open.len();
        let end = start + text[start..].find(close).unwrap_or_else(|| panic!("{name}: no {close}"));
        text.replace_range(start..end, table);
    }
    text
}

#[test]
fn the_documents_say_what_the_engine_decides() {
    let reality = reality();
    for words in [&ENGLISH, &CHINESE] {
        let tables = [
            ("figures", format!("{}{}", words.figures, reality.figures())),
            ("months-2019", format!("{}{}", words.months, reality.months("2018-12", "2020-12"))),
            ("months-2022", format!("{}{}", words.months, reality.months("2021-12", "2023-02"))),
            ("counts", format!("{}{}", words.counts_head, reality.counts(words))),
            ("inputs", format!("{}{}", words.inputs, reality.inputs())),
            ("stand-in", format!("{}{}", words.stand_in, reality.stand_in(words))),
            ("beijing", format!("{}{}", words.beijing, reality.beijing())),
            ("provinces", format!("{}{}", words.provinces, reality.provinces())),
            ("costs", format!("{}{}", words.costs_head, reality.costs(words))),
        ];
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(words.file);
        let committed = fs::read_to_string(&path).unwrap();
        let now = rewritten(&committed, &tables);
        if env::var_os("BLESS").is_some() {
            fs::write(&path, &now).unwrap();
            continue;
        }
        for (committed, now) in committed.lines().zip(now.lines()) {
            assert_eq!(committed, now, "{}", words.file);
        }
        assert_eq!(committed, now, "{}", words.file);
    }
}

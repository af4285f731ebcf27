//! A made-up province with the code 99, its law for one month, and what the law yields.

use std::{fmt::Write as _, fs, path::Path};

/// As many as the nation has, roughly.
pub const COUNTIES_MAX: u64 = 2_800;
/// Two prefectures, of which one is a city.
pub const COUNTIES_MIN: u64 = COUNTIES_IN_PREFECTURE + 1;
const COUNTIES_IN_PREFECTURE: u64 = 29;
/// The months with indices, since the law began; the last is the index month.
const MONTHS: [&str; 4] = ["2021-01", "2021-02", "2021-03", "2021-04"];
const RESIDENCES: [&str; 2] = ["urban", "rural"];

/// Sums in fen by group: urban and rural in the cities, urban and rural elsewhere. Several are equal,
/// so that ties occur.
const SUMS_FEN: [(&str, [u64; 4]); 3] = [
    ("special_care", [6_000, 4_550, 5_250, 3_980]),
    ("subsistence_allowance", [5_250, 3_980, 4_550, 3_050]),
    ("special_hardship", [6_000, 6_000, 5_250, 5_250]),
];
/// Of every other group.
const OTHER_SUMS_FEN: [u64; 4] = [4_550, 3_050, 3_980, 2_615];

/// Covered nowhere, and covered in cities only.
const COVERED_NOWHERE: &str = "institution_resident";
const COVERED_IN_CITIES: &str = "hardship_worker";

/// What one group and residence of a county is owed.
pub struct Cell {
    pub area: String,
    pub group: String,
    pub residence: &'static str,
    pub fen: u64,
}

pub struct Law {
    groups: Vec<String>,
    cells: Vec<Vec<Cell>>,
}

impl Law {
    /// Over the shipped groups, in so many counties.
    pub fn new(counties: u64) -> Law {
        let table: toml::Table = include_str!("../../data/groups.toml").parse().unwrap();
        let code = |group: &toml::Value| group["code"].as_str().unwrap().to_owned();
        let mut groups: Vec<_> = table["groups"].as_array().unwrap().iter().map(code).collect();
        // In which order they count at the same sum.
        groups.sort();
        let cells = (0..counties).map(|county| cells(county, &groups)).collect();
        Law { groups, cells }
    }

    pub fn counties(&self) -> u64 {
        self.cells.len() as u64
    }

    /// The cells of a county by group, urban before rural.
    pub fn of(&self, county: u64) -> &[Cell] {
        &self.cells[county as usize]
    }

    /// A group that the county does not cover.
    pub fn uncovered(&self, county: u64) -> String {
        if is_city(county) { COVERED_NOWHERE } else { COVERED_IN_CITIES }.to_owned()
    }

    /// The folder for `--data`, and `rates.csv` with the same law as a table for the peers. `tie` is the
    /// place of a cell among equal sums.
    pub fn write(&self, folder: &Path) {
        let data = folder.join("data");
        for part in ["indices", "instruments"] {
            fs::create_dir_all(data.join(part)).unwrap();
        }
        fs::write(data.join("areas.csv"), areas(self.counties())).unwrap();
        fs::write(data.join("indices/bench.csv"), indices(self.counties())).unwrap();
        fs::write(data.join("instruments/bench.toml"), self.document()).unwrap();
        let mut rates = String::from("area_code,group,residence,yuan,tie\n");
        for (tie, cell) in self.cells.iter().flatten().enumerate() {
            let Cell { area, group, residence, fen } = cell;
            writeln!(rates, "{area},{group},{residence},{},{tie}", yuan(*fen)).unwrap();
        }
        fs::write(folder.join("rates.csv"), rates).unwrap();
    }

    fn document(&self) -> String {
        let quoted = |codes: &[String]| {
            codes.iter().map(|code| format!("{code:?}")).collect::<Vec<_>>().join(", ")
        };
        let everywhere =
            |group: &&String| ![COVERED_NOWHERE, COVERED_IN_CITIES].contains(&group.as_str());
        let everywhere: Vec<_> = self.groups.iter().filter(everywhere).cloned().collect();
        let cities: Vec<_> =
            (2..=prefectures(self.counties())).step_by(2).map(prefecture).collect();
        let cities = quoted(&cities);
        let in_cities = format!("areas = [{cities}], ");
        let mut sums = String::new();
        let others = (String::new(), OTHER_SUMS_FEN);
        let named = SUMS_FEN.map(|(group, sums)| (format!("groups = [{group:?}], "), sums));
        for (group, fen) in named.into_iter().chain([others]) {
            for (at, fen) in fen.into_iter().enumerate() {
                let place = if at < 2 { in_cities.as_str() } else { "" };
                let residence = RESIDENCES[at % 2];
                let case = format!("{group}{place}residence = {residence:?}");
                writeln!(sums, "  {{ {case}, value = \"{}\" }},", yuan(fen)).unwrap();
            }
        }
        format!(
            r#"id = "bench"
kind = "regional"
title_zh = "示例"
title_en = "Example"
jurisdiction = "990000"
index_months = {{ from = "2021-01" }}
confidence = "A"

[trigger]
level = ["prefecture"]
when = "cpi"
counts_from = "rule"

[trigger.conditions.cpi]
series = "cpi"
comparator = ">="
threshold = "3.0"

[[groups]]
add = [{}]

[[groups]]
add = ["{COVERED_IN_CITIES}"]
areas = [{cities}]

[amount]
order = ["sum", "round"]

[amount.steps.sum]
kind = "flat"
yuan = [
{sums}]

[amount.steps.round]
kind = "round"
to = "fen"
mode = "half_up"

[payment]
several_groups = "highest"
"#,
            quoted(&everywhere),
        )
    }
}

fn cells(county: u64, groups: &[String]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for group in groups {
        let covered = match group.as_str() {
            COVERED_NOWHERE => false,
            COVERED_IN_CITIES => is_city(county),
            _ => true,
        };
        let own = SUMS_FEN.iter().find(|(name, _)| name == group);
        let sums = own.map_or(OTHER_SUMS_FEN, |(_, sums)| *sums);
        let sums = if is_city(county) { &sums[..2] } else { &sums[2..] };
        for (residence, fen) in RESIDENCES.into_iter().zip(sums).filter(|_| covered) {
            cells.push(Cell {
                area: county_code(county),
                group: group.clone(),
                residence,
                fen: *fen,
            });
        }
    }
    cells
}

/// The prefecture, counted from 1, and the county's place in it.
fn place(county: u64) -> (u64, u64) {
    (county / COUNTIES_IN_PREFECTURE + 1, county % COUNTIES_IN_PREFECTURE + 1)
}

fn prefectures(counties: u64) -> u64 {
    counties.div_ceil(COUNTIES_IN_PREFECTURE)
}

pub fn county_code(county: u64) -> String {
    let (prefecture, order) = place(county);
    format!("99{prefecture:02}{order:02}")
}

fn prefecture(prefecture: u64) -> String {
    format!("99{prefecture:02}00")
}

/// The counties of every second prefecture.
fn is_city(county: u64) -> bool {
    place(county).0.is_multiple_of(2)
}

fn areas(counties: u64) -> String {
    let mut text = String::from("code,name,level,parent\n990000,示例省,province,000000\n");
    for at in 1..=prefectures(counties) {
        writeln!(text, "{},示例{at}市,prefecture,990000", prefecture(at)).unwrap();
    }
    for county in 0..counties {
        let code = county_code(county);
        let parent = prefecture(place(county).0);
        writeln!(text, "{code},示例{county}县,county,{parent}").unwrap();
    }
    text
}

fn indices(counties: u64) -> String {
    let mut text = String::from("month,area_code,series,yoy_pct\n");
    for at in 1..=prefectures(counties) {
        for month in MONTHS {
            writeln!(text, "{month},{},cpi,3.0", prefecture(at)).unwrap();
        }
    }
    text
}

fn yuan(fen: u64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

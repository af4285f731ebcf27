//! The made-up roster: every row follows from the seed and its number alone, so that ten million rows
//! need no more memory than ten.

use crate::law::{COUNTIES_MAX, Cell, Law, county_code};

/// GB 11643: the weight of each of the first 17 digits, and the check character of each remainder.
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECKS: &[u8; 11] = b"10X98765432";

/// Births of 1930 to 2020, each month with 28 days, 1,000 a day and county.
const YEARS: u64 = 91;
const DAYS: u64 = YEARS * 12 * 28;
const PERSONS_MAX: u64 = COUNTIES_MAX * DAYS * 1_000;
/// Coprime to `PERSONS_MAX`, so that no two persons share a number.
const STRIDE: u64 = 52_955_000_017;

/// No real surnames.
const SURNAMES: [&str; 6] = ["样", "例", "示", "试", "拟", "仿"];
const GIVEN: [&str; 12] = ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "百", "千"];

/// One enrolment.
pub struct Row {
    pub person_id: String,
    pub name: String,
    pub area: String,
    pub group: String,
    pub residence: &'static str,
    pub account: String,
}

impl Row {
    pub fn fields(&self) -> [&str; 6] {
        let Row { person_id, name, area, group, residence, account } = self;
        [person_id, name, area, group, residence, account]
    }
}

/// So many rows of one seed, under the law that says which groups each county covers.
pub struct Roster<'a> {
    pub law: &'a Law,
    pub rows: u64,
    pub seed: u64,
}

impl Roster<'_> {
    /// Row `at`, from 0. Rows stand county by county, as lists are put together.
    pub fn row(&self, at: u64) -> Row {
        let person = self.person(at);
        let county = self.county(at);
        let cell = self.cell(at, county);
        let chance = self.drawn(at, 4) % 10_000;
        let (mut area, mut group) = (cell.area.clone(), cell.group.clone());
        match chance {
            0..10 => area = format!("{}99", &area[..4]),
            10..20 => group = self.law.uncovered(county),
            _ => {}
        }
        Row {
            person_id: self.written(at, person, chance),
            name: self.name(person),
            area,
            group,
            residence: cell.residence,
            account: format!("99{:017}", self.drawn(at, 5) % 100_000_000_000_000_000),
        }
    }

    /// The person of a row: 3 % of the rows enrol somebody of an earlier row once more, a fifth of these
    /// in another county.
    fn person(&self, mut at: u64) -> u64 {
        loop {
            let drawn = self.drawn(at, 0);
            if 30 <= drawn % 1_000 {
                return at;
            }
            let block = (self.county(at) * self.rows).div_ceil(self.law.counties());
            let earlier = if (drawn / 1_000).is_multiple_of(5) { 0..block } else { block..at };
            if earlier.is_empty() {
                return at;
            }
            at = earlier.start + self.drawn(at, 1) % (earlier.end - earlier.start);
        }
    }

    fn county(&self, at: u64) -> u64 {
        at * self.law.counties() / self.rows
    }

    fn cell(&self, at: u64, county: u64) -> &Cell {
        let cells = self.law.of(county);
        let residence = if self.drawn(at, 3) % 100 < 65 { "rural" } else { "urban" };
        let drawn = self.drawn(at, 2);
        // Of a hundred persons sixty are on subsistence allowance; twenty are spread over all groups.
        let group = match drawn % 100 {
            0..60 => Some("subsistence_allowance"),
            60..70 => Some("special_care"),
            70..80 => Some("special_hardship"),
            _ => None,
        };
        let fits = |cell: &&Cell| {
            cell.residence == residence && group.is_none_or(|group| cell.group == group)
        };
        let fitting = cells.iter().filter(fits).count() as u64;
        cells.iter().filter(fits).nth((drawn / 100 % fitting) as usize).unwrap()
    }

    /// The number as the row has it: of 10,000 rows 20 with a wrong check character, 10 cut short, 10
    /// with a letter for a digit, 50 of 15 digits; a quarter of the X in lower case.
    fn written(&self, at: u64, person: u64, chance: u64) -> String {
        let mut text = self.number(person);
        match chance {
            20..40 => {
                let right = text.pop().unwrap();
                text.push(if right == '7' { '3' } else { '7' });
            }
            40..50 => text.truncate(17),
            50..60 => text.replace_range(10..11, "O"),
            60..110 if &text[6..8] == "19" => text = format!("{}{}", &text[..6], &text[8..17]),
            _ if self.drawn(at, 6).is_multiple_of(4) => text.make_ascii_lowercase(),
            _ => {}
        }
        text
    }

    fn number(&self, person: u64) -> String {
        let place = (u128::from(person) * u128::from(STRIDE) + u128::from(self.seed))
            % u128::from(PERSONS_MAX);
        let place = place as u64;
        let (county, day, order) = (place / 1_000 / DAYS, place / 1_000 % DAYS, place % 1_000);
        let (year, month, day) = (1930 + day / 336, 1 + day / 28 % 12, 1 + day % 28);
        let area = county_code(county);
        let mut text = format!("{area}{year:04}{month:02}{day:02}{order:03}");
        let digits = text.bytes().map(|digit| u32::from(digit - b'0'));
        let sum: u32 = digits.zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
        text.push(char::from(CHECKS[sum as usize % 11]));
        text
    }

    fn name(&self, person: u64) -> String {
        let drawn = self.drawn(person, 7) as usize;
        let (first, second) = (drawn / 6 % 12, drawn / 72 % 24);
        let second = GIVEN.get(second).copied().unwrap_or_default();
        format!("{}{}{second}", SURNAMES[drawn % 6], GIVEN[first])
    }

    /// A number that follows from the seed, the row and what it is drawn for (SplitMix64).
    fn drawn(&self, at: u64, what: u64) -> u64 {
        let mut mixed = (self.seed ^ (at * 8 + what)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

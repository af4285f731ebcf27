//! Cells of area × group × residence: a few thousand of them carry the law for millions of rows.

use std::collections::HashMap;

use crate::domain::{
    area::{AreaCode, Areas},
    code::Code,
    group::{Names, Residence},
};

/// A cell's number.
pub type CellId = u32;

/// Whom a cell stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Where.
    pub area: AreaCode,
    /// Which group.
    pub group: Code,
    /// Urban or rural.
    pub residence: Residence,
}

/// The numbers of cells, in the order of area, group and residence.
pub struct Cells {
    areas: Vec<AreaCode>,
    /// For each six-digit code the place of the area, counted from 1; 0 when there is none.
    places: Vec<u16>,
    groups: Vec<Code>,
    group_names: HashMap<Vec<u8>, u32>,
}

/// Six digits.
const CODES: usize = 1_000_000;

impl Cells {
    /// Every cell of the areas and groups.
    pub fn new(areas: &Areas, groups: &Names) -> Self {
        let mut places = vec![0; CODES];
        let mut known = Vec::new();
        for area in areas.all().take(usize::from(u16::MAX)) {
            known.push(area.code);
            if let Some(place) = six_digits(area.code.to_string().as_bytes()) {
                places[place] = known.len() as u16;
            }
        }
        let mut group_names = HashMap::new();
        for (at, group) in groups.all().enumerate() {
            group_names.insert(group.code.as_str().as_bytes().to_vec(), at as u32);
            group_names.insert(group.zh.as_bytes().to_vec(), at as u32);
        }
        let groups = groups.all().map(|group| group.code.clone()).collect();
        Self { areas: known, places, groups, group_names }
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.areas.len() * self.groups.len() * Residence::ALL.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The place of an area.
    pub fn area(&self, text: &[u8]) -> Option<u32> {
        let place = self.places[six_digits(text)?];
        u32::from(place).checked_sub(1)
    }

    /// The place of a group.
    pub fn group(&self, text: &[u8]) -> Option<u32> {
        self.group_names.get(text).copied()
    }

    /// The place of a residence.
    pub fn residence(text: &[u8]) -> Option<u32> {
        let all = Residence::ALL.into_iter().zip(0..);
        let mut found =
            all.filter(|(one, _)| text == one.as_str().as_bytes() || text == one.zh().as_bytes());
        found.next().map(|(_, place)| place)
    }

    /// The number of a cell.
    pub fn id(&self, area: u32, group: u32, residence: u32) -> CellId {
        (area * self.groups.len() as u32 + group) * 2 + residence
    }

    /// The place of a cell's group.
    pub fn group_of(&self, id: CellId) -> u32 {
        id / 2 % self.groups.len() as u32
    }

    /// The cell with a number.
    pub fn get(&self, id: CellId) -> Option<Cell> {
        let residence = Residence::ALL[(id % 2) as usize];
        let (area, group) =
            (id as usize / 2 / self.groups.len(), id as usize / 2 % self.groups.len());
        Some(Cell { area: *self.areas.get(area)?, group: self.groups[group].clone(), residence })
    }

    /// The number of a cell by what it stands for.
    pub fn find(&self, cell: &Cell) -> Option<CellId> {
        let area = self.area(cell.area.to_string().as_bytes())?;
        let group = self.group(cell.group.as_str().as_bytes())?;
        Some(self.id(area, group, cell.residence as u32))
    }
}

fn six_digits(text: &[u8]) -> Option<usize> {
    if text.len() != 6 {
        return None;
    }
    text.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + usize::from(byte - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        area::{Area, Level},
        group::Named,
    };

    fn cells() -> Cells {
        let area = |code: &str, level, parent: Option<&str>| Area {
            code: code.parse().unwrap(),
            name: code.into(),
            level,
            parent: parent.map(|parent| parent.parse().unwrap()),
        };
        let areas = Areas::new(
            [
                area("000000", Level::Nation, None),
                area("990000", Level::Province, Some("000000")),
                area("990100", Level::Prefecture, Some("990000")),
            ],
            vec![],
        );
        let mut groups = Names::default();
        for (code, zh) in [("orphan", "孤儿"), ("subsistence_allowance", "低保对象")] {
            let (code, zh) = (code.parse().unwrap(), zh.into());
            groups.insert(Named { code, zh, en: String::new() });
        }
        Cells::new(&areas.unwrap(), &groups)
    }

    #[test]
    fn a_cell_is_found_by_its_number_and_its_words() {
        let cells = cells();
        assert_eq!(cells.len(), 12);
        for id in 0..12 {
            let cell = cells.get(id).unwrap();
            assert_eq!(cells.find(&cell), Some(id));
        }
        assert_eq!(cells.get(12), None);
        assert_eq!(cells.group("孤儿".as_bytes()), cells.group(b"orphan"));
        assert_eq!(Cells::residence("农村".as_bytes()), Cells::residence(b"rural"));
    }

    #[test]
    fn what_is_unknown_has_no_place() {
        let cells = cells();
        for text in ["", "99010", "9901000", "990101", "99010x", "-90100", "９９０１００"] {
            assert_eq!(cells.area(text.as_bytes()), None, "{text}");
        }
        assert_eq!(cells.group("orphans".as_bytes()), None);
        assert_eq!(Cells::residence("urban ".as_bytes()), None);
    }
}

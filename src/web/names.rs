//! Names of areas as visitors know them.

use std::collections::BTreeMap;

use crate::{charts::Lang, domain::area::AreaCode, intake::folder::shipped};

use super::visit::Visit;

/// English names by code.
pub(super) type English = BTreeMap<AreaCode, String>;

/// The English names that are shipped: those of the nation, its provinces, and what has an index.
pub(super) fn english() -> English {
    let read = |(_, content): (&str, &'static [u8])| {
        let rows =
            csv::Reader::from_reader(content).into_deserialize::<(AreaCode, String, String)>();
        rows.filter_map(Result::ok).map(|(code, _, name)| (code, name)).collect::<Vec<_>>()
    };
    shipped("names").flat_map(read).collect()
}

/// An area's name; in English where it has one.
pub(super) fn area_name(visit: &Visit, code: &str) -> String {
    let areas = &visit.reference().data.areas;
    let Some(area) = code.parse().ok().and_then(|code| areas.get(code)) else {
        return code.to_owned();
    };
    let english = match visit.lang {
        Lang::En => visit.site.names.get(&area.code),
        Lang::Zh => None,
    };
    english.unwrap_or(&area.name).clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Service;

    #[test]
    fn every_english_name_is_that_of_a_listed_area_and_every_measured_area_has_one() {
        let service = Service::in_memory(&[]).unwrap();
        let areas = &service.reference.data.areas;
        let content = include_str!("../../data/names/areas-en.csv");
        for line in content.lines().skip(1) {
            let [code, name, _] = line.split(',').collect::<Vec<_>>()[..] else { panic!("{line}") };
            assert_eq!(areas.get(code.parse().unwrap()).unwrap().name, name, "{line}");
        }
        let names = english();
        assert_eq!(names.len(), content.lines().count() - 1);
        for area in service.writer.snapshot().figures.areas() {
            assert!(names.contains_key(&area), "{area}");
        }
    }
}

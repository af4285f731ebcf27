//! Bands that overlap, are empty, or leave a hole between them.

use crate::{
    domain::{code::Code, exact::Exact},
    rules::{cite::Cite, finding::Severity, param::values, shape::Band},
};

use super::Lint;

impl Lint<'_> {
    pub(super) fn bands(&mut self) {
        let steps = self.instrument.terms.steps.iter();
        let lists: Vec<_> = steps
            .flat_map(|(name, step)| values(&step.bands).map(move |(b, c)| (name, b.clone(), c)))
            .collect();
        for (name, bands, cite) in lists {
            self.band_list(name, bands, cite);
        }
    }

    fn band_list(&mut self, name: &Code, mut bands: Vec<Band>, cite: &Cite) {
        let path = format!("amount.steps.{name}.bands");
        for band in bands.iter().filter(|band| band.is_empty()) {
            let range = band.range();
            let en =
                format!("{path}: no rise lies in {range}; expected a lower edge below the upper");
            let zh = format!("{path}:没有涨幅落在 {range};下限应低于上限");
            self.add(Severity::Error, "band_empty", Some(cite), en, zh);
        }
        bands.retain(|band| !band.is_empty());
        bands.sort_by_key(|band| band.lower.map(|edge| (Exact::from(edge.at), !edge.included)));
        for pair in bands.windows(2) {
            let (a, b) = (pair[0].range(), pair[1].range());
            match between(&pair[0], &pair[1]) {
                Between::Nothing => {}
                Between::Overlap => {
                    let en = format!("{path}: {a} and {b} overlap");
                    let zh = format!("{path}:{a} 与 {b} 重叠");
                    self.add(Severity::Error, "band_overlap", Some(cite), en, zh);
                }
                Between::Hole => {
                    let en = format!("{path}: a hole between {a} and {b}");
                    let zh = format!("{path}:{a} 与 {b} 之间有空档");
                    self.add(Severity::Error, "band_hole", Some(cite), en, zh);
                }
            }
        }
        if let Some(top) = bands.last().filter(|band| band.upper.is_some()) {
            let range = top.range();
            let en = format!(
                "{path}: nothing is said of a rise beyond {range}; expected a last band without an \
                 upper edge, or by_hand = true"
            );
            let zh = format!(
                "{path}:超出 {range} 的涨幅没有规定;最后一档应不设上限,或写 by_hand = true"
            );
            self.add(Severity::Warning, "band_end", Some(cite), en, zh);
        }
    }
}

enum Between {
    Nothing,
    Overlap,
    Hole,
}

/// What lies between two bands, the one with the lower start first.
fn between(below: &Band, above: &Band) -> Between {
    let (Some(upper), Some(lower)) = (below.upper, above.lower) else { return Between::Overlap };
    let (both, neither) = (upper.included && lower.included, !upper.included && !lower.included);
    if lower.at < upper.at || (lower.at == upper.at && both) {
        Between::Overlap
    } else if upper.at < lower.at || neither {
        Between::Hole
    } else {
        Between::Nothing
    }
}

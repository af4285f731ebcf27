//! Maps of areas, coloured by what was decided. Each area is a link with its answer as its name, and
//! what is not known is hatched, so that nothing is told by colour alone.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde::Deserialize;

use crate::{grpc::v1, intake::folder::shipped};

use super::{
    names::area_name,
    parts::area_page,
    visit::{Visit, address},
    words,
};

/// The outlines inside one area.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Outline {
    width: i64,
    height: i64,
    areas: Vec<Piece>,
    /// Lines that belong to no area.
    #[serde(default)]
    other: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Piece {
    code: String,
    path: String,
    label: (i64, i64),
}

/// Every outline shipped, by the area it shows.
pub(super) fn outlines() -> BTreeMap<String, Outline> {
    shipped("maps")
        .filter_map(|(path, content)| {
            let code = path.strip_prefix("maps/")?.strip_suffix(".json")?;
            Some((code.to_owned(), serde_json::from_slice(content).ok()?))
        })
        .collect()
}

/// A name without what every name of its kind ends with.
fn short(name: &str) -> &str {
    let endings = [
        " League",
        "维吾尔自治区",
        "壮族自治区",
        "回族自治区",
        "特别行政区",
        "自治区",
        "省",
        "市",
        "盟",
        "地区",
    ];
    endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

impl Outline {
    /// The map with the areas of these statuses.
    pub fn shown(&self, visit: &Visit, statuses: &[v1::Status], month: &str) -> Markup {
        let by_area: BTreeMap<_, _> = statuses.iter().map(|one| (one.area.as_str(), one)).collect();
        let view = format!("0 0 {} {}", self.width, self.height);
        html! {
            figure.map {
                svg viewBox=(view) role="group" aria-label=(visit.say("地图", "Map")) {
                    defs {
                        pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse"
                            patternTransform="rotate(45)" {
                            rect class="paper" width="8" height="8" {}
                            rect class="stripe" width="2.5" height="8" {}
                        }
                    }
                    @for line in &self.other { path class="line" d=(line) {} }
                    @for piece in &self.areas {
                        (piece.shape(visit, by_area.get(piece.code.as_str()).copied(), month))
                    }
                    @for piece in &self.areas {
                        (piece.name(visit, by_area.get(piece.code.as_str()).copied()))
                    }
                }
                (legend(visit))
            }
        }
    }
}

impl Piece {
    fn shape(&self, visit: &Visit, status: Option<&v1::Status>, month: &str) -> Markup {
        let Some(status) = status else {
            return html! { path class="piece none" d=(self.path) {} };
        };
        let (state, to, tone) = match status.indicative {
            true => (
                visit.say("由下级地区判定", "decided below"),
                address("/", [("within", self.code.as_str()), ("month", month)]),
                "below",
            ),
            false => (
                words::state(visit, status.state()),
                area_page(&self.code, month),
                words::tone(status.triggered()),
            ),
        };
        let name = format!("{} {state}", area_name(visit, &status.area));
        html! {
            a href=(to) aria-label=(name) {
                path class={ "piece " (tone) } d=(self.path) {
                    title { (name) }
                }
            }
        }
    }

    fn name(&self, visit: &Visit, status: Option<&v1::Status>) -> Markup {
        let Some(status) = status else { return html! {} };
        let (x, y) = self.label;
        let tone = if status.indicative { "below" } else { words::tone(status.triggered()) };
        html! {
            text class={ "name " (tone) } x=(x) y=(y) aria-hidden="true" {
                (short(&area_name(visit, &status.area)))
            }
        }
    }
}

fn legend(visit: &Visit) -> Markup {
    let entries = [
        ("tag yes", "发放", "paid"),
        ("tag no", "未启动(不发放)", "not paid"),
        ("tag unknown", "无法判定", "undecidable"),
        ("tag", "由下级地区判定", "decided below"),
    ];
    html! {
        figcaption {
            @for (tone, zh, en) in entries { span class=(tone) { (visit.say(zh, en)) } " " }
            span.source { (visit.say(
                "示意图,未经地图审核,不作划界依据;对外公开前请换用有审图号的底图(轮廓取自 Apache ECharts)",
                "A diagram, reviewed by no authority and no evidence of any boundary; outlines of Apache ECharts",
            )) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_on_the_map_are_the_short_ones() {
        assert_eq!(short("乌海市"), "乌海");
        assert_eq!(short("新疆维吾尔自治区"), "新疆");
        assert_eq!(short("锡林郭勒盟"), "锡林郭勒");
        assert_eq!(short("全国"), "全国");
    }
}

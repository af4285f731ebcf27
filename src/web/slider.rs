//! Sliders over parameters of the law, and the reform that they make.

use crate::{
    client::{rule, year_month},
    domain::month::Month,
    grpc::v1,
    rules::reform::Reform,
};

use super::{figure::series_name, refusal::Refusal, visit::Visit};

/// A parameter with a slider.
pub(super) struct Slider {
    pub path: String,
    pub name: String,
    /// What holds.
    pub now: String,
    /// Where the slider stands.
    pub value: String,
    pub most: u32,
    pub step: &'static str,
}

/// The floor's place in documents that have one.
const FLOOR: &str = "amount.steps.floor";

/// The thresholds in force at the end of the span, and the floor where the law has a place for one.
pub(super) async fn sliders(visit: &Visit, area: &str, at: Month) -> Result<Vec<Slider>, Refusal> {
    let request =
        v1::GetRulesRequest { area: area.to_owned(), month: Some(year_month(at)), asking: None };
    let rules = rule(&visit.ask()).get_rules(request).await?.into_inner();
    let mut found = Vec::new();
    for parameter in &rules.parameters {
        let now = holds(parameter);
        let condition = parameter
            .path
            .strip_prefix("trigger.conditions.")
            .and_then(|rest| rest.strip_suffix(".threshold"));
        let (name, most, step) = match condition {
            Some(condition) => {
                let name = series_name(visit, condition);
                (format!("{} {name}", visit.say("临界值(%)", "Threshold (%)")), 15, "0.1")
            }
            None if parameter.path == format!("{FLOOR}.yuan") => {
                (visit.say("最低发放额(元)", "Floor (yuan)").to_owned(), 100, "1")
            }
            None => continue,
        };
        let asked = visit.field(&parameter.path);
        let is_number = |text: &str| text.parse::<rust_decimal::Decimal>().is_ok();
        let value = match (asked, is_number(&now)) {
            ("", true) => now.clone(),
            ("", false) => "0".to_owned(),
            (asked, _) => asked.to_owned(),
        };
        found.push(Slider { path: parameter.path.clone(), name, now, value, most, step });
    }
    Ok(found)
}

/// The number that holds: the topmost one, through documents that leave it as it was; else what the
/// topmost document says.
fn holds(parameter: &v1::Parameter) -> String {
    let number = |says: &&v1::Provision| says.text.parse::<rust_decimal::Decimal>().is_ok();
    let through = parameter.says.iter().take_while(|says| number(says) || says.text == "inherited");
    let first = through.into_iter().find(number).or(parameter.says.first());
    first.map(|says| says.text.clone()).unwrap_or_default()
}

/// What the sliders change, as a document of a reform; none when nothing is moved.
pub(super) fn reform(sliders: &[Slider]) -> Result<Option<String>, Refusal> {
    let moved = sliders.iter().filter(|slider| slider.value != slider.now && !slider.is_unset());
    let (floors, thresholds): (Vec<_>, Vec<_>) =
        moved.partition(|slider| slider.path.starts_with(FLOOR));
    let wrong = |all: Vec<crate::rules::finding::Finding>| {
        let told: Vec<_> = all.iter().map(ToString::to_string).collect();
        Refusal::field("reform", &told.join("; "), "3.0")
    };
    let settings: Vec<_> =
        thresholds.iter().map(|one| (one.path.clone(), one.value.clone())).collect();
    let mut text = match settings.is_empty() && floors.is_empty() {
        true => return Ok(None),
        false => Reform::written(&settings).map_err(wrong)?,
    };
    for floor in floors {
        text.push_str(&format!("[{FLOOR}]\nkind = \"floor\"\nyuan = {:?}\n", floor.value));
    }
    Reform::parse("sliders", &text).map_err(wrong)?;
    Ok(Some(text))
}

impl Slider {
    /// A floor of zero where the law names none is no floor.
    fn is_unset(&self) -> bool {
        self.value == "0" && self.now.parse::<rust_decimal::Decimal>().is_err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slider(path: &str, now: &str, value: &str) -> Slider {
        Slider {
            path: path.into(),
            name: String::new(),
            now: now.into(),
            value: value.into(),
            most: 100,
            step: "1",
        }
    }

    #[test]
    fn only_what_was_moved_becomes_a_reform() {
        let floor = format!("{FLOOR}.yuan");
        let cpi = "trigger.conditions.cpi.threshold";
        assert_eq!(reform(&[slider(cpi, "3.0", "3.0"), slider(&floor, "open", "0")]), Ok(None));
        let text = reform(&[slider(cpi, "3.0", "2.9"), slider(&floor, "open", "20")]);
        let text = text.unwrap().unwrap();
        assert!(text.contains("trigger.conditions.cpi.threshold = \"2.9\""), "{text}");
        assert!(
            text.ends_with("[amount.steps.floor]\nkind = \"floor\"\nyuan = \"20\"\n"),
            "{text}"
        );
        assert!(reform(&[slider(cpi, "3.0", "three")]).is_err());
    }
}

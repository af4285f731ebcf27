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

/// The sliders of an area.
#[derive(Default)]
pub(super) struct Sliders {
    pub all: Vec<Slider>,
    area: String,
    /// The steps of an amount in their order.
    order: Vec<String>,
}

/// The floor's place in documents that have one.
const FLOOR: &str = "amount.steps.floor";

/// The thresholds of the law asked for at the end of the span, and the floor where it has a place for one.
pub(super) async fn sliders(
    visit: &Visit,
    area: &str,
    at: Month,
    law: &v1::Asking,
) -> Result<Sliders, Refusal> {
    let request = v1::GetRulesRequest {
        area: area.to_owned(),
        month: Some(year_month(at)),
        asking: Some(law.clone()),
    };
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
    let order = rules.parameters.iter().find(|parameter| parameter.path == "amount.order");
    let order = order.map(holds).unwrap_or_default();
    let order = match order.split(", ").map(str::to_owned).collect::<Vec<_>>() {
        order if order.iter().all(|step| step.is_empty() || step == "open") => {
            vec!["rate".to_owned(), "round".to_owned()]
        }
        order => order,
    };
    Ok(Sliders { all: found, area: area.to_owned(), order })
}

/// The number that holds: the topmost one, through documents that leave it as it was; else what the
/// topmost document says.
fn holds(parameter: &v1::Parameter) -> String {
    let number = |says: &&v1::Provision| says.text.parse::<rust_decimal::Decimal>().is_ok();
    let through = parameter.says.iter().take_while(|says| number(says) || says.text == "inherited");
    let first = through.into_iter().find(number).or(parameter.says.first());
    first.map(|says| says.text.clone()).unwrap_or_default()
}

impl Sliders {
    /// What they say, as a document of a reform: also where it is what holds at the end of the span, since
    /// other law may hold before. None when none says anything.
    pub fn reform(&self) -> Result<Option<String>, Refusal> {
        let said = self.all.iter().filter(|slider| !slider.is_unset());
        let (floors, thresholds): (Vec<_>, Vec<_>) =
            said.partition(|slider| slider.path.starts_with(FLOOR));
        let wrong = |all: Vec<crate::rules::finding::Finding>| {
            let told: Vec<_> = all.iter().map(ToString::to_string).collect();
            Refusal::field("reform", &told.join("; "), "3.0")
        };
        let settings: Vec<_> =
            thresholds.iter().map(|one| (one.path.clone(), one.value.clone())).collect();
        if settings.is_empty() && floors.is_empty() {
            return Ok(None);
        }
        let mut text = Reform::written(&settings).map_err(wrong)?;
        if let Some(floor) = floors.first() {
            // The steps of an amount are called otherwise elsewhere.
            text = format!("jurisdiction = {:?}\n{text}", self.area);
            text.push_str(&format!("[amount]\norder = {:?}\n", self.floored()));
            text.push_str(&format!("[{FLOOR}]\nkind = \"floor\"\nyuan = {:?}\n", floor.value));
        }
        Reform::parse("sliders", &text).map_err(wrong)?;
        Ok(Some(text))
    }

    /// The order with a floor in it, before the sum is rounded.
    fn floored(&self) -> Vec<String> {
        let mut order = self.order.clone();
        if !order.iter().any(|step| step == "floor") {
            let last = order.iter().rposition(|step| step == "round").unwrap_or(order.len());
            order.insert(last, "floor".to_owned());
        }
        order
    }
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

    fn reform(all: Vec<Slider>) -> Result<Option<String>, Refusal> {
        let order = vec!["rate".to_owned(), "round".to_owned()];
        Sliders { all, area: "990100".into(), order }.reform()
    }

    #[test]
    fn every_value_said_becomes_part_of_a_reform() {
        let floor = format!("{FLOOR}.yuan");
        let cpi = "trigger.conditions.cpi.threshold";
        assert_eq!(reform(vec![slider(&floor, "open", "0")]), Ok(None));
        let same = reform(vec![slider(cpi, "3.0", "3.0"), slider(&floor, "open", "0")]);
        let same = same.unwrap().unwrap();
        assert!(same.contains("trigger.conditions.cpi.threshold = \"3.0\""), "{same}");
        assert!(!same.contains("floor"), "{same}");
        let text = reform(vec![slider(cpi, "3.0", "2.9"), slider(&floor, "open", "20")]);
        let text = text.unwrap().unwrap();
        assert!(text.starts_with("jurisdiction = \"990100\"\nkind = \"reform\"\n"), "{text}");
        assert!(
            text.ends_with(
                "[amount]\norder = [\"rate\", \"floor\", \"round\"]\n\
                 [amount.steps.floor]\nkind = \"floor\"\nyuan = \"20\"\n"
            ),
            "{text}"
        );
        assert!(reform(vec![slider(cpi, "3.0", "three")]).is_err());
    }
}

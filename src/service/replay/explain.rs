//! Why two laws, or two knowledge dates, answer differently: where the derivations part.
//!
//! **Invariant:** both derivations are those that made the answers; they are only laid side by side,
//! in the order in which the engine takes its steps.

use std::collections::BTreeSet;

use crate::{
    domain::{area::AreaCode, code::Code, group::Residence, month::Month},
    engine::{
        amount::{Line, StepTaken},
        question::Threshold,
        reason::{Text, Vocabulary},
        timeline::TimelineError,
    },
    service::{
        Service,
        status::{Answer, answer},
        suppose::Scene,
    },
};

/// Something in which the derivations differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which step, such as `condition cpi: threshold`.
    pub step: String,
    /// What the first says; none where it does not take the step.
    pub first: Option<Text>,
    /// What the second says.
    pub second: Option<Text>,
}

/// Two answers with what parts them.
#[derive(Debug, Clone, PartialEq)]
pub struct Parting {
    /// The answers.
    pub answers: [Answer; 2],
    /// The differences in the order of the steps; the first is where they part.
    pub differences: Vec<Difference>,
}

impl Service {
    /// Lays two derivations for one area and month side by side; for one group when named, else as
    /// far as the decision.
    ///
    /// # Errors
    /// The area or document does not exist, or a figure is out of range.
    pub fn explain_difference(
        &self,
        scenes: &[Scene; 2],
        area: AreaCode,
        month: Month,
        group: Option<(&Code, Residence)>,
    ) -> Result<Parting, TimelineError> {
        let one = |scene: &Scene| {
            let world = scene.world(&self.reference);
            let newest = world.figures.newest_seen(&scene.terms.view).unwrap_or(month);
            let last = month.max(newest);
            let timeline =
                crate::engine::timeline::Timeline::through(world, area, last, &scene.terms)?;
            answer(world, &timeline, month, &scene.terms, group.is_some())
        };
        let answers = [one(&scenes[0])?, one(&scenes[1])?];
        let words = self.reference.words();
        let mut differences = Differences(Vec::new());
        differences.of_decision(&words, &answers);
        if let Some((group, residence)) = group {
            let line = |answer: &Answer| {
                let lines = answer.quote.iter().flat_map(|quote| &quote.lines);
                let mut lines =
                    lines.filter(|one| one.group == *group && one.residence == residence);
                lines.next().cloned()
            };
            differences.of_line(&words, answers.each_ref().map(line));
        }
        Ok(Parting { answers, differences: differences.0 })
    }
}

struct Differences(Vec<Difference>);

impl Differences {
    fn add(&mut self, step: impl Into<String>, [first, second]: [Option<Text>; 2]) {
        if first != second {
            self.0.push(Difference { step: step.into(), first, second });
        }
    }

    fn of_decision(&mut self, words: &Vocabulary<'_>, answers: &[Answer; 2]) {
        let outcomes = answers.each_ref().map(|answer| &answer.status.outcome);
        let same = |text: String| Text::new(text.clone(), text);
        self.add("deciding area", outcomes.map(|one| Some(same(words.area(one.deciding)))));
        let names: BTreeSet<&Code> =
            outcomes.iter().flat_map(|one| &one.conditions).map(|one| &one.name).collect();
        for name in names {
            let both = outcomes.map(|one| one.conditions.iter().find(|found| found.name == *name));
            if both.iter().any(Option::is_none) {
                let told = both.map(|one| one.map(|one| words.condition(one)));
                self.add(format!("condition {name}"), told);
                continue;
            }
            let value = both.map(|one| {
                let value = one?.readings.first()?.value?;
                Some(same(crate::engine::reason::sum_text(value)))
            });
            self.add(format!("condition {name}: observed"), value);
            let threshold = both.map(|one| {
                Some(same(match one?.threshold.as_ref()?.value {
                    Threshold::At(at) => at.normalize().to_string(),
                    Threshold::Between(low, high) => format!("{low} – {high}"),
                }))
            });
            self.add(format!("condition {name}: threshold"), threshold);
            let run = both.map(|one| Some(same(one?.run_months.to_string())));
            self.add(format!("condition {name}: months in a row"), run);
            let truth = both.map(|one| Some((one?.met, words.condition(one?))));
            if truth[0].as_ref().map(|one| one.0) != truth[1].as_ref().map(|one| one.0) {
                self.add(format!("condition {name}"), truth.map(|one| one.map(|(_, text)| text)));
            }
        }
        if (outcomes[0].triggered, outcomes[0].state) != (outcomes[1].triggered, outcomes[1].state)
        {
            self.add("decision", answers.each_ref().map(|one| Some(one.status.reason(words))));
        }
        let since = outcomes.map(|one| one.since.map(|since| same(since.to_string())));
        self.add("since", since);
    }

    fn of_line(&mut self, words: &Vocabulary<'_>, lines: [Option<Line>; 2]) {
        let covered = lines.each_ref().map(|line| match line {
            Some(_) => Some(Text::new("在保障范围内", "covered")),
            None => Some(Text::new("不在保障范围内", "not covered")),
        });
        self.add("group", covered);
        let [Some(first), Some(second)] = &lines else { return };
        for name in in_order(&first.steps, &second.steps) {
            let told = [first, second].map(|line| {
                let step = line.steps.iter().find(|step| step.name == *name);
                step.map(|step| words.step(step))
            });
            self.add(format!("step {name}"), told);
        }
        self.add("outcome", [first, second].map(|line| Some(words.line_outcome(line))));
    }
}

/// The names of the steps of both, each that only the second takes after the one before it there.
fn in_order<'a>(first: &'a [StepTaken], second: &'a [StepTaken]) -> Vec<&'a Code> {
    let mut names: Vec<&Code> = first.iter().map(|step| &step.name).collect();
    let mut after = 0;
    for step in second {
        match names.iter().position(|name| **name == step.name) {
            Some(at) => after = at + 1,
            None => {
                names.insert(after, &step.name);
                after += 1;
            }
        }
    }
    names
}

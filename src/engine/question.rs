//! What is asked, of what, and what was missing for an answer.

use std::sync::Arc;

use rust_decimal::Decimal;

use crate::{
    domain::{
        area::{AreaCode, Areas, Level, Resolved},
        calendar::Calendar,
        code::Code,
        figure::{Figures, View},
        group::Residence,
        month::Month,
        series::{SeriesList, Unit},
        standard::Standards,
    },
    rules::{
        cite::Cite,
        library::{Law, Library, RuleSet, UnknownDocument},
        param::{Context, Param, Pick, Picked},
        reform::Reform,
        shape::Place,
        value::Value,
    },
};

/// Everything an answer can rest on.
#[derive(Debug, Clone, Copy)]
pub struct World<'a> {
    /// The areas.
    pub areas: &'a Areas,
    /// The series and their units.
    pub series: &'a SeriesList,
    /// The law.
    pub library: &'a Library,
    /// The recorded figures.
    pub figures: &'a Figures,
    /// The recorded standards.
    pub standards: &'a Standards,
    /// The working calendar.
    pub calendar: &'a Calendar,
}

/// How a question is asked: under which law, and by which clocks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    /// What may be seen.
    pub view: View,
    /// Whether assumptions are refused.
    pub strict: bool,
    /// Under which law.
    pub law: Law,
    /// The reforms that change it; the library asked must be under them.
    pub reforms: Vec<Reform>,
}

/// Something an answer lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// No document in force is recorded.
    Law,
    /// A parameter is not set by any document in force.
    Parameter {
        /// Its path, such as `amount.steps.round.to`.
        path: String,
        /// The document that leaves it open, if one says so.
        left_open_by: Option<String>,
    },
    /// A figure is not recorded, or not yet visible.
    Figure {
        /// Where.
        area: AreaCode,
        /// Of which series.
        series: Code,
        /// Of which month.
        month: Month,
    },
    /// A figure is recorded, but its release date is not, so that it cannot be said whether it was
    /// published by the day asked for.
    ReleaseDate {
        /// Where.
        area: AreaCode,
        /// Of which series.
        series: Code,
        /// Of which month.
        month: Month,
    },
    /// The deciding area has no index of its own at all.
    Index {
        /// Which area.
        area: AreaCode,
    },
    /// What came before cannot be told, and this month depends on it.
    Before {
        /// The month that cannot be decided.
        month: Month,
    },
    /// A standard is not recorded for any of the places the rule names.
    Standard {
        /// The places.
        areas: Vec<AreaCode>,
        /// Its code.
        standard: Code,
        /// The month it should hold in.
        month: Month,
    },
    /// The area was divided, so that one answer does not exist.
    Divided {
        /// Its parts.
        parts: Vec<AreaCode>,
    },
}

/// The law as it applies to one area in one month.
#[derive(Debug, Clone)]
pub struct Applied<'a> {
    /// What the answer rests on.
    pub world: World<'a>,
    /// The area asked about, under the code it had in that month.
    pub area: AreaCode,
    /// The area that decides.
    pub deciding: AreaCode,
    /// Whether the area lies above every level that decides, so that its own index only indicates.
    pub indicative: bool,
    /// The index month.
    pub month: Month,
    /// The month in which it is paid.
    pub pay_month: Month,
    /// The rules.
    pub rules: Arc<RuleSet>,
    /// What may be seen.
    pub view: View,
}

/// Why a question has no answer at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// The area is not known.
    #[error("area {area}: not in the list of areas; see `areas`")]
    UnknownArea {
        /// The code.
        area: AreaCode,
    },
    /// The law is not known.
    #[error(transparent)]
    UnknownDocument(#[from] UnknownDocument),
}

impl<'a> Applied<'a> {
    /// The law for an area and month; the parts instead, when the area was divided by then.
    ///
    /// # Errors
    /// The area or the named document does not exist.
    pub fn new(
        world: World<'a>,
        asked: AreaCode,
        month: Month,
        terms: &Terms,
    ) -> Result<Result<Self, Missing>, QuestionError> {
        if world.areas.get(asked).is_none() {
            return Err(QuestionError::UnknownArea { area: asked });
        }
        let area = match world.areas.resolve(asked, month) {
            Resolved::Same(area) | Resolved::Other(area) => area,
            Resolved::Divided(parts) => return Ok(Err(Missing::Divided { parts })),
        };
        let rules = world.library.rules(world.areas, area, month, &terms.law, terms.strict)?;
        let mut applied = Self {
            world,
            area,
            deciding: area,
            indicative: false,
            month,
            pay_month: month.plus(1).unwrap_or(month),
            rules,
            view: terms.view,
        };
        let rules = applied.rules.clone();
        if let Pick::Set(offset) = rules.terms.payment.pay_month_offset.pick(&applied.context()) {
            applied.pay_month = month.plus(*offset.value as i32).unwrap_or(month);
        }
        let levels: Vec<Level> = match rules.terms.trigger.level.pick(&applied.context()) {
            Pick::Set(levels) => levels.value.clone(),
            _ => vec![Level::Province, Level::Prefecture],
        };
        match world.areas.at_level(area, &levels) {
            Some(deciding) => applied.deciding = deciding,
            None => applied.indicative = true,
        }
        Ok(Ok(applied))
    }

    /// The case at hand, for a parameter of the trigger.
    pub fn context(&self) -> Context<'_> {
        Context {
            areas: self.world.areas,
            classes: &self.rules.terms.classes,
            area: self.deciding,
            month: self.month,
            pay_month: self.pay_month,
            group: None,
            residence: None,
            carried_by: &[],
        }
    }

    /// The case at hand, for a parameter of payment to all groups.
    pub fn context_of_payment<'b>(&'b self, carried_by: &'b [Code]) -> Context<'b> {
        Context { area: self.area, carried_by, ..self.context() }
    }

    /// The case at hand, for a parameter of payment to a group.
    pub fn context_of<'b>(
        &'b self,
        group: &'b Code,
        residence: Residence,
        carried_by: &'b [Code],
    ) -> Context<'b> {
        let (group, residence) = (Some(group), Some(residence));
        Context { group, residence, ..self.context_of_payment(carried_by) }
    }

    /// The code of a place.
    pub fn place(&self, place: Place) -> Option<AreaCode> {
        let areas = self.world.areas;
        match place {
            Place::Paying => Some(self.area),
            Place::Deciding => Some(self.deciding),
            Place::Parent => areas.get(self.deciding)?.parent,
            Place::Province => areas.at_level(self.deciding, &[Level::Province]),
            Place::Nation => Some(AreaCode::NATION),
            Place::Area(code) => Some(code),
        }
    }

    /// The area whose index counts.
    pub fn index_area(&self, own: &Param<Place>) -> AreaCode {
        let context = self.context();
        let general = &self.rules.terms.trigger.index_area;
        let picked = [own, general].into_iter().find_map(|param| match param.pick(&context) {
            Pick::Set(place) => self.place(*place.value),
            _ => None,
        });
        picked.unwrap_or(self.deciding)
    }

    /// Whether a series is a rise in per cent; one that is in no list counts as such.
    pub fn is_rise(&self, series: &Code) -> bool {
        self.world.series.unit(series).is_none_or(Unit::is_rise)
    }

    /// What is missing when a figure is not there: the figure, its release date or any index.
    pub fn missing_figure(&self, area: AreaCode, series: &Code, month: Month) -> Missing {
        let figures = self.world.figures;
        let series = series.clone();
        if !figures.has_area(area) {
            return Missing::Index { area };
        }
        let column = figures.column(area, &series);
        if column.is_some_and(|column| column.hidden_for_lack_of_release_date(month, &self.view)) {
            return Missing::ReleaseDate { area, series, month };
        }
        Missing::Figure { area, series, month }
    }
}

/// A parameter that must have a value.
pub fn required<'p, T: Value>(
    param: &'p Param<T>,
    context: &Context<'_>,
    path: impl FnOnce() -> String,
) -> Result<Picked<'p, T>, Missing> {
    match param.pick(context) {
        Pick::Set(picked) => Ok(picked),
        Pick::Open { cite, .. } => {
            let left_open_by = Some(cite.head.id.clone());
            Err(Missing::Parameter { path: path(), left_open_by })
        }
        Pick::Unset => Err(Missing::Parameter { path: path(), left_open_by: None }),
    }
}

/// A parameter that may be left out, with what holds then.
pub fn optional<T: Value + Copy>(
    param: &Param<T>,
    context: &Context<'_>,
    path: impl FnOnce() -> String,
    default: T,
) -> Result<T, Missing> {
    match param.pick(context) {
        Pick::Set(picked) => Ok(*picked.value),
        Pick::Unset => Ok(default),
        Pick::Open { cite, .. } => {
            let left_open_by = Some(cite.head.id.clone());
            Err(Missing::Parameter { path: path(), left_open_by })
        }
    }
}

/// A threshold: a number, or the lawful range of one that is left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threshold {
    /// This.
    At(Decimal),
    /// Somewhere between these.
    Between(Decimal, Decimal),
}

/// Where a threshold stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Cited<T> {
    /// The value.
    pub value: T,
    /// Its origin.
    pub cite: Cite,
    /// The document that said explicitly that it holds on unverified.
    pub inherited: Option<Cite>,
}

impl<T> Cited<T> {
    /// Another value with the same origin.
    pub fn map<U>(self, to: impl FnOnce(T) -> U) -> Cited<U> {
        Cited { value: to(self.value), cite: self.cite, inherited: self.inherited }
    }
}

impl<T: Clone> From<Picked<'_, T>> for Cited<T> {
    fn from(picked: Picked<'_, T>) -> Self {
        Self {
            value: picked.value.clone(),
            cite: picked.cite.clone(),
            inherited: picked.inherited.cloned(),
        }
    }
}

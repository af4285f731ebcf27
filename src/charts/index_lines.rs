//! Index lines over months, with the thresholds they are held against and the months that paid.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::{
    domain::month::{Month, Span},
    engine::reason::Text,
};

use super::{
    Lang,
    canvas::{Anchor, Area, Letters, Stroke},
    legend::Entry,
    lettering::width,
    months::Months,
    page::{Page, RIGHT, tick_room},
    palette::{DASHES, FRAME, Fill, HATCH_BAND, HUES, PAID_BAND, SOFT},
    scale::Scale,
    words::{COLON, COMMA, PAID, PAUSE, RISE, THRESHOLD, UNDECIDABLE, months, plain, short, span},
};

const HEIGHT: i64 = 3_800;

/// Rises of one or more series over months.
#[derive(Debug, Clone)]
pub struct IndexLines {
    /// What it shows of whom.
    pub title: Text,
    /// First month shown.
    pub from: Month,
    /// Last month shown, included.
    pub until: Month,
    /// The lines; each has its own sign and colour, seven colours taking turns.
    pub series: Vec<IndexSeries>,
    /// Months for which the mechanism paid: a grey band.
    pub paid: BTreeSet<Month>,
    /// Months that cannot be decided: a hatched band.
    pub undecidable: BTreeSet<Month>,
    /// Remarks below the chart.
    pub notes: Vec<Text>,
}

/// One series and what it is held against.
#[derive(Debug, Clone)]
pub struct IndexSeries {
    /// Its name.
    pub name: Text,
    /// The rise of each month in per cent; the line breaks where there is none.
    pub rises: BTreeMap<Month, Decimal>,
    /// Its thresholds, each over its months.
    pub thresholds: Vec<ThresholdStep>,
}

/// A threshold over the months in which it is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThresholdStep {
    /// Its months.
    pub months: Span,
    /// The rise it asks for, in per cent.
    pub rise: Decimal,
}

impl IndexLines {
    /// The chart as SVG. O(months × series).
    pub fn svg(&self, lang: Lang) -> String {
        let mut page = Page::new(lang, &self.title);
        page.legend(&self.legend(lang));
        page.scale_name(RISE.of(lang));
        page.y += 60;
        let (top, bottom) = (page.y, page.y + HEIGHT);
        let scale = Scale::over(self.values(), 8, (bottom, top));
        let x = tick_room(&scale, short);
        let plot = Area { x, y: top, width: RIGHT - x, height: HEIGHT };
        let axis = Months::new(self.from, self.until, (plot.x, plot.right()));
        match axis.filter(|_| self.series.iter().any(|one| self.shown(one).next().is_some())) {
            Some(axis) => {
                self.draw_bands(&mut page, plot, &axis);
                axis.year_lines(&mut page.canvas, plot);
                page.draw_scale(&scale, plot, short);
                self.draw_thresholds(&mut page, &scale, &axis);
                self.draw_lines(&mut page, &scale, &axis);
                self.draw_labels(&mut page, &scale, &axis, plot);
                page.y = bottom + axis.draw(&mut page.canvas, bottom, lang) + 80;
            }
            None => {
                page.say_empty(plot);
                page.y = bottom + 100;
            }
        }
        page.notes(&self.notes, &[]);
        page.finish(&self.told(lang))
    }

    fn shown<'a>(&self, series: &'a IndexSeries) -> impl Iterator<Item = (Month, Decimal)> + 'a {
        let (from, until) = (self.from, self.until);
        let shown = series.rises.iter().map(|(month, rise)| (*month, *rise));
        shown.filter(move |(month, _)| from <= *month && *month <= until)
    }

    /// What the scale must hold: the rises and thresholds shown, and nought.
    fn values(&self) -> impl Iterator<Item = Decimal> + '_ {
        let whole = Span { from: self.from, until: Some(self.until) };
        let each = self.series.iter().flat_map(move |series| {
            let steps = series.thresholds.iter().filter(move |step| step.months.overlaps(whole));
            self.shown(series).map(|(_, rise)| rise).chain(steps.map(|step| step.rise))
        });
        each.chain([Decimal::ZERO])
    }

    fn legend(&self, lang: Lang) -> Vec<Entry<'_>> {
        let mut entries = Vec::new();
        for (place, series) in self.series.iter().enumerate() {
            let colour = HUES[place % HUES.len()];
            entries.push(Entry::new(lang.of(&series.name), move |canvas, area| {
                let (x, y) = area.middle();
                canvas.line((area.x, y), (area.right(), y), Stroke::new(colour, 18));
                canvas.sign((x, y), place, colour);
            }));
            if series.thresholds.is_empty() {
                continue;
            }
            let name = lang.of(&series.name);
            let name = format!("{name}{}{}", lang.pick("", " "), THRESHOLD.of(lang));
            let name = format!("{name} {}", self.numbers(series).join(COMMA.of(lang)));
            entries.push(Entry::new(name, move |canvas, area| {
                let y = area.middle().1;
                canvas.line((area.x, y), (area.right(), y), threshold_stroke(place));
            }));
        }
        for (months, word, fill) in [
            (&self.paid, PAID, Fill::plain(PAID_BAND)),
            (&self.undecidable, UNDECIDABLE, HATCH_BAND),
        ] {
            if !months.is_empty() {
                entries.push(Entry::new(word.of(lang), move |canvas, area| {
                    canvas.fill(area, fill);
                    canvas.outline(area, Stroke::new(FRAME, 8));
                }));
            }
        }
        entries
    }

    /// The numbers of the thresholds that are shown, the earliest first, each once.
    fn numbers(&self, series: &IndexSeries) -> Vec<String> {
        let whole = Span { from: self.from, until: Some(self.until) };
        let shown = series.thresholds.iter().filter(|step| step.months.overlaps(whole));
        let mut shown: Vec<_> = shown.collect();
        shown.sort_by_key(|step| step.months.from);
        let mut numbers = Vec::new();
        for number in shown.into_iter().map(|step| format!("{}%", plain(step.rise))) {
            if !numbers.contains(&number) {
                numbers.push(number);
            }
        }
        numbers
    }

    fn draw_bands(&self, page: &mut Page, plot: Area, axis: &Months) {
        let lang = page.lang;
        for (months, word, fill) in [
            (&self.paid, PAID, Fill::plain(PAID_BAND)),
            (&self.undecidable, UNDECIDABLE, HATCH_BAND),
        ] {
            for (from, last, ()) in axis.stretches(|month| months.contains(&month).then_some(())) {
                let x = axis.left_of(from);
                let area = Area { x, width: axis.right_of(last) - x, ..plot };
                let told = format!("{}{}{}", word.of(lang), COLON.of(lang), span(lang, from, last));
                page.canvas.fill_told(area, fill, &told);
            }
        }
    }

    fn draw_thresholds(&self, page: &mut Page, scale: &Scale, axis: &Months) {
        for (place, series) in self.series.iter().enumerate() {
            let mut points: Vec<(i64, i64)> = Vec::new();
            for (from, last, step) in steps(series, axis) {
                let (x, y) = (axis.left_of(from), scale.at(step.rise));
                if points.last().is_some_and(|point| point.0 != x) {
                    page.canvas.path(&std::mem::take(&mut points), threshold_stroke(place), "");
                }
                points.extend([(x, y), (axis.right_of(last), y)]);
            }
            if !points.is_empty() {
                page.canvas.path(&points, threshold_stroke(place), "");
            }
        }
    }

    fn draw_lines(&self, page: &mut Page, scale: &Scale, axis: &Months) {
        for (place, series) in self.series.iter().enumerate() {
            let colour = HUES[place % HUES.len()];
            let has = |month: Month| series.rises.contains_key(&month).then_some(());
            for (from, last, ()) in axis.stretches(has) {
                let stretch = series.rises.range(from..=last);
                let points: Vec<_> = stretch
                    .map(|(month, rise)| (axis.middle_of(*month), scale.at(*rise)))
                    .collect();
                if let [only] = points[..] {
                    page.canvas.sign(only, place, colour);
                    continue;
                }
                page.canvas.path(&points, Stroke::new(colour, 18), page.lang.of(&series.name));
                // Signs stand apart, so that several lines do not carry them in the same months.
                let all = axis.all().count() <= 36;
                for ((month, _), point) in series.rises.range(from..=last).zip(points) {
                    let turn = (month.ordinal() + 3 * place).is_multiple_of(12);
                    if all || turn || month == &from || month == &last {
                        page.canvas.sign(point, place, colour);
                    }
                }
            }
        }
    }

    /// Writes each threshold's number beside it, where it touches no other number and the fewest lines.
    fn draw_labels(&self, page: &mut Page, scale: &Scale, axis: &Months, plot: Area) {
        let lines = self.line_areas(scale, axis);
        let mut taken: Vec<Area> = Vec::new();
        for (place, series) in self.series.iter().enumerate() {
            let colour = HUES[place % HUES.len()];
            for (from, last, step) in steps(series, axis) {
                let text = format!("{}%", plain(step.rise));
                let stretch = (axis.left_of(from), axis.right_of(last));
                let places = beside(stretch, scale.at(step.rise), width(&text, 130), plot);
                let free = places.into_iter().filter(|area| {
                    let inside = plot.y - 100 <= area.y && area.bottom() <= plot.bottom();
                    inside && !taken.iter().any(|other| other.overlaps(*area))
                });
                let crossed =
                    |area: &Area| lines.iter().filter(|line| line.overlaps(*area)).count();
                if let Some(area) = free.min_by_key(crossed) {
                    let letters = Letters::new(130, Anchor::Start).coloured(colour).rimmed();
                    page.canvas.text((area.x, area.middle().1), &text, letters);
                    taken.push(area);
                }
            }
        }
        page.canvas.line((plot.x, plot.y), (plot.x, plot.bottom()), Stroke::new(SOFT, 8));
    }

    /// Where lines run: between each two months, and along each threshold.
    fn line_areas(&self, scale: &Scale, axis: &Months) -> Vec<Area> {
        let mut areas = Vec::new();
        for series in &self.series {
            for ((one, rise), (next, other)) in self.shown(series).zip(self.shown(series).skip(1)) {
                if next.months_since(one) == 1 {
                    let (x, right) = (axis.middle_of(one), axis.middle_of(next));
                    let (y, bottom) = (scale.at(rise.max(other)), scale.at(rise.min(other)));
                    areas.push(Area { x, y: y - 20, width: right - x, height: bottom - y + 40 });
                }
            }
            for (from, last, step) in steps(series, axis) {
                let (x, y) = (axis.left_of(from), scale.at(step.rise));
                areas.push(Area { x, y: y - 10, width: axis.right_of(last) - x, height: 20 });
            }
        }
        areas
    }

    /// The chart in sentences, with every threshold.
    fn told(&self, lang: Lang) -> String {
        let (comma, pause) = (COMMA.of(lang), PAUSE.of(lang));
        let mut told = vec![span(lang, self.from, self.until)];
        for series in &self.series {
            let name = lang.of(&series.name);
            let mut one =
                format!("{name}{}{}", COLON.of(lang), months(lang, self.shown(series).count()));
            for step in &series.thresholds {
                let (from, until) = (step.months.from, step.months.until.unwrap_or(self.until));
                let months = span(lang, from, until.max(from));
                one += &format!("{comma}{} {}% ({months})", THRESHOLD.of(lang), plain(step.rise));
            }
            told.push(one);
        }
        for (word, all) in [(PAID, &self.paid), (UNDECIDABLE, &self.undecidable)] {
            let count = all.range(self.from..).take_while(|month| **month <= self.until).count();
            told.push(format!("{}{}{}", word.of(lang), COLON.of(lang), months(lang, count)));
        }
        told.join(pause)
    }
}

/// Places for a number above and below a level line, from its right end on.
fn beside((left, right): (i64, i64), y: i64, long: i64, plot: Area) -> Vec<Area> {
    let (start, end) = (left + 60, right - 60 - long);
    let along = [4, 0, 3, 2, 1].map(|quarter| start + (end - start) * quarter / 4);
    let inside = along.map(|x| x.clamp(plot.x + 30, plot.right() - long - 30));
    let area = |x: i64, y: i64| Area { x, y, width: long, height: 150 };
    inside.into_iter().flat_map(|x| [area(x, y - 180), area(x, y + 30)]).collect()
}

/// The thresholds the axis shows, in the order of their months.
fn steps<'a>(series: &'a IndexSeries, axis: &Months) -> Vec<(Month, Month, &'a ThresholdStep)> {
    let shown = series.thresholds.iter().filter_map(|step| {
        let (from, last) = axis.clipped(step.months)?;
        Some((from, last, step))
    });
    let mut shown: Vec<_> = shown.collect();
    shown.sort_by_key(|(from, last, step)| (*from, *last, step.rise));
    shown
}

fn threshold_stroke(place: usize) -> Stroke {
    let dash = Some(DASHES[place % DASHES.len()]);
    Stroke { dash, ..Stroke::new(HUES[place % HUES.len()], 14) }
}

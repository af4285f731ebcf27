//! Parts that several pages share.

use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};

use crate::{charts::Lang, domain::month::Month, engine::reason::Text, grpc::v1};

use super::{
    names::area_name,
    visit::{Visit, address},
    words,
};

/// A choice of the month, newest first, by year.
pub(super) fn month_choice(visit: &Visit, months: &[Month], chosen: Month) -> Markup {
    html! {
        label {
            span { (visit.say("指数月份", "Index month")) }
            select name="month" {
                @if !months.contains(&chosen) { option value=(chosen) selected { (chosen) } }
                @for year in months.chunk_by(|one, other| one.year() == other.year()) {
                    optgroup label=(year[0].year()) {
                        @for month in year {
                            option value=(month) selected[*month == chosen] { (month) }
                        }
                    }
                }
            }
        }
    }
}

/// The decision as a word on a ground, with the state.
pub(super) fn state_tag(visit: &Visit, status: &v1::Status) -> Markup {
    html! {
        span class=(words::tone(status.triggered())) { (words::state(visit, status.state())) }
    }
}

/// Where a parameter stands, in one line, leading to the document.
pub(super) fn cited(visit: &Visit, cite: &v1::Citation) -> Markup {
    let number = if cite.number.is_empty() { String::new() } else { format!("({})", cite.number) };
    html! {
        span.cite {
            @if cite.assumed {
                span class="tag unknown" { (visit.say("假设", "assumed")) } " "
            }
            a href=(address(&format!("/rules/{}", cite.instrument), [])) {
                "《" (cite.title_zh) "》" (number)
            }
            " " (cite.clause) " "
            span.mark title=(words::confidence(visit, &cite.confidence)) {
                (visit.say("可信度 ", "confidence ")) (cite.confidence)
            }
            @if !cite.note.is_empty() { span.note lang="en" { " " (cite.note) } }
        }
    }
}

/// What an answer lacks, by who supplies it.
pub(super) fn missing(visit: &Visit, all: &[v1::Missing]) -> Markup {
    let mut suppliers: Vec<(Text, Vec<&v1::Missing>)> = Vec::new();
    for one in all {
        let supplier = words::supplier(one);
        match suppliers.iter_mut().find(|(known, _)| *known == supplier) {
            Some((_, ones)) => ones.push(one),
            None => suppliers.push((supplier, vec![one])),
        }
    }
    html! {
        @for (supplier, ones) in &suppliers {
            p.supplier {
                @match visit.lang {
                    Lang::Zh => { "请由" (supplier.zh) "提供:" },
                    Lang::En => { "To be supplied by the " (supplier.en) ":" },
                }
            }
            ul.missing { @for one in ones { li { (visit.text(&one.text)) } } }
        }
    }
}

/// How many days it is from today to a day, negative when it is past; none for what is no day.
pub(super) fn days_until(visit: &Visit, day: &str) -> Option<i64> {
    let day: chrono::NaiveDate = day.parse().ok()?;
    Some(day.signed_duration_since((visit.site.today)()).num_days())
}

/// A due date with the days left from today; red once it is past.
pub(super) fn days_left(visit: &Visit, pay_by: &str) -> Option<(String, &'static str)> {
    let days = days_until(visit, pay_by)?;
    let (text, tone) = match days {
        0 => (visit.say("今天到期", "due today").to_owned(), "soon"),
        1.. => (
            match visit.lang {
                Lang::Zh => format!("还有 {days} 天"),
                Lang::En => format!("{days} days left"),
            },
            "soon",
        ),
        _ => (
            match visit.lang {
                Lang::Zh => format!("已过 {} 天", -days),
                Lang::En => format!("{} days past", -days),
            },
            "past",
        ),
    };
    Some((text, tone))
}

/// An area's page for a month.
pub(super) fn area_page(area: &str, month: &str) -> String {
    address(&format!("/areas/{area}"), [("month", month)])
}

/// The revisions of a figure.
pub(super) fn figure_page(figure: &v1::UsedFigure) -> String {
    let month = crate::client::month_text(figure.month);
    format!("/figures/{}/{}/{month}", figure.area, figure.series)
}

/// The line of areas from the nation down to one, each leading to its map.
pub(super) fn crumbs(visit: &Visit, area: &str, month: &str) -> Markup {
    let areas = &visit.reference().data.areas;
    let line = area.parse().ok().map(|code| areas.line(code).collect::<Vec<_>>());
    html! {
        nav.crumbs aria-label=(visit.say("所在地区", "Area")) {
            @for above in line.unwrap_or_default().iter().rev() {
                @let code = above.code.to_string();
                @if visit.sees(&code) {
                    a href=(address("/", [("within", code.as_str()), ("month", month)])) {
                        (area_name(visit, &code))
                    }
                } @else { span { (area_name(visit, &code)) } }
            }
        }
    }
}

/// An instant where the law holds, to the minute.
pub(super) fn instant(at: Option<prost_types::Timestamp>) -> String {
    crate::client::instant(at).map_or_else(String::new, at_text)
}

/// The same of an instant that is known.
pub(super) fn at_text(at: DateTime<Utc>) -> String {
    (at + TimeDelta::hours(8)).format("%Y-%m-%d %H:%M").to_string()
}

/// Links to the month before and the month after, as far as there are such.
pub(super) fn steps(months: &[Month], month: Month, to: impl Fn(&str) -> String) -> Markup {
    let step = |by: i32| month.plus(by).filter(|month| months.contains(month));
    html! {
        span.steps {
            @if let Some(before) = step(-1).map(|month| month.to_string()) {
                a href=(to(&before)) rel="prev" { "← " (before) } " "
            }
            @if let Some(after) = step(1).map(|month| month.to_string()) {
                a href=(to(&after)) rel="next" { (after) " →" }
            }
        }
    }
}

//! Two panels over time: latencies, by kind and on a scale of tens, and memory.

use std::fmt::Write as _;

use crate::soak::{Kind, Window};

const WIDTH: f64 = 900.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 110.0;
const PANEL: f64 = 260.0;
const GAP: f64 = 70.0;
const TOP: f64 = 50.0;

/// Okabe and Ito's colours, which colour-blind readers can tell apart.
const COLOURS: [&str; 5] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"];

pub fn drawn(windows: &[Window]) -> String {
    let end = windows.last().map_or(1.0, |window| window.minutes);
    let x = |minutes: f64| LEFT + (WIDTH - LEFT - RIGHT) * minutes / end;
    let height = TOP + 2.0 * PANEL + GAP + 50.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let mut text = |x: f64, y: f64, anchor: &str, colour: &str, text: &str| {
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{text}</text>"
        );
    };
    text(LEFT, TOP - 18.0, "start", "#222", "99 of 100 answered within (ms), every 20 seconds");
    let memory = TOP + PANEL + GAP;
    text(LEFT, memory - 18.0, "start", "#222", "resident memory of the service (MiB)");
    let slow = |y: f64| TOP + PANEL * (1.0 - (y.max(0.1).log10() + 1.0) / 5.0);
    for tens in -1..=4 {
        let ms = 10_f64.powi(tens);
        text(LEFT - 8.0, slow(ms) + 4.0, "end", "#555", &format!("{ms}"));
    }
    let most = windows.iter().map(|window| window.resident_kib).max().unwrap_or(0);
    let top = (most as f64 / 1_024.0 / 50.0).ceil().max(1.0) * 50.0;
    let held = |mib: f64| memory + PANEL * (1.0 - mib / top);
    for part in 0..=4 {
        let mib = top * f64::from(part) / 4.0;
        text(LEFT - 8.0, held(mib) + 4.0, "end", "#555", &format!("{mib:.0}"));
    }
    for part in 0..=6 {
        let minutes = end * f64::from(part) / 6.0;
        text(x(minutes), memory + PANEL + 20.0, "middle", "#555", &format!("{minutes:.0}"));
    }
    text(x(end / 2.0), memory + PANEL + 40.0, "middle", "#222", "minutes");
    for ((at, kind), colour) in Kind::ALL.into_iter().enumerate().zip(COLOURS) {
        let last = windows.last().map_or(0.0, |window| millis(window, at));
        text(x(end) + 6.0, slow(last) + 4.0, "start", colour, kind.name());
    }
    for y in (-1..=4)
        .map(|tens| slow(10_f64.powi(tens)))
        .chain((0..=4).map(|part| held(top * f64::from(part) / 4.0)))
    {
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>",
            x(end)
        );
    }
    for (at, colour) in COLOURS.into_iter().enumerate() {
        line(&mut svg, colour, windows.iter().map(|one| (x(one.minutes), slow(millis(one, at)))));
    }
    let resident = |window: &Window| held(window.resident_kib as f64 / 1_024.0);
    line(&mut svg, "#222", windows.iter().map(|one| (x(one.minutes), resident(one))));
    svg + "</svg>\n"
}

fn millis(window: &Window, kind: usize) -> f64 {
    window.kinds[kind].3.as_secs_f64() * 1_000.0
}

fn line(svg: &mut String, colour: &str, points: impl Iterator<Item = (f64, f64)>) {
    let points: Vec<_> = points.map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ = writeln!(
        svg,
        "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.4\" points=\"{}\"/>",
        points.join(" ")
    );
}

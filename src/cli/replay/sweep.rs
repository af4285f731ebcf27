//! `sweep`

use anyhow::{Context, bail};
use clap::Args;
use rust_decimal::Decimal;
use tokio_stream::StreamExt;

use crate::grpc::v1::{self, sweep_response::Item};

use super::{
    super::{
        Asking, Format, Place,
        client::{self, Transport, told, with},
        output::{Rows, json},
    },
    Counted, Over,
    compare::{TOTALS_COLUMNS, fields},
};

/// Most values of one axis.
const VALUES_MAX: usize = 10_000;

/// What is swept.
#[derive(Debug, Args)]
pub(super) struct Swept {
    /// A parameter with its range, for example trigger.conditions.cpi.threshold=2.0..5.0/0.1, or
    /// with its values, for example =3.0,3.5; once or twice.
    #[arg(long = "axis", value_name = "PATH=RANGE", required = true)]
    axes: Vec<String>,
    #[command(flatten)]
    over: Over,
    /// Also what one person of each group would get.
    #[arg(long)]
    amounts: bool,
    #[command(flatten)]
    counted: Counted,
    #[command(flatten)]
    asking: Asking,
}

/// `sweep`
#[derive(Debug, Args)]
pub(in super::super) struct Sweep {
    #[command(flatten)]
    swept: Swept,
}

/// Reads an axis: values, or a range from, until and by.
fn axis(text: &str) -> anyhow::Result<v1::SweepAxis> {
    let expected = || format!("axis {text:?}: expected PATH=FROM..UNTIL/STEP or PATH=A,B,C");
    let (path, values) = text.split_once('=').with_context(expected)?;
    let path = path.to_owned();
    let Some((from, rest)) = values.split_once("..") else {
        let values = values.split(',').map(str::to_owned).collect();
        return Ok(v1::SweepAxis { path, values });
    };
    let (until, step) = rest.split_once('/').with_context(expected)?;
    let read = |text: &str| text.parse::<Decimal>().ok().with_context(expected);
    let (mut at, until, step) = (read(from)?, read(until)?, read(step)?);
    if step <= Decimal::ZERO || until < at {
        bail!("{}, with FROM not above UNTIL and a positive STEP", expected());
    }
    let mut values = Vec::new();
    let places = at.scale().max(step.scale());
    while at <= until {
        at.rescale(places);
        values.push(at.to_string());
        if VALUES_MAX < values.len() {
            bail!("axis {text:?}: expected at most {VALUES_MAX} values");
        }
        let Some(next) = at.checked_add(step) else { break };
        at = next;
    }
    Ok(v1::SweepAxis { path, values })
}

impl Swept {
    pub fn message(&self, place: &Place) -> anyhow::Result<v1::SweepRequest> {
        let headcounts = self.counted.message(place)?;
        Ok(v1::SweepRequest {
            asking: Some(self.asking.message()?),
            axes: self.axes.iter().map(|text| axis(text)).collect::<Result<_, _>>()?,
            extent: Some(self.over.message(place)?),
            with_amounts: self.amounts || !headcounts.is_empty(),
            headcounts,
        })
    }
}

pub(super) async fn collect(
    transport: &Transport,
    request: v1::SweepRequest,
) -> anyhow::Result<Vec<v1::SweepPoint>> {
    let all: usize = request.axes.iter().map(|axis| axis.values.len()).product();
    let stream = client::replay(transport).sweep(request).await;
    let mut stream = stream.map_err(told)?.into_inner();
    let mut points = Vec::new();
    while let Some(part) = stream.next().await {
        if let Some(Item::Point(point)) = part.map_err(told)?.item {
            points.push(point);
        }
    }
    anyhow::ensure!(points.len() == all, "the sweep ended before its last point");
    Ok(points)
}

impl Sweep {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let request = self.swept.message(place)?;
        let paths: Vec<_> = request.axes.iter().map(|axis| axis.path.clone()).collect();
        let points = with(place, |transport| async move { collect(&transport, request).await })?;
        if place.format == Format::Json {
            return points.iter().try_for_each(|point| json("SweepPoint", point));
        }
        let columns = paths.into_iter().chain(TOTALS_COLUMNS.map(str::to_owned));
        let mut rows = Rows::named(columns.collect());
        for point in points {
            let totals = point.totals.unwrap_or_default();
            rows.push(point.values.into_iter().chain(fields(&totals)).collect());
        }
        rows.print(place.format)
    }
}

#[cfg(test)]
mod tests {
    use super::axis;

    #[test]
    fn a_range_holds_both_ends_and_no_more() {
        let values = |text: &str| axis(text).map(|axis| axis.values).map_err(|e| e.to_string());
        assert_eq!(values("a=2.9..3.1/0.1").unwrap(), ["2.9", "3.0", "3.1"]);
        assert_eq!(values("a=1..2/0.4").unwrap(), ["1.0", "1.4", "1.8"]);
        assert_eq!(values("a=x,y").unwrap(), ["x", "y"]);
        for bad in ["a", "a=1..2", "a=1..2/0", "a=2..1/1", "a=1..z/1"] {
            assert!(values(bad).is_err(), "{bad}");
        }
    }
}

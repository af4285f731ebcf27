//! Tables, CSV, JSON and progress.

use std::{
    fs,
    io::{IsTerminal, Write},
    path::Path,
};

use anyhow::Context;
use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};

use crate::{
    grpc::{DESCRIPTORS, v1},
    service::Stage,
};

use super::{Format, Language, Place};

mod typed;

/// Rows with named columns, shown as asked for.
pub(super) struct Rows {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Rows {
    pub fn new(columns: &[&'static str]) -> Self {
        Self::named(columns.iter().map(|name| (*name).to_owned()).collect())
    }

    /// Rows whose columns depend on what is asked.
    pub fn named(columns: Vec<String>) -> Self {
        Self { columns, rows: Vec::new() }
    }

    pub fn push(&mut self, row: Vec<String>) {
        assert_eq!(row.len(), self.columns.len(), "a row has a field for each column");
        self.rows.push(row);
    }

    /// Writes the rows as a table, as CSV, or each as a JSON object.
    pub fn print(&self, format: Format) -> anyhow::Result<()> {
        let stdout = std::io::stdout().lock();
        if format == Format::Json {
            let mut stdout = stdout;
            for row in &self.rows {
                let fields = self.columns.iter().cloned();
                let object: serde_json::Map<_, _> =
                    fields.zip(row.iter().map(|text| text.clone().into())).collect();
                let line = serde_json::Value::Object(object);
                writeln!(stdout, "{line}").context("write to standard output")?;
            }
            return Ok(());
        }
        if format == Format::Table {
            let mut stdout = stdout;
            let mut table = Table::new();
            table.load_style(UTF8_FULL_CONDENSED);
            table.set_content_arrangement(ContentArrangement::Dynamic);
            if !std::io::stdout().is_terminal() {
                table.set_content_arrangement(ContentArrangement::Disabled);
            }
            table.set_header(self.columns.clone());
            table.add_rows(self.rows.clone());
            return writeln!(stdout, "{table}").context("write to standard output");
        }
        if let Format::Parquet | Format::Arrow = format {
            drop(stdout);
            return typed::write(&self.columns, &self.rows, format, std::io::stdout());
        }
        let mut writer = csv::Writer::from_writer(stdout);
        writer.write_record(&self.columns)?;
        for row in &self.rows {
            writer.write_record(row)?;
        }
        writer.flush().context("write to standard output")
    }
}

/// Rows that are written as they come where the format allows it, so that many need no memory.
pub(super) enum Stream {
    /// CSV, on its way.
    Csv(Box<csv::Writer<std::io::Stdout>>),
    /// Any other format, written at the end.
    Rows(Rows, Format),
}

impl Stream {
    /// Begins with the header.
    pub fn new(columns: &[&'static str], format: Format) -> anyhow::Result<Self> {
        if format != Format::Csv {
            return Ok(Self::Rows(Rows::new(columns), format));
        }
        let mut writer = csv::Writer::from_writer(std::io::stdout());
        writer.write_record(columns)?;
        Ok(Self::Csv(Box::new(writer)))
    }

    pub fn push(&mut self, row: Vec<String>) -> anyhow::Result<()> {
        match self {
            Self::Csv(writer) => Ok(writer.write_record(&row)?),
            Self::Rows(rows, _) => {
                rows.push(row);
                Ok(())
            }
        }
    }

    pub fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::Csv(mut writer) => writer.flush().context("write to standard output"),
            Self::Rows(rows, format) => rows.print(format),
        }
    }
}

/// Writes messages as JSON: one as an object, several as lines.
pub(super) fn json<M: Message>(name: &str, message: &M) -> anyhow::Result<()> {
    let pool = DescriptorPool::decode(DESCRIPTORS).context("read the descriptors")?;
    let descriptor = pool.get_message_by_name(&format!("pricelinkage.v1.{name}"));
    let descriptor = descriptor.with_context(|| format!("no message {name}"))?;
    let mut dynamic = DynamicMessage::new(descriptor);
    dynamic.transcode_from(message)?;
    let mut bytes = Vec::new();
    let options = SerializeOptions::new().skip_default_fields(true);
    dynamic.serialize_with_options(&mut serde_json::Serializer::new(&mut bytes), &options)?;
    bytes.push(b'\n');
    std::io::stdout().lock().write_all(&bytes).context("write to standard output")
}

/// The text in the language asked for.
pub(super) fn say(place: &Place, text: &Option<v1::Text>) -> String {
    let Some(text) = text else { return String::new() };
    match place.lang {
        Language::Zh => text.zh.clone(),
        Language::En => text.en.clone(),
    }
}

pub(super) use crate::client::number;

/// A progress bar on standard error, shown only on a terminal or as a line at each stage's end.
pub(super) struct Progress {
    bar: ProgressBar,
}

pub(super) fn progress() -> Progress {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{msg:24} {bar:32} {pos}/{len} {eta}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    Progress { bar }
}

impl Progress {
    /// Shows how much of a file is done; on a terminal only.
    pub fn share(&self, done: u64, all: u64) {
        if std::io::stderr().is_terminal() {
            self.bar.set_message("working through the roster");
            self.bar.set_length(all);
            self.bar.set_position(done);
        }
    }

    pub fn show(&self, stage: Stage, done: u64, all: u64) {
        let (message, unit) = match stage {
            Stage::Rebuild => ("rebuilding the state", "entries"),
            Stage::Seed => ("recording shipped data", "rows"),
        };
        if !std::io::stderr().is_terminal() {
            if done == all {
                eprintln!("{message}: {all} {unit}");
            }
            return;
        }
        self.bar.set_message(message);
        self.bar.set_length(all);
        self.bar.set_position(done);
    }

    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// Writes a file and tells its digest.
pub(super) fn keep(file: &v1::OfficeFile, path: &Path) -> anyhow::Result<()> {
    fs::write(path, &file.content).with_context(|| format!("write {}", path.display()))?;
    eprintln!("sha256 {}", file.sha256);
    Ok(())
}

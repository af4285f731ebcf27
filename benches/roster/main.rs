//! The roster path over a made-up roster: `cargo bench --bench roster`. `generate` writes the input that
//! `compare.py` gives to this program and to its peers.

mod law;
mod measure;
mod people;

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use clap::{Parser, Subcommand};
use parquet::{
    arrow::ArrowWriter,
    basic::Compression,
    file::properties::{EnabledStatistics, WriterProperties},
};

use law::{COUNTIES_MAX, COUNTIES_MIN, Law};
use measure::measure;
use people::{Roster, Row};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Given by `cargo bench`.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Write roster.csv and roster.parquet of the same rows, data/ and rates.csv into a folder
    Generate {
        rows: u64,
        folder: PathBuf,
        #[arg(long, default_value_t = COUNTIES_MAX, value_parser = clap::value_parser!(u64).range(COUNTIES_MIN..=COUNTIES_MAX))]
        counties: u64,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Generate each roster in a temporary folder and run it from CSV and from Parquet
    Measure {
        #[arg(default_value = "1000000")]
        rows: Vec<u64>,
        #[arg(long, default_value_t = COUNTIES_MAX, value_parser = clap::value_parser!(u64).range(COUNTIES_MIN..=COUNTIES_MAX))]
        counties: u64,
        /// The median of so many
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// Where the temporary folder is made
        #[arg(long)]
        folder: Option<PathBuf>,
    },
}

const COLUMNS: [&str; 6] = ["person_id", "name", "area_code", "group", "residence", "account"];
const BATCH_ROWS: u64 = 8_192;
const ROW_GROUP_ROWS: usize = 131_072;

/// Writes a roster and its law into a folder. In constant memory.
pub fn generate(rows: u64, counties: u64, seed: u64, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let law = Law::new(counties);
    law.write(folder);
    let roster = Roster { law: &law, rows, seed };
    let mut csv = BufWriter::new(File::create(folder.join("roster.csv")).unwrap());
    writeln!(csv, "{}", COLUMNS.join(",")).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let schema = batch(&[]).schema();
    let file = File::create(folder.join("roster.parquet")).unwrap();
    let mut parquet = ArrowWriter::try_new(file, schema, Some(properties)).unwrap();
    let mut from = 0;
    while from < rows {
        let until = rows.min(from + BATCH_ROWS);
        let read: Vec<Row> = (from..until).map(|at| roster.row(at)).collect();
        for row in &read {
            writeln!(csv, "{}", row.fields().join(",")).unwrap();
        }
        parquet.write(&batch(&read)).unwrap();
        from = until;
    }
    csv.flush().unwrap();
    parquet.close().unwrap();
}

fn batch(rows: &[Row]) -> RecordBatch {
    let column = |at: usize| {
        let values = StringArray::from_iter_values(rows.iter().map(|row| row.fields()[at]));
        (COLUMNS[at], Arc::new(values) as ArrayRef)
    };
    RecordBatch::try_from_iter((0..COLUMNS.len()).map(column)).unwrap()
}

fn main() {
    let unasked =
        Command::Measure { rows: vec![1_000_000], counties: COUNTIES_MAX, rounds: 3, folder: None };
    match Arguments::parse().command.unwrap_or(unasked) {
        Command::Generate { rows, folder, counties, seed } => {
            generate(rows, counties, seed, &folder);
        }
        Command::Measure { rows, counties, rounds, folder } => {
            for rows in rows {
                measure(rows, counties, rounds, folder.as_deref());
            }
        }
    }
}

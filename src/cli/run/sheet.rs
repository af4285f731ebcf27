//! `run sheet`: what offices sign and send.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::grpc::v1;

use super::super::{
    Place,
    client::{self, told, with},
    output::keep,
};

/// `run sheet`
#[derive(Debug, Args)]
pub(super) struct Sheet {
    /// The run, for example R25.
    run: String,
    /// Which sheet.
    #[arg(long, value_enum)]
    kind: Kind,
    /// The spreadsheet to write, XLSX.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// 联合测算表: the joint computation table.
    Computation,
    /// 资金申请表: the funding request by area and source, with the computation table behind it.
    Funding,
}

impl Sheet {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let kind = match self.kind {
            Kind::Computation => v1::SheetKind::Computation,
            Kind::Funding => v1::SheetKind::Funding,
        };
        let request = v1::GetRunSheetRequest { run: self.run.clone(), kind: kind.into() };
        let file = with(place, |transport| async move {
            let file = client::run(&transport).get_run_sheet(request).await;
            Ok(file.map_err(told)?.into_inner())
        })?;
        keep(&file, &self.out)
    }
}

//! `notice`: what an office sends out for a month.

use std::{io::Write, path::PathBuf};

use clap::Args;

use crate::{domain::month::Month, grpc::v1};

use super::{
    Asking, Format, Language, Place,
    client::{self, told, with, year_month},
    output::{json, keep, say},
};

/// `notice`
#[derive(Debug, Args)]
pub(super) struct Notice {
    /// The area, six digits.
    area: String,
    /// The index month, YYYY-MM.
    month: Month,
    /// The document to write, DOCX.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    asking: Asking,
}

impl Notice {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let request = v1::GetNoticeRequest {
            area: self.area.clone(),
            month: Some(year_month(self.month)),
            asking: Some(self.asking.message()?),
        };
        let mut notice = with(place, |transport| async move {
            let notice = client::trigger(&transport).get_notice(request).await;
            Ok(notice.map_err(told)?.into_inner())
        })?;
        let file = notice.file.get_or_insert_default();
        keep(file, &self.out)?;
        if place.format == Format::Json {
            // The bytes are in the file.
            file.content.clear();
            return json("Notice", &notice);
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", notice.title)?;
        let word = match place.lang {
            Language::Zh => "待填、待定:",
            Language::En => "open: ",
        };
        for open in notice.open {
            writeln!(out, "  {word}{}", say(place, &Some(open)))?;
        }
        Ok(())
    }
}

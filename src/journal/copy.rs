//! Verified copies of a journal: the backup, and a store from it.
//!
//! A copy is the journal's lines in one file, byte for byte.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
};

use super::{
    Head, JournalError,
    file::{FileJournal, SEGMENT_BYTES, shown, sync_folder, sync_parent, walk},
};

/// Writes a copy, checking every line on the way. O(bytes).
///
/// # Errors
/// A broken line, or a file that cannot be written; then there is no copy.
pub fn export(journal: &FileJournal, target: &Path) -> Result<Head, JournalError> {
    let partial = target.with_extension("partial");
    let file = File::create(&partial).map_err(JournalError::io(shown("create", &partial)))?;
    let mut writer = BufWriter::new(file);
    let mut head = Head::default();
    for (_, segment) in journal.segments()? {
        walk(&segment, &mut head, &mut |sealed| {
            let written = writer.write_all(&sealed.line);
            written.map_err(JournalError::io(shown("write", &partial)))
        })?;
    }
    let file = writer.into_inner().map_err(|error| JournalError::Io {
        what: shown("write", &partial),
        error: error.into_error(),
    })?;
    file.sync_all().map_err(JournalError::io(shown("sync", &partial)))?;
    fs::rename(&partial, target).map_err(JournalError::io(shown("rename", &partial)))?;
    sync_parent(target)?;
    Ok(head)
}

/// Makes the journal of a new store from a copy. Everything is checked before anything is made.
/// O(bytes).
///
/// # Errors
/// A broken line, an unfinished last line, or a store folder that is not empty.
pub fn restore(copy: &Path, store: &Path) -> Result<Head, JournalError> {
    let occupied = fs::read_dir(store).is_ok_and(|mut entries| entries.next().is_some());
    if occupied {
        return Err(JournalError::NotEmpty { folder: store.display().to_string() });
    }
    let mut head = Head::default();
    let end = walk(copy, &mut head, &mut |_| Ok(()))?;
    if end.torn_at.is_some() {
        let segment = copy.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let why = "the last line has no end: the copy is not complete".to_owned();
        return Err(JournalError::Corrupt { segment, line: end.lines + 1, why });
    }
    let partial = store.join("journal.partial");
    fs::create_dir_all(&partial).map_err(JournalError::io(shown("create", &partial)))?;
    let mut segment: Option<BufWriter<File>> = None;
    let mut length = 0;
    walk(copy, &mut Head::default(), &mut |sealed| {
        if segment.is_none() || SEGMENT_BYTES <= length {
            if let Some(done) = segment.take() {
                finish(done)?;
            }
            let path = partial.join(format!("{:012}.jsonl", sealed.entry.sequence));
            let file = File::create(&path).map_err(JournalError::io(shown("create", &path)))?;
            segment = Some(BufWriter::new(file));
            length = 0;
        }
        length += sealed.line.len() as u64;
        let Some(writer) = segment.as_mut() else { return Ok(()) };
        writer.write_all(&sealed.line).map_err(JournalError::io("write the restored journal"))
    })?;
    if let Some(done) = segment.take() {
        finish(done)?;
    }
    sync_folder(&partial)?;
    let place = store.join("journal");
    fs::rename(&partial, &place).map_err(JournalError::io(shown("rename", &partial)))?;
    sync_folder(store)?;
    Ok(head)
}

fn finish(writer: BufWriter<File>) -> Result<(), JournalError> {
    let file = writer.into_inner().map_err(|error| JournalError::Io {
        what: "write the restored journal".to_owned(),
        error: error.into_error(),
    })?;
    file.sync_all().map_err(JournalError::io("sync the restored journal"))
}

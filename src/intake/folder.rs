//! A deployment's data: what is shipped inside the program, and folders laid over it.
//!
//! **Invariant:** a later folder adds rows and replaces those with the same key; nothing is taken
//! from a folder with a problem.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use include_dir::{Dir, include_dir};

use crate::{
    domain::{area::Areas, calendar::Calendar, group::Names, series::SeriesList},
    rules::{finding::Finding, instrument::Instrument, library::Library},
};

use super::{
    figures::{Known, NewFigure, NewStandard, read_figures, read_standards},
    lists::{read_areas, read_calendar, read_changes, read_names, read_series},
    table::Problems,
};

static SHIPPED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/data");

/// Why data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file cannot be read.
    #[error("{path}: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A table has bad rows.
    #[error("{path}:\n{problems}")]
    Table {
        /// The file.
        path: String,
        /// The rows.
        problems: Problems,
    },
    /// A list is wrong.
    #[error("{path}: {why}")]
    List {
        /// The file.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// Documents are wrong or contradict each other.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Law(Vec<Finding>),
}

/// Everything a deployment starts from.
#[derive(Debug)]
pub struct Dataset {
    /// The areas.
    pub areas: Areas,
    /// The series.
    pub series: SeriesList,
    /// The groups.
    pub groups: Names,
    /// The standards' names.
    pub standard_names: Names,
    /// The calendar.
    pub calendar: Calendar,
    /// The law.
    pub library: Arc<Library>,
    /// The texts of the documents by file.
    pub texts: BTreeMap<String, String>,
    /// The texts of the published cases by file.
    pub cases: BTreeMap<String, String>,
    /// The tables of published rows by file.
    pub published: BTreeMap<String, String>,
    /// The figures, in order of files and rows.
    pub figures: Vec<NewFigure>,
    /// The standards.
    pub standards: Vec<NewStandard>,
}

/// The shipped files of one folder, such as `maps`, by path.
pub fn shipped(folder: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let files = SHIPPED.get_dir(folder).into_iter().flat_map(Dir::files);
    files.filter_map(|file| Some((file.path().to_str()?, file.contents())))
}

/// The files of a deployment by path, with where each came from.
#[derive(Debug, Default)]
struct Files(BTreeMap<String, Vec<(String, Vec<u8>)>>);

impl Files {
    fn shipped() -> Self {
        fn gather(dir: &Dir<'static>, files: &mut Files) {
            for file in dir.files() {
                let path = file.path().to_string_lossy().replace('\\', "/");
                let shown = format!("data/{path}");
                files.0.entry(path).or_default().push((shown, file.contents().to_vec()));
            }
            dir.dirs().for_each(|dir| gather(dir, files));
        }
        let mut files = Self::default();
        gather(&SHIPPED, &mut files);
        files
    }

    fn all(folders: &[PathBuf]) -> Result<Self, DataError> {
        let mut files = Self::shipped();
        for folder in folders {
            files.add_folder(folder, folder)?;
        }
        Ok(files)
    }

    fn add_folder(&mut self, root: &Path, at: &Path) -> Result<(), DataError> {
        let failed = |error| DataError::Read { path: at.to_owned(), error };
        let mut entries: Vec<_> = Vec::new();
        for entry in fs::read_dir(at).map_err(failed)? {
            entries.push(entry.map_err(failed)?.path());
        }
        entries.sort();
        for path in entries {
            if path.is_dir() {
                self.add_folder(root, &path)?;
                continue;
            }
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) => return Err(DataError::Read { path, error }),
            };
            let inside = path.strip_prefix(root).unwrap_or(&path);
            let inside = inside.to_string_lossy().replace('\\', "/");
            let shown = path.to_string_lossy().into_owned();
            self.0.entry(inside).or_default().push((shown, bytes));
        }
        Ok(())
    }

    /// Every version of the files with this name or below this folder, earlier folders first.
    fn each<'a>(
        &'a self,
        place: &'a str,
        ending: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let wanted = move |path: &str| {
            path == place
                || (path.starts_with(place) && place.ends_with('/') && path.ends_with(ending))
        };
        let found = self.0.iter().filter(move |(path, _)| wanted(path));
        found.flat_map(|(_, versions)| versions.iter().map(|(shown, b)| (shown.as_str(), &b[..])))
    }
}

/// Loads the shipped data and the folders over it. O(rows).
///
/// # Errors
/// What is wrong, with file, line, column and value.
pub fn load(folders: &[PathBuf]) -> Result<Dataset, DataError> {
    let files = Files::all(folders)?;
    let areas = areas(&files)?;
    let (series, groups, standard_names) = names(&files)?;
    let mut days = BTreeMap::new();
    for (path, bytes) in files.each("calendar/", ".csv") {
        days.extend(table(path, read_calendar(bytes))?);
    }
    let known = Known { areas: &areas, series: &series, standards: &standard_names };
    let mut figures = BTreeMap::new();
    for (path, bytes) in files.each("indices/", ".csv") {
        for figure in table(path, read_figures(bytes, known))? {
            figures.insert((figure.area, figure.series.clone(), figure.month), figure);
        }
    }
    let mut standards = BTreeMap::new();
    for (path, bytes) in files.each("standards/", ".csv") {
        for one in table(path, read_standards(bytes, known))? {
            standards.insert((one.area, one.standard.clone(), one.valid_from), one);
        }
    }
    let mut texts = texts_below(&files, "instruments/", ".toml")?;
    replace_shipped(&mut texts);
    let cases = texts_below(&files, "cases/", ".toml")?;
    let published = texts_below(&files, "cases/", ".csv")?;
    let library = Arc::new(library(&texts, &areas).map_err(DataError::Law)?);
    Ok(Dataset {
        series,
        groups,
        standard_names,
        calendar: Calendar::new(days),
        library,
        texts,
        cases,
        published,
        figures: figures.into_values().collect(),
        standards: standards.into_values().collect(),
        areas,
    })
}

/// Loads nothing but the areas.
///
/// # Errors
/// What is wrong, with file, line, column and value.
pub fn load_areas(folders: &[PathBuf]) -> Result<Areas, DataError> {
    areas(&Files::all(folders)?)
}

/// Reads documents and puts them together.
///
/// # Errors
/// Every finding of every document.
pub fn library(texts: &BTreeMap<String, String>, areas: &Areas) -> Result<Library, Vec<Finding>> {
    let mut findings = Vec::new();
    let mut instruments = Vec::new();
    for (file, text) in texts {
        match Instrument::parse(file, text) {
            Ok(instrument) => instruments.push(instrument),
            Err(found) => findings.extend(found),
        }
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    Library::new(instruments, areas)
}

/// Takes out shipped documents whose id a document of a deployment's own has.
fn replace_shipped(texts: &mut BTreeMap<String, String>) {
    let shipped = |file: &str| file.starts_with("data/instruments/");
    let id = |text: &str| {
        let table = text.parse::<toml::Table>().ok()?;
        Some(table.get("id")?.as_str()?.to_owned())
    };
    let own = texts.iter().filter(|(file, _)| !shipped(file)).filter_map(|(_, text)| id(text));
    let own: BTreeSet<String> = own.collect();
    if !own.is_empty() {
        texts.retain(|file, text| !shipped(file) || id(text).is_none_or(|id| !own.contains(&id)));
    }
}

fn table<T>(path: &str, read: Result<T, Problems>) -> Result<T, DataError> {
    read.map_err(|problems| DataError::Table { path: path.to_owned(), problems })
}

fn areas(files: &Files) -> Result<Areas, DataError> {
    let mut areas = BTreeMap::new();
    for (path, bytes) in files.each("areas.csv", "") {
        areas.extend(table(path, read_areas(bytes))?.into_iter().map(|area| (area.code, area)));
    }
    let mut changes = Vec::new();
    for (path, bytes) in files.each("area-changes.csv", "") {
        changes.extend(table(path, read_changes(bytes))?);
    }
    Areas::new(areas.into_values(), changes)
        .map_err(|error| DataError::List { path: "areas.csv".to_owned(), why: error.to_string() })
}

fn names(files: &Files) -> Result<(SeriesList, Names, Names), DataError> {
    let wrong = |path: &str, why: String| DataError::List { path: path.to_owned(), why };
    let text = |path: &str, bytes: &[u8]| {
        String::from_utf8(bytes.to_vec()).map_err(|_| wrong(path, "expected UTF-8".to_owned()))
    };
    let mut series = SeriesList::default();
    for (path, bytes) in files.each("series.toml", "") {
        let read = read_series(&text(path, bytes)?).map_err(|why| wrong(path, why))?;
        read.into_iter().for_each(|(named, unit)| series.insert(named, unit));
    }
    let named = |file| -> Result<Names, DataError> {
        let mut names = Names::default();
        for (path, bytes) in files.each(file, "") {
            let read = read_names(&text(path, bytes)?).map_err(|why| wrong(path, why))?;
            read.into_iter().for_each(|one| names.insert(one));
        }
        Ok(names)
    };
    let groups = named("groups.toml")?;
    let standards = named("standards.toml")?;
    Ok((series, groups, standards))
}

/// The documents of a folder, by file: every `*.toml` in it and below, as bytes; or one file.
///
/// # Errors
/// A file or folder cannot be read.
pub fn read_documents(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, DataError> {
    if folder.is_file() {
        let failed = |error| DataError::Read { path: folder.to_owned(), error };
        let shown = folder.to_string_lossy().into_owned();
        return Ok(BTreeMap::from([(shown, fs::read(folder).map_err(failed)?)]));
    }
    let mut files = Files::default();
    files.add_folder(folder, folder)?;
    let toml = |(path, _): &(String, _)| path.ends_with(".toml");
    Ok(files.0.into_iter().filter(toml).flat_map(|(_, versions)| versions).collect())
}

/// The files with an ending below a place; a later folder's file replaces the one with the same path.
fn texts_below(
    files: &Files,
    place: &str,
    ending: &str,
) -> Result<BTreeMap<String, String>, DataError> {
    let wanted = |path: &&String| path.starts_with(place) && path.ends_with(ending);
    let mut texts = BTreeMap::new();
    for path in files.0.keys().filter(wanted) {
        let Some((shown, bytes)) = files.0[path].last() else { continue };
        let text = String::from_utf8(bytes.clone()).map_err(|_| DataError::List {
            path: shown.clone(),
            why: "expected UTF-8".to_owned(),
        })?;
        texts.insert(shown.clone(), text);
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_data_loads() {
        let data = load(&[]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(data.figures.len(), 43_470);
        assert_eq!(data.library.instruments().len(), data.texts.len());
    }
}

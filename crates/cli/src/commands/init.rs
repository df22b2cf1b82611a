//! `modelward init`: a manifest to edit, or a check of those that are there.

use std::path::{Path, PathBuf};

use modelward_engine::{init, source};
use modelward_manifest::FILE_NAME;
use modelward_schema::{Location, ManifestFault};

use crate::args::{Common, Init};
use crate::failure::{FINE, FOUND, Failure, usage};
use crate::{output, settings};

pub(crate) fn run(args: &Init, common: &Common) -> Result<u8, Failure> {
    if args.check {
        check(args, common)
    } else {
        write(args, common)
    }
}

fn write(args: &Init, common: &Common) -> Result<u8, Failure> {
    let mut said = String::new();
    for path in &args.paths {
        let opened = source::open(&path.to_string_lossy())?;
        let options = settings::contents(common);
        let draft = init::draft(&opened, &options)?;
        let Some(place) = draft.place else {
            output::answer(common, &draft.text)?;
            continue;
        };
        if place.exists() && !args.force {
            return usage(format!(
                "{} is there already; edit it, or replace it with --force",
                place.display()
            ));
        }
        output::write_whole(&place, draft.text.as_bytes())?;
        let open = faults(&place)?.len();
        said.push_str(&format!("wrote {}; ", place.display()));
        said.push_str(&match open {
            0 => "it is complete\n".to_owned(),
            open => format!(
                "{open} things only you know are left to fill in: modelward init --check {} lists them\n",
                path.display()
            ),
        });
    }
    output::answer(common, &said)?;
    Ok(FINE)
}

fn check(args: &Init, common: &Common) -> Result<u8, Failure> {
    let mut lines = String::new();
    let mut sound = 0;
    for path in &args.paths {
        let place = manifest_of(path);
        let faults = faults(&place)?;
        sound += usize::from(faults.is_empty());
        for fault in faults {
            lines.push_str(&modelward_manifest::describe(&fault));
            lines.push('\n');
        }
    }
    if lines.is_empty() {
        let what = if sound == 1 {
            "the manifest is"
        } else {
            "the manifests are"
        };
        if !common.quiet {
            output::answer(common, &format!("{what} in order\n"))?;
        }
        return Ok(FINE);
    }
    output::answer(common, &lines)?;
    Ok(FOUND)
}

/// The manifest itself, or that of a folder or file.
fn manifest_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if path.is_dir() {
        path.join(FILE_NAME)
    } else if name.ends_with(".yaml") || name.ends_with(".yml") {
        path.to_owned()
    } else {
        path.with_file_name(format!("{name}.{FILE_NAME}"))
    }
}

fn faults(place: &Path) -> Result<Vec<ManifestFault>, Failure> {
    let shown = place.display().to_string();
    match std::fs::read(place) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(modelward_manifest::parse(&shown, &text)
                .err()
                .unwrap_or_default()),
            Err(_) => Ok(vec![ManifestFault {
                code: "manifest-syntax".to_owned(),
                message: "it is not UTF-8 text; save it as UTF-8".to_owned(),
                at: Location::file(shown),
            }]),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(vec![ManifestFault {
            code: "manifest-missing".to_owned(),
            message: "there is no manifest; modelward init writes one".to_owned(),
            at: Location::file(shown),
        }]),
        Err(error) => usage(format!("{shown}: {error}")),
    }
}

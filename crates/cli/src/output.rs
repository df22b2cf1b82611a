//! The answer goes to standard output or a file, everything else to standard
//! error. Only here is anything printed.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anstream::ColorChoice;
use anyhow::Context;

use modelward_cli::render::{Answer, Format, RenderOptions, render};

use crate::args::{Color, Common};
use crate::failure::{Failure, usage};

/// The form of the answer: as said, else by the file's name, else text.
pub(crate) fn format(common: &Common) -> Format {
    let by_name = || common.output.as_deref().and_then(Format::of_path);
    common.format.or_else(by_name).unwrap_or_default()
}

/// Colour and width of where the answer goes.
pub(crate) fn options(common: &Common) -> RenderOptions {
    let terminal = common.output.is_none() && std::io::stdout().is_terminal();
    let colour = match common.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            terminal && anstream::AutoStream::choice(&std::io::stdout()) != ColorChoice::Never
        }
    };
    let width = if terminal {
        terminal_width().unwrap_or(100)
    } else {
        100
    };
    RenderOptions {
        colour,
        width: width.clamp(60, 120),
        verbose: common.verbose,
        ..RenderOptions::default()
    }
}

fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

/// Writes the answer, whole or not at all.
pub(crate) fn answer(common: &Common, text: &str) -> Result<(), Failure> {
    if let Some(path) = &common.output {
        write_whole(path, text.as_bytes())
            .with_context(|| format!("failed to write {}", path.display()))
            .map_err(Failure::from)
    } else {
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // Whoever reads the pipe has seen enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other.context("failed to write to standard output")?),
        }
    }
}

/// The form of each file that is written besides, before anything is judged: a
/// typing mistake must not cost a run.
pub(crate) fn forms(files: &[PathBuf]) -> Result<Vec<(&Path, Format)>, Failure> {
    files
        .iter()
        .map(|file| match Format::of_path(file) {
            Some(form) => Ok((file.as_path(), form)),
            None => usage(format!(
                "{}: no form has this extension; use .txt, .json, .sarif, .xml, .md, .html, or a name that ends in codequality.json",
                file.display()
            )),
        })
        .collect()
}

/// Writes the same answers in further forms.
pub(crate) fn write_also(
    forms: &[(&Path, Format)],
    answers: &[Answer<'_>],
    look: &RenderOptions,
) -> Result<(), Failure> {
    let look = RenderOptions {
        colour: false,
        ..*look
    };
    for (path, form) in forms {
        write_whole(path, render(*form, answers, &look).as_bytes())
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

/// Writes beside the file and renames, so that a killed process leaves the old
/// file or the new one.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = std::fs::File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written
        .and_then(|()| std::fs::rename(&beside, path))
        .inspect_err(|_| {
            let _ = std::fs::remove_file(&beside);
        })
}

/// A remark on standard error; silent with `--quiet`.
pub(crate) fn remark(common: &Common, text: &str) {
    if !common.quiet {
        let _ = writeln!(anstream::stderr(), "modelward: {text}");
    }
}

pub(crate) fn complain(failure: &Failure) {
    let _ = match failure {
        Failure::Usage(message) => writeln!(anstream::stderr(), "modelward: {message}"),
        Failure::Ours(error) => writeln!(anstream::stderr(), "modelward: {error:#}"),
    };
}

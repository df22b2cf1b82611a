//! Graphs put to the proof, in the child.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use modelward_behaviour::Engines;
use modelward_formats::Limits;
use modelward_graphs::eval::Weights;
use modelward_graphs::witness::{self, Effort};
use modelward_graphs::{Flat, analyse};
use modelward_schema::Location;

use super::{Job, Trial, Tried};
use crate::map::Bytes;

/// The bytes of one file and of those beside it.
struct Files<'b> {
    path: &'b str,
    bytes: &'b [u8],
    root: Option<PathBuf>,
}

impl Weights for Files<'_> {
    fn bytes(&self, at: &Location) -> Option<Cow<'_, [u8]>> {
        let span = at.span?;
        let start = usize::try_from(span.start).ok()?;
        let end = start.checked_add(usize::try_from(span.len).ok()?)?;
        if at.path == self.path {
            return self.bytes.get(start..end).map(Cow::Borrowed);
        }
        // Only files of the artifact; members of containers are not unpacked.
        let inside = Path::new(&at.path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !inside || at.path.contains("!/") {
            return None;
        }
        let other = Bytes::open(&self.root.as_ref()?.join(&at.path)).ok()?;
        other.get(start..end).map(|part| Cow::Owned(part.to_vec()))
    }
}

pub(super) fn attempt(job: &Job, trial: &Trial) -> Vec<Tried> {
    let Ok(bytes) = Bytes::open(&job.place) else {
        return Vec::new();
    };
    let depth = Path::new(&job.path).components().count();
    let root = job.place.ancestors().nth(depth).map(Path::to_owned);
    let files = Files {
        path: &job.path,
        bytes: &bytes,
        root,
    };
    let facts = modelward_formats::read(&job.path, &bytes, &Limits::default());
    let replay = trial.replay.as_deref().map(|text| STANDARD.decode(text));
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut out = Vec::new();
    for wiring in &facts.wirings {
        let count = seen.entry(&wiring.at.path).or_default();
        let nth = *count;
        *count += 1;
        // The engine reads the file itself, so a graph inside another file is
        // left to the evaluator.
        let whole = wiring.at.path == job.path;
        let engines = whole.then(|| Engines::new(wiring, &bytes));
        let engine = engines
            .as_ref()
            .map(|engines| engines as &dyn witness::Whole);
        let mut tried = Tried {
            path: wiring.at.path.clone(),
            nth,
            suspects: Vec::new(),
            witnesses: Vec::new(),
            replayed: None,
        };
        match &replay {
            Some(Ok(bytes)) => {
                let effort = Effort::default();
                tried.replayed = Some(witness::replay(wiring, &files, engine, effort, bytes));
            }
            Some(Err(_)) => tried.replayed = Some(Err("the witness is cut".to_owned())),
            None => {
                let mut analysis = analyse(&Flat::build(wiring));
                let found =
                    witness::prove(wiring, &mut analysis, &files, engine, Effort::default());
                tried.witnesses = found
                    .into_iter()
                    .map(|witness| (witness.suspect, STANDARD.encode(witness.npz)))
                    .collect();
                tried.suspects = analysis.suspects;
            }
        }
        out.push(tried);
    }
    out
}

//! The child's side: confine, read, answer.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use modelward_formats::Limits;
use modelward_schema::{Facts, Gap, Location, Why};

use super::{Job, Message, Request};
use crate::map::Bytes;
use crate::sandbox;

/// Runs as `modelward worker`; the exit code says only whether the request was
/// understood.
pub fn main() -> u8 {
    let mut input = BufReader::new(std::io::stdin());
    let mut line = String::new();
    if input.read_line(&mut line).is_err() {
        return 70;
    }
    let Ok(request) = serde_json::from_str::<Request>(&line) else {
        return 70;
    };
    let blob = request.stdin.map(|len| {
        let mut bytes = Vec::new();
        let _ = input.take(len).read_to_end(&mut bytes);
        bytes
    });
    let memory = if request.trial.is_some() {
        sandbox::TRIAL_MEMORY
    } else {
        sandbox::MEMORY
    };
    let confined = sandbox::confine(&request.readable, request.cpu, memory);
    let out = Mutex::new(std::io::stdout());
    send(&out, [Message::Confined(confined)]);

    if let Some(bytes) = blob {
        send(&out, [Message::Begin(0)]);
        let facts = read("stdin", &bytes, request.whole_graphs);
        send(&out, [Message::Done(0, Box::new(facts))]);
        return 0;
    }

    if let Some(trial) = &request.trial {
        for job in &request.files {
            send(&out, [Message::Begin(job.index)]);
            let tried = super::trial::attempt(job, trial);
            send(&out, [Message::Tried(job.index, tried)]);
        }
        return 0;
    }

    let next = AtomicUsize::new(0);
    let work = || {
        // The end of one file is told together with the beginning of the next:
        // a thousand small files are a thousand writes.
        let mut done = None;
        loop {
            let job = request.files.get(next.fetch_add(1, Ordering::Relaxed));
            let begin = job.map(|job| Message::Begin(job.index));
            send(&out, done.take().into_iter().chain(begin));
            let Some(job) = job else { break };
            done = Some(Message::Done(
                job.index,
                Box::new(read_file(job, request.whole_graphs)),
            ));
        }
    };
    if request.threads <= 1 {
        work();
    } else {
        std::thread::scope(|scope| {
            for _ in 1..request.threads {
                scope.spawn(work);
            }
            work();
        });
    }
    0
}

fn read_file(job: &Job, whole_graphs: bool) -> Facts {
    match Bytes::open(&job.place) {
        Ok(bytes) => {
            #[cfg(debug_assertions)]
            if let Some(facts) = super::fault::on_demand(&job.path, &bytes) {
                return facts;
            }
            read(&job.path, &bytes, whole_graphs)
        }
        Err(error) => unreadable(&job.path, &job.place, &error),
    }
}

/// Facts with what was made of the graphs; the graphs themselves stay here
/// unless they are asked for.
fn read(path: &str, bytes: &[u8], whole_graphs: bool) -> Facts {
    let mut facts = modelward_formats::read(path, bytes, &Limits::default());
    modelward_graphs::survey(&mut facts);
    if !whole_graphs {
        facts.wirings.clear();
    }
    facts
}

fn unreadable(path: &str, place: &Path, error: &std::io::Error) -> Facts {
    let mut facts = Facts::default();
    let size = File::open(place)
        .and_then(|file| file.metadata())
        .map_or(0, |meta| meta.len());
    facts.files.push(modelward_schema::FileFact {
        path: path.to_owned(),
        format: "unread".to_owned(),
        size,
        ..modelward_schema::FileFact::default()
    });
    facts.coverage.gaps.push(Gap {
        why: Why::Unreadable,
        message: format!("it cannot be opened: {error}"),
        at: Location::file(path),
    });
    facts
}

fn send(out: &Mutex<std::io::Stdout>, messages: impl IntoIterator<Item = Message>) {
    let mut lines = Vec::new();
    for message in messages {
        if serde_json::to_writer(&mut lines, &message).is_err() {
            return;
        }
        lines.push(b'\n');
    }
    // A poisoned lock means another thread panicked; its file becomes a gap in
    // the parent, ours still counts.
    let mut out = out
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let _ = out.write_all(&lines);
    let _ = out.flush();
}

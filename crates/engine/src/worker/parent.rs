//! The parent's side: start a child, collect, and cope with its death.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use modelward_schema::{Facts, FileFact, Gap, Location, Sandbox, Why};

use super::{Job, Message, Request, Trial, Tried};
use crate::source::{Opened, SourceFile};

/// Processor seconds that any reading may take, and per mebibyte beyond.
const CPU_BASE: u64 = 20;
const CPU_PER_MIB: u64 = 2;
/// A message longer than this is not ours.
const MESSAGE_LIMIT: u64 = 1 << 30;

/// What the child processes found.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) facts: Facts,
    pub(crate) sandbox: Sandbox,
}

/// How one child ended.
struct Run {
    sandbox: Option<Sandbox>,
    done: BTreeMap<usize, Facts>,
    tried: Vec<Tried>,
    begun: BTreeSet<usize>,
    death: Option<String>,
}

/// Reads every file of the artifact in children.
pub(crate) fn read(opened: &Opened, threads: usize) -> std::io::Result<Reading> {
    read_asking(opened, threads, false)
}

/// The same, and the graphs in full.
pub(crate) fn read_with_graphs(opened: &Opened, threads: usize) -> std::io::Result<Reading> {
    read_asking(opened, threads, true)
}

fn read_asking(opened: &Opened, threads: usize, whole: bool) -> std::io::Result<Reading> {
    if let Some(bytes) = &opened.stdin {
        return read_stdin(bytes, whole);
    }
    let readable = readable(opened);
    let mut waiting: Vec<Job> = opened
        .files
        .iter()
        .enumerate()
        .map(|(index, file)| Job {
            index,
            path: file.path.clone(),
            place: file.place.clone(),
        })
        .collect();
    let mut done = BTreeMap::new();
    let mut sandbox = None;
    while !waiting.is_empty() {
        let run = run(
            &readable,
            &waiting,
            &opened.files,
            threads.min(waiting.len()),
            whole,
        )?;
        sandbox = sandbox.or(run.sandbox);
        done.extend(run.done);
        let Some(death) = run.death else { break };
        waiting.retain(|job| !done.contains_key(&job.index));
        // A death before anything began would repeat for ever.
        let suspects: Vec<Job> = if run.begun.is_empty() {
            std::mem::take(&mut waiting)
        } else {
            let (suspects, rest) = waiting
                .into_iter()
                .partition(|job| run.begun.contains(&job.index));
            waiting = rest;
            suspects
        };
        let alone = suspects.len() == 1 && threads == 1;
        for job in suspects {
            let again = if alone {
                None
            } else {
                Some(self::run(
                    &readable,
                    std::slice::from_ref(&job),
                    &opened.files,
                    1,
                    whole,
                )?)
            };
            let (facts, death) = match again {
                Some(mut again) => (again.done.remove(&job.index), again.death),
                None => (None, Some(death.clone())),
            };
            let facts = facts.unwrap_or_else(|| {
                crashed(
                    &job.path,
                    &opened.files,
                    job.index,
                    death.as_deref().unwrap_or(&death_unknown()),
                )
            });
            done.insert(job.index, facts);
        }
    }
    let mut facts = Facts::default();
    for (index, file) in opened.files.iter().enumerate() {
        facts.absorb(
            done.remove(&index)
                .unwrap_or_else(|| crashed(&file.path, &opened.files, index, &death_unknown())),
        );
    }
    modelward_formats::settle(&mut facts);
    Ok(Reading {
        facts,
        sandbox: sandbox.unwrap_or_default(),
    })
}

/// Seconds of processor time that the trial of one file may take.
const CPU_TRIAL: u64 = 120;

/// Puts the graphs of one file to the proof, or replays a witness on them.
/// Gives what was tried and, when the child died over it, of what.
pub(crate) fn try_graphs(
    opened: &Opened,
    index: usize,
    replay: Option<&str>,
) -> std::io::Result<(Vec<Tried>, Option<String>)> {
    let Some(file) = opened.files.get(index) else {
        return Ok((Vec::new(), None));
    };
    let request = Request {
        readable: readable(opened),
        files: vec![Job {
            index,
            path: file.path.clone(),
            place: file.place.clone(),
        }],
        threads: 1,
        whole_graphs: false,
        cpu: CPU_TRIAL,
        trial: Some(Trial {
            replay: replay.map(str::to_owned),
        }),
        stdin: None,
    };
    let run = exchange(&request, None)?;
    Ok((run.tried, run.death))
}

fn read_stdin(bytes: &[u8], whole: bool) -> std::io::Result<Reading> {
    let request = Request {
        readable: Vec::new(),
        files: Vec::new(),
        threads: 1,
        whole_graphs: whole,
        cpu: cpu_seconds(bytes.len() as u64),
        trial: None,
        stdin: Some(bytes.len() as u64),
    };
    let mut run = exchange(&request, Some(bytes))?;
    let facts = run.done.remove(&0).unwrap_or_else(|| {
        crashed(
            "stdin",
            &[],
            0,
            run.death.as_deref().unwrap_or(&death_unknown()),
        )
    });
    Ok(Reading {
        facts,
        sandbox: run.sandbox.unwrap_or_default(),
    })
}

fn run(
    readable: &[PathBuf],
    jobs: &[Job],
    files: &[SourceFile],
    threads: usize,
    whole: bool,
) -> std::io::Result<Run> {
    let size = jobs
        .iter()
        .filter_map(|job| files.get(job.index))
        .map(|file| file.stamp.size)
        .sum();
    let request = Request {
        readable: readable.to_vec(),
        files: jobs.to_vec(),
        threads,
        whole_graphs: whole,
        cpu: cpu_seconds(size),
        trial: None,
        stdin: None,
    };
    exchange(&request, None)
}

fn exchange(request: &Request, blob: Option<&[u8]>) -> std::io::Result<Run> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    let mut child = spawn()?;
    let limit = Duration::from_secs(request.cpu.saturating_mul(2) + 10);
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let child = Mutex::new(child);
    let mut run = Run {
        sandbox: None,
        done: BTreeMap::new(),
        tried: Vec::new(),
        begun: BTreeSet::new(),
        death: None,
    };
    let (finished, finish) = mpsc::channel::<()>();
    let overdue = std::thread::scope(|scope| {
        let child = &child;
        // Reading and writing block; a child that takes too long is killed from
        // beside, which ends both.
        let watch = scope.spawn(move || {
            let late = finish.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout);
            if late {
                kill(child);
            }
            late
        });
        // The child reads the whole request before it answers, so neither waits
        // for the other. One that dies early closes the pipe; its death is seen
        // below.
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all(&line);
            let _ = stdin.write_all(blob.unwrap_or_default());
        }
        if let Some(stdout) = stdout {
            collect(stdout, child, &mut run);
        }
        drop(finished);
        watch.join().unwrap_or(false)
    });
    let mut child = child
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let status = child.wait()?;
    if overdue {
        run.death = Some("the reading process took too long and was stopped".to_owned());
    } else if !status.success() && run.death.is_none() {
        run.death = Some(cause(status));
    }
    Ok(run)
}

/// Takes the child's messages until it closes its end.
fn collect(stdout: ChildStdout, child: &Mutex<Child>, run: &mut Run) {
    let mut reader = BufReader::with_capacity(64 << 10, stdout);
    let mut line = Vec::new();
    while let Ok(read) = reader
        .by_ref()
        .take(MESSAGE_LIMIT)
        .read_until(b'\n', &mut line)
    {
        if read == 0 {
            return;
        }
        match serde_json::from_slice(&line) {
            Ok(Message::Confined(sandbox)) => run.sandbox = Some(sandbox),
            Ok(Message::Begin(index)) => {
                run.begun.insert(index);
            }
            Ok(Message::Done(index, facts)) => {
                run.begun.remove(&index);
                run.done.insert(index, *facts);
            }
            Ok(Message::Tried(index, tried)) => {
                run.begun.remove(&index);
                run.tried.extend(tried);
            }
            Err(error) => {
                run.death = Some(format!("the reading process answered nonsense: {error}"));
                kill(child);
                return;
            }
        }
        line.clear();
    }
}

fn kill(child: &Mutex<Child>) {
    let mut child = child
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let _ = child.kill();
}

fn spawn() -> std::io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("worker").env_clear();
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

#[cfg(unix)]
fn cause(status: std::process::ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status.signal() {
        Some(6) => "the reading process ran out of memory or gave up".to_owned(),
        Some(7) => "the file was cut short while it was read".to_owned(),
        Some(9 | 24) => "the reading process spent its processor time".to_owned(),
        Some(signal) => format!("the reading process died of signal {signal}"),
        None => format!("the reading process failed ({status})"),
    }
}

#[cfg(not(unix))]
fn cause(status: std::process::ExitStatus) -> String {
    format!("the reading process failed ({status})")
}

fn death_unknown() -> String {
    "the reading process ended before it answered".to_owned()
}

fn crashed(path: &str, files: &[SourceFile], index: usize, why: &str) -> Facts {
    let mut facts = Facts::default();
    facts.files.push(FileFact {
        path: path.to_owned(),
        format: "unread".to_owned(),
        size: files.get(index).map_or(0, |file| file.stamp.size),
        ..FileFact::default()
    });
    facts.coverage.gaps.push(Gap {
        why: Why::Crashed,
        message: why.to_owned(),
        at: Location::file(path),
    });
    facts
}

/// The root, and the folder of every file that a link leads out of it to.
fn readable(opened: &Opened) -> Vec<PathBuf> {
    let mut places: BTreeSet<PathBuf> = BTreeSet::new();
    if let Some(root) = &opened.root {
        places.insert(root.clone());
        for file in &opened.files {
            if !file.place.starts_with(root) {
                places.insert(file.place.parent().unwrap_or(Path::new("/")).to_owned());
            }
        }
    }
    places.into_iter().collect()
}

fn cpu_seconds(size: u64) -> u64 {
    CPU_BASE + (size >> 20).saturating_mul(CPU_PER_MIB)
}

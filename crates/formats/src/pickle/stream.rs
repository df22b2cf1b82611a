//! A file of pickles: the streams in it, one after another, and what stands
//! before, between and behind them.
//!
//! `pickle.load` reads the first and stops; what wrote several in a row is read
//! by calling it again, so a pickle right behind another counts as reached, and
//! one behind junk or damage does not. `torch.load` of a file from before
//! PyTorch 1.6 reads five (magic number, protocol, system, object, storage keys)
//! and then the raw storages.

use std::collections::{HashMap, HashSet};

use modelward_schema::{Span, Via, Why};

use super::ledger::Ledger;
use super::machine::{Ended, Machine, Nested, Outcome};
use super::opcode::{self as op, Arg, Bad};
use super::store::Value;
use super::tensor::Draft;
use super::{ARGUMENT, find, wide};
use crate::{Fit, Input, Member, Session};

/// `torch.serialization.MAGIC_NUMBER`, little-endian.
const MAGIC: &[u8] = &[0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// Streams of one file that are run.
const STREAMS: u32 = 100_000;

/// What stays to be done when a stream has been run.
#[derive(Debug, Default)]
struct Left {
    nested: Vec<(Nested, Vec<u8>)>,
    tensors: Vec<Draft>,
    /// Array bytes that would also run as instructions.
    arrays: Vec<(usize, usize)>,
    /// Sizes of PyTorch storages by key: element size and count.
    storages: HashMap<String, (u64, u64)>,
}

#[derive(Debug)]
struct Streams<'m, 'i, 'l> {
    input: &'m Input<'i>,
    session: &'m mut Session<'l>,
    ledger: Ledger,
    left: Left,
    /// One anomaly of a kind tells enough.
    told: HashSet<&'static str>,
}

pub(super) fn read(input: &Input<'_>, session: &mut Session<'_>) {
    let via = match input.inside {
        Some("pickle" | ARGUMENT) => Via::NestedPickle,
        _ => Via::Pickle,
    };
    let limit = session.limits().facts.saturating_add(1);
    let mut streams = Streams {
        input,
        session,
        ledger: Ledger::new(via, limit),
        left: Left::default(),
        told: HashSet::new(),
    };
    streams.all();
    let Streams { ledger, left, .. } = streams;
    ledger.close(session);
    for draft in left.tensors {
        let index = session.facts().tensors.len();
        if let Some(key) = &draft.storage {
            // Its storage is a member of the same archive.
            session.later(index, input.path, key.clone(), draft.extent());
        }
        session.tensor(draft.tensor);
    }
    embedded(input, session, left.nested);
}

impl Streams<'_, '_, '_> {
    fn all(&mut self) {
        let bytes = self.input.bytes;
        let mut position = 0;
        if bytes.first() != Some(&op::PROTO) && find::begins(bytes) != Fit::Yes {
            match find::find(bytes) {
                Some(at) if at > 0 => {
                    let message = format!("{at} bytes stand before the pickle");
                    self.tell("pickle-leading-bytes", message, 0, at);
                    position = at;
                }
                _ => {}
            }
        }
        // A loader fails at what stands before it.
        let reached = self.input.reached && position == 0;
        let first = self.run(position, reached);
        let end = match &first.how {
            Ended::Stop(value) if is_legacy(bytes, *value, first.end) => {
                self.legacy(first.end, reached)
            }
            _ => first.end,
        };
        self.rest(end, reached, matches!(first.how, Ended::Stop(_)));
        let arrays = std::mem::take(&mut self.left.arrays);
        for (start, end) in arrays {
            let part = Input {
                bytes: bytes.get(..end).unwrap_or_default(),
                ..*self.input
            };
            let mut machine =
                Machine::new(&part, self.session, &mut self.ledger, self.input.reached);
            machine.loosen();
            machine.run(start);
            let message =
                "an array's bytes are instructions to an unpickler that does not skip them";
            self.tell(
                "pickle-array-code",
                message.to_owned(),
                start,
                end.saturating_sub(start),
            );
        }
    }

    /// Streams four and what follows them in a file of old PyTorch. Returns
    /// where its storages end.
    fn legacy(&mut self, start: usize, reached: bool) -> usize {
        let mut end = start;
        for _ in 0..4 {
            let outcome = self.run(end, reached);
            end = outcome.end;
            if !matches!(outcome.how, Ended::Stop(_)) {
                return end;
            }
        }
        let mut storages: Vec<(String, (u64, u64))> = self.left.storages.drain().collect();
        storages.sort();
        let mut data = HashMap::new();
        for (key, (size, count)) in storages {
            let bytes = self.input.bytes.get(end..).unwrap_or_default();
            let Some((head, _)) = bytes.split_first_chunk::<8>() else {
                break;
            };
            let len = count
                .checked_mul(size)
                .and_then(|len| usize::try_from(len).ok());
            let next = len
                .and_then(|len| end.checked_add(8)?.checked_add(len))
                .filter(|next| *next <= self.input.bytes.len());
            let (Some(next), true) = (next, u64::from_le_bytes(*head) == count && size > 0) else {
                break;
            };
            let first = end.saturating_add(8);
            let blob = self.input.bytes.get(first..next).unwrap_or_default();
            if find::is_worth_reading(blob) {
                let name = format!("storage@{end:#x}");
                let span = Span::new(wide(first), wide(blob.len()));
                self.session.hidden(self.input, &name, blob, span);
            }
            data.insert(key, (first, blob.len()));
            end = next;
        }
        for draft in &mut self.left.tensors {
            if let Some((first, len)) = draft.storage.as_ref().and_then(|key| data.get(key)) {
                draft.place(self.input.path, wide(*first), wide(*len));
                draft.storage = None;
            }
        }
        end
    }

    /// Further streams and junk from `start` on.
    fn rest(&mut self, start: usize, mut reached: bool, mut clean: bool) {
        let bytes = self.input.bytes;
        let mut position = start;
        let mut streams = 0_u32;
        // Members of PyTorch's first files are pickles with numbers between.
        let mixed = self.input.inside == Some("pytorch-tar");
        while let Some(rest) = bytes.get(position..).filter(|rest| !rest.is_empty()) {
            streams = streams.saturating_add(1);
            if streams > STREAMS || !self.session.spend(64) {
                let at = self.input.at(wide(position), wide(rest.len()));
                self.session.gap(
                    Why::Limit,
                    "more pickles in a row than the limit allows",
                    at,
                );
                return;
            }
            let follows = clean && find::begins(rest) == Fit::Yes;
            reached &= follows || mixed;
            if !follows {
                if clean && !mixed && !rest.iter().all(u8::is_ascii_whitespace) {
                    let message = format!("{} bytes follow the end of the pickle", rest.len());
                    self.tell("pickle-trailing-bytes", message, position, rest.len());
                    let name = format!("trailing@{position:#x}");
                    let span = Span::new(wide(position), wide(rest.len()));
                    self.session.hidden(self.input, &name, rest, span);
                }
                let Some(offset) = find::find(rest) else {
                    return;
                };
                position = position.saturating_add(offset);
            }
            let outcome = self.run(position, reached);
            clean = matches!(outcome.how, Ended::Stop(_));
            position = outcome.end.max(position.saturating_add(1));
        }
    }

    fn run(&mut self, start: usize, reached: bool) -> Outcome {
        let mut machine = Machine::new(self.input, self.session, &mut self.ledger, reached);
        let outcome = machine.run(start);
        let terse = machine.is_incomplete();
        let nested: Vec<_> = machine
            .nested
            .iter()
            .filter_map(|nested| {
                let bytes = match nested.value {
                    // What stands in the file is read in place later.
                    Value::Bytes(_) => Vec::new(),
                    value => machine.raw(value)?.into_owned(),
                };
                Some((*nested, bytes))
            })
            .collect();
        let tensors = std::mem::take(&mut machine.tensors);
        let arrays = std::mem::take(&mut machine.arrays);
        let storages = std::mem::take(&mut machine.storages);
        let (lie, expands, error) = (
            machine.frames.lie,
            machine.expands.take(),
            machine.error.take(),
        );
        self.left.nested.extend(nested);
        self.left.tensors.extend(tensors);
        self.left.arrays.extend(arrays);
        self.left.storages.extend(storages);
        if let Some((at, what)) = lie {
            self.tell("pickle-frame-lies", what.to_owned(), at, 9);
        }
        if let Some((at, message)) = expands {
            self.tell("pickle-expands", message, at, 1);
        }
        let error = match outcome.how {
            Ended::Stop(_) => error.map(|(at, message)| (at, message, Why::Malformed)),
            Ended::Broken(bad) => error
                .map(|(at, message)| (at, message, Why::Malformed))
                .or_else(|| Some(Self::describe(bad, outcome.end))),
            Ended::Deep => Some((
                outcome.end,
                "the stack grows beyond the limit".to_owned(),
                Why::Limit,
            )),
        };
        if let Some((at, message, why)) = error
            && reached
        {
            let len = self.input.bytes.len().saturating_sub(at);
            self.session.gap(
                why,
                format!("a loader stops here: {message}"),
                self.input.at(wide(at), wide(len)),
            );
            self.tell("pickle-broken", message, at, 1);
        }
        if terse {
            self.session.gap_once(
                Why::Limit,
                "it has more values than are kept; some arguments are not known",
                &self.input.whole(),
            );
        }
        outcome
    }

    fn describe(bad: Bad, at: usize) -> (usize, String, Why) {
        match bad {
            Bad::Truncated => (at, "the pickle is cut off".to_owned(), Why::Truncated),
            Bad::Opcode(byte) => (at, format!("{byte:#04x} is no opcode"), Why::Malformed),
            Bad::Operand(code) => (
                at,
                format!("the operand of {} is malformed", op::name(code)),
                Why::Malformed,
            ),
        }
    }

    fn tell(&mut self, id: &'static str, message: String, start: usize, len: usize) {
        if self.told.insert(id) {
            let at = self.input.at(wide(start), wide(len));
            self.session.anomaly(id, message, at);
        }
    }
}

/// Whether the first stream's value lets `torch.load` go on: the magic number,
/// or something computed in its place, and the protocol's number after it.
fn is_legacy(bytes: &[u8], value: Value, end: usize) -> bool {
    let magic = match value {
        Value::Big(at) => match op::decode(bytes, at).map(|op| op.arg) {
            Ok(Arg::Big(raw)) => raw == MAGIC || raw == b"119547037146038801333356",
            _ => false,
        },
        Value::Node(_) | Value::Unknown | Value::Owned(_) => true,
        _ => false,
    };
    let mut at = end;
    let mut number = None;
    for _ in 0..6 {
        let Ok(op) = op::decode(bytes, at) else {
            return false;
        };
        at = op.end;
        match (op.code, op.arg) {
            (op::STOP, _) => return magic && number == Some(1001),
            (_, Arg::Int(value)) => number = Some(value),
            _ => {}
        }
    }
    false
}

/// Reads the streams that stand as bytes inside this one.
fn embedded(input: &Input<'_>, session: &mut Session<'_>, mut nested: Vec<(Nested, Vec<u8>)>) {
    // A loader's argument is read as that, and only once.
    nested.sort_by_key(|(nested, _)| (!nested.loaded, nested.at));
    let mut seen = HashSet::new();
    for (nested, owned) in nested {
        let (start, bytes) = match nested.value {
            Value::Bytes(at) => match op::decode(input.bytes, at) {
                Ok(op::Op {
                    arg: Arg::Raw(raw),
                    end,
                    ..
                }) => (end.saturating_sub(raw.len()), raw),
                _ => continue,
            },
            _ => (nested.at, owned.as_slice()),
        };
        let computed = match nested.value {
            Value::Owned(index) => Some(index),
            _ => None,
        };
        if bytes.is_empty() || !seen.insert((start, computed)) {
            continue;
        }
        let name = match computed {
            // Several may be computed at one place.
            Some(index) => format!("pickle@{start:#x}.{index}"),
            None => format!("pickle@{start:#x}"),
        };
        // An unpickler takes whatever it gets; other loaders look what it is.
        let stream = !find::is_container(bytes)
            && (find::fit(bytes) == Fit::Yes || find::find(bytes).is_some());
        session.child(
            input,
            Member {
                name: &name,
                bytes,
                span: Some(Span::new(wide(start), wide(bytes.len()))),
                reached: nested.reached,
                inside: if nested.loaded && stream {
                    ARGUMENT
                } else {
                    "pickle"
                },
            },
        );
    }
}

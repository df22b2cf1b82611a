//! What streams built instruction by instruction are told to do.

use modelward_schema::{Action, Code, Facts, Term, Via};

use super::assemble::Asm;
use super::opcode as op;
use crate::{Input, Limits, Session};

fn read(bytes: &[u8]) -> Facts {
    let limits = Limits::default();
    let mut session = Session::new(&limits, bytes.len());
    super::stream::read(&Input::file("m.pkl", bytes), &mut session);
    session.finish()
}

/// `Action target`, with `!` when computed and `~` when not reached.
fn told(facts: &Facts) -> Vec<String> {
    facts
        .code
        .iter()
        .filter(|code| code.action != Action::Import)
        .map(|code| {
            let computed = if code.computed { "!" } else { "" };
            let reached = if code.reached { "" } else { "~" };
            format!("{:?} {}{computed}{reached}", code.action, code.target)
        })
        .collect()
}

fn anomalies(facts: &Facts) -> Vec<&str> {
    facts
        .anomalies
        .iter()
        .map(|seen| seen.id.as_str())
        .collect()
}

fn find<'f>(facts: &'f Facts, target: &str) -> &'f Code {
    facts
        .code
        .iter()
        .find(|code| code.target == target && code.action != Action::Import)
        .unwrap_or_else(|| panic!("no {target} among {:?}", told(facts)))
}

fn text(text: &str) -> Term {
    Term::Str {
        text: text.to_owned(),
        len: text.len() as u64,
    }
}

#[test]
fn a_reduce_is_a_call_with_its_arguments() {
    let facts = read(&Asm::proto(4).stack_global("os", "system").call("id").stop());
    assert_eq!(told(&facts), ["Call os.system"]);
    assert_eq!(find(&facts, "os.system").args, [text("id")]);
    assert_eq!(facts.code[0].action, Action::Import);
    assert!(facts.anomalies.is_empty() && facts.coverage.complete);
}

#[test]
fn every_way_to_call_is_seen() {
    let inst = Asm::new().ops(b"(S'id'\nios\nsystem\n").stop();
    assert_eq!(told(&read(&inst)), ["Call os.system"]);
    let obj = Asm::new()
        .ops(b"(")
        .global("os", "system")
        .text("id")
        .ops(b"o")
        .stop();
    assert_eq!(told(&read(&obj)), ["Call os.system"]);
    let new = Asm::proto(2).global("subprocess", "Popen").text("id");
    let new = new.ops(&[op::TUPLE1, op::NEWOBJ]).stop();
    assert_eq!(told(&read(&new)), ["New subprocess.Popen"]);
    let build = Asm::proto(2)
        .global("m", "C")
        .ops(b")\x81}")
        .text("x")
        .int(1)
        .ops(b"sb")
        .stop();
    assert_eq!(told(&read(&build)), ["New m.C", "Build m.C"]);
    let ext = Asm::proto(2).raw([op::EXT1, 240]).call("id").stop();
    assert_eq!(told(&read(&ext)), ["Extension ext:240", "Call ext:240"]);
}

#[test]
fn dropping_a_result_does_not_undo_the_call() {
    let popped = Asm::new()
        .global("os", "system")
        .call("id")
        .ops(b"0N")
        .stop();
    assert_eq!(told(&read(&popped)), ["Call os.system"]);
    let marked = Asm::new()
        .ops(b"(")
        .global("os", "system")
        .call("id")
        .ops(b"1N")
        .stop();
    assert_eq!(told(&read(&marked)), ["Call os.system"]);
}

#[test]
fn the_memo_is_the_real_one() {
    // MEMOIZE stores under the count: after PUT 7 the next is 1.
    let stream = Asm::proto(4)
        .text("decoy")
        .memo(7)
        .text("os")
        .ops(&[op::MEMOIZE]);
    let stream = stream
        .get(1)
        .text("system")
        .ops(&[op::STACK_GLOBAL])
        .call("id")
        .stop();
    assert_eq!(told(&read(&stream)), ["Call os.system"]);
    let overwritten = Asm::proto(4).text("json").memo(0).text("os").memo(0);
    let overwritten = overwritten
        .get(0)
        .text("system")
        .ops(&[op::STACK_GLOBAL])
        .call("id")
        .stop();
    assert_eq!(told(&read(&overwritten)), ["Call os.system"]);
}

#[test]
fn callees_behind_indirection_are_named() {
    let getattr = Asm::new()
        .global("builtins", "getattr")
        .global("builtins", "__import__")
        .call("os")
        .text("system")
        .ops(&[op::TUPLE2, op::REDUCE])
        .call("id")
        .stop();
    assert_eq!(
        told(&read(&getattr)),
        [
            "Call builtins.__import__",
            "Call builtins.getattr",
            "Call os.system!"
        ]
    );
    let getter = Asm::new().global("operator", "attrgetter").call("system");
    let getter = getter
        .global("os", "path.os")
        .ops(&[op::TUPLE1, op::REDUCE])
        .call("id")
        .stop();
    assert!(told(&read(&getter)).contains(&"Call os.system!".to_owned()));
    let caller = Asm::new()
        .global("operator", "methodcaller")
        .text("system")
        .text("id")
        .ops(&[op::TUPLE2, op::REDUCE])
        .global("importlib", "import_module")
        .call("os")
        .ops(&[op::TUPLE1, op::REDUCE])
        .stop();
    let facts = read(&caller);
    assert_eq!(find(&facts, "os.system").args, [text("id")]);
    let partial = Asm::new()
        .global("functools", "partial")
        .global("os", "system")
        .text("id")
        .ops(&[op::TUPLE2, op::REDUCE])
        .ops(b")R")
        .stop();
    assert_eq!(find(&read(&partial), "os.system").args, [text("id")]);
    let mapped = Asm::new()
        .global("builtins", "map")
        .global("os", "system")
        .ops(b"](")
        .text("id")
        .text("ls")
        .ops(b"e\x86R")
        .stop();
    let facts = read(&mapped);
    let calls = facts
        .code
        .iter()
        .filter(|code| code.target == "os.system")
        .count();
    assert_eq!(calls, 3, "the import and two calls");
    let modules = Asm::new()
        .global("operator", "getitem")
        .global("sys", "modules")
        .text("os")
        .ops(&[op::TUPLE2, op::REDUCE])
        .memo(0)
        .ops(b"0")
        .global("builtins", "getattr")
        .get(0)
        .text("system")
        .ops(&[op::TUPLE2, op::REDUCE])
        .call("id")
        .stop();
    assert!(told(&read(&modules)).contains(&"Call os.system!".to_owned()));
}

#[test]
fn names_that_are_computed_from_constants_are_known_and_others_are_marked() {
    let joined = Asm::new()
        .global("builtins", "str.join")
        .text("")
        .ops(b"](")
        .text("o")
        .text("s")
        .ops(b"e\x86R")
        .text("system")
        .ops(&[op::STACK_GLOBAL])
        .call("id")
        .stop();
    assert_eq!(told(&read(&joined))[1], "Call os.system!");
    let unknown = Asm::new()
        .global("secrets", "choice")
        .call("x")
        .text("system")
        .ops(&[op::STACK_GLOBAL])
        .call("id")
        .stop();
    assert_eq!(told(&read(&unknown))[1], "Call ?.system!");
    let anything = Asm::new().ops(b"K\x01)R").stop();
    assert_eq!(told(&read(&anything)), ["Call ?!"]);
}

#[test]
fn what_a_stream_plants_on_a_module_is_what_it_gets_back() {
    let stream = Asm::proto(4)
        .stack_global("numpy", "prod")
        .ops(b"N}")
        .text("a")
        .text("os")
        .ops(b"s\x86b0")
        .stack_global("numpy", "prod.a")
        .text("system")
        .ops(&[op::STACK_GLOBAL])
        .call("id")
        .stop();
    assert_eq!(
        told(&read(&stream)),
        ["Build numpy.prod", "Call os.system!"]
    );
}

#[test]
fn a_registered_extension_is_what_it_was_registered_as() {
    let stream = Asm::proto(2)
        .global("copyreg", "add_extension")
        .text("os")
        .text("system")
        .raw([op::BININT1, 240, op::TUPLE3, op::REDUCE])
        .ops(b"0")
        .raw([op::EXT1, 240])
        .call("id")
        .stop();
    assert_eq!(
        told(&read(&stream)),
        [
            "Call copyreg.add_extension",
            "Extension ext:240",
            "Call os.system!"
        ]
    );
}

#[test]
fn a_pickle_written_as_text_is_read() {
    let stream = Asm::proto(4)
        .text("gAJjb3MKc3lzdGVtClgCAAAAaWSFUi4=")
        .stop();
    assert_eq!(told(&read(&stream)), ["Call os.system~"]);
}

#[test]
fn a_loaders_argument_is_read_as_a_stream() {
    let inner = Asm::proto(4).stack_global("os", "system").call("id").stop();
    let outer = Asm::proto(4)
        .stack_global("pickle", "loads")
        .bytes(&inner)
        .ops(&[op::TUPLE1, op::REDUCE])
        .stop();
    let facts = read(&outer);
    let call = find(&facts, "os.system");
    assert!(call.reached && call.via == Via::NestedPickle);
    assert!(call.at.path.starts_with("m.pkl!/pickle@0x"));
    let idle = read(&Asm::proto(4).bytes(&inner).stop());
    assert!(!find(&idle, "os.system").reached);
}

#[test]
fn reading_goes_on_past_stop_and_damage() {
    let evil = Asm::proto(2).global("os", "system").call("id").stop();
    let mut two = Asm::proto(2).ops(b"N").stop();
    two.extend(&evil);
    let facts = read(&two);
    assert_eq!(told(&facts), ["Call os.system"]);
    assert!(facts.anomalies.is_empty());
    let mut junk = Asm::proto(2).ops(b"N").stop();
    junk.extend([0xff; 40]);
    junk.extend(&evil);
    let facts = read(&junk);
    assert_eq!(told(&facts), ["Call os.system~"]);
    assert_eq!(anomalies(&facts), ["pickle-trailing-bytes"]);
    let damaged = Asm::proto(2)
        .global("os", "system")
        .call("id")
        .raw([0xff])
        .open();
    let facts = read(&damaged);
    assert_eq!(told(&facts), ["Call os.system"]);
    assert_eq!(anomalies(&facts), ["pickle-broken"]);
    assert!(!facts.coverage.complete);
    let underflow = Asm::proto(2)
        .ops(b"R")
        .global("os", "system")
        .call("id")
        .stop();
    assert_eq!(told(&read(&underflow)), ["Call ?!~", "Call os.system~"]);
}

#[test]
fn a_million_calls_are_few_facts_and_the_odd_one_shows() {
    let mut stream = Asm::proto(2).global("m", "f").memo(0);
    for number in 0..10_000 {
        stream = stream
            .get(0)
            .int(number)
            .ops(&[op::TUPLE1, op::REDUCE])
            .ops(b"0");
    }
    stream = stream
        .get(0)
        .global("os", "system")
        .ops(&[op::TUPLE1, op::REDUCE]);
    let facts = read(&stream.stop());
    assert!(facts.code.len() < 80);
    let odd = Term::Global("os.system".to_owned());
    assert!(facts.code.iter().any(|code| code.args == [odd.clone()]));
    let calls: u64 = facts
        .code
        .iter()
        .filter(|code| code.action == Action::Call)
        .map(|code| code.count)
        .sum();
    assert_eq!(calls, 10_001);
}

#[test]
fn frames_that_lie_are_told() {
    let frame = |len: u64| {
        Asm::proto(4)
            .raw([op::FRAME])
            .raw(len.to_le_bytes())
            .ops(b"N")
            .stop()
    };
    assert!(read(&frame(2)).anomalies.is_empty());
    assert_eq!(anomalies(&read(&frame(1000))), ["pickle-frame-lies"]);
    assert_eq!(anomalies(&read(&frame(0))), ["pickle-frame-lies"]);
}

#[test]
fn expansion_is_measured_and_cycles_are_not_taken_for_it() {
    let mut bomb = Asm::proto(2).ops(b"]").memo(0);
    for level in 0..20 {
        bomb = bomb.ops(b"0](");
        for _ in 0..10 {
            bomb = bomb.get(level);
        }
        bomb = bomb.ops(b"e").memo(level + 1);
    }
    assert_eq!(anomalies(&read(&bomb.stop())), ["pickle-expands"]);
    // Children that point back at the object whose list they are in.
    let mut tree = Asm::proto(2)
        .global("m", "Node")
        .memo(0)
        .ops(b")\x81")
        .memo(1)
        .ops(b"}")
        .memo(2);
    for _ in 0..200 {
        tree = tree.get(0).ops(b")\x81").get(2).ops(b"b0");
        tree = tree.text("child").get(1).ops(b"s");
    }
    assert!(read(&tree.ops(b"b").stop()).anomalies.is_empty());
}

#[test]
fn inline_arrays_of_joblib_are_skipped() {
    let wrapper = Asm::proto(4)
        .stack_global("joblib.numpy_pickle", "NumpyArrayWrapper")
        .ops(b")\x81}(")
        .text("shape")
        .int(3)
        .ops(&[op::TUPLE1])
        .text("dtype")
        .stack_global("numpy", "dtype")
        .text("f8")
        .ops(&[op::TUPLE1, op::REDUCE])
        .text("numpy_array_alignment_bytes")
        .int(16)
        .ops(b"ub");
    let stream = wrapper
        .clone()
        .raw([2, 0xff, 0xff])
        .raw([0xfe; 24])
        .ops(b"0")
        .stack_global("os", "system")
        .call("id")
        .stop();
    let facts = read(&stream);
    assert_eq!(told(&facts).last().unwrap(), "Call os.system");
    assert_eq!(
        (facts.tensors[0].dtype.as_str(), &facts.tensors[0].shape),
        ("f64", &vec![3])
    );
    assert!(facts.anomalies.is_empty());
    // The same bytes as instructions for an unpickler without joblib's hook.
    let hidden = Asm::new()
        .ops(b"0")
        .stack_global("os", "system")
        .ops(b"N0")
        .open();
    let code = wrapper
        .raw([0])
        .raw(&hidden[..24.min(hidden.len())])
        .ops(b"N")
        .stop();
    read(&code);
}

#[test]
fn old_torch_files_are_five_pickles_and_storages() {
    let magic = Asm::proto(2).raw([op::LONG1, 10]);
    let magic = magic
        .raw([0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19])
        .stop();
    let computed = Asm::proto(2).global("builtins", "eval").call("m").stop();
    for (first, calls) in [(magic, 1), (computed, 2)] {
        let mut file = first;
        file.extend(Asm::proto(2).raw(b"M\xe9\x03").stop());
        file.extend(Asm::proto(2).ops(b"}").stop());
        let storage = Asm::proto(2)
            .ops(b"}")
            .text("w")
            .global("torch._utils", "_rebuild_tensor_v2")
            .ops(b"((")
            .text("storage")
            .global("torch", "FloatStorage")
            .text("0")
            .text("cpu")
            .int(2)
            .ops(b"NtQ")
            .int(0)
            .int(2)
            .ops(&[op::TUPLE1])
            .int(1)
            .ops(&[op::TUPLE1])
            .ops(b"\x89NtRs");
        file.extend(storage.stop());
        file.extend(Asm::proto(2).ops(b"](").text("0").ops(b"e").stop());
        file.extend(2_u64.to_le_bytes());
        file.extend([0_u8; 8]);
        let facts = read(&file);
        assert!(facts.anomalies.is_empty(), "{:?}", facts.anomalies);
        assert!(facts.code.iter().all(|code| code.reached));
        let count = facts
            .code
            .iter()
            .filter(|code| code.action == Action::Call)
            .count();
        assert_eq!(count, calls);
        let tensor = &facts.tensors[0];
        assert_eq!((tensor.name.as_str(), tensor.dtype.as_str()), ("w", "f32"));
        assert_eq!(tensor.at.span.unwrap().len, 8);
    }
}

#[test]
fn text_is_not_a_pickle() {
    for text in [
        "config\nvalue\n(something)\n",
        "class Model:\n    pass\n",
        "{\"a\": 1}\n",
        "import os\nos.system('id')\n",
        "I am a text.\n",
        "Name,Age\nBob,3\n",
        "(see below)\n",
        "\n\n# Title\n",
        "#!/bin/sh\n",
        "cat\ndog\nRabbit\n",
        "PK\x03\x04\x14\0\0\0\0\0\nK\x01.",
    ] {
        let input = Input::file("x", text.as_bytes());
        assert_ne!(super::identify(&input), crate::Fit::Yes, "{text}");
    }
    for pickle in [
        &b"cos\nsystem\n(S'id'\ntR."[..],
        b"(S'id'\nios\nsystem\n.",
        b"(lp0\nI1\na.",
        b"].",
    ] {
        let input = Input::file("x.txt", pickle);
        assert_eq!(super::identify(&input), crate::Fit::Yes);
    }
}

#[test]
fn a_stream_among_other_bytes_is_found() {
    let evil = Asm::proto(2).global("os", "system").call("id").stop();
    let mut bytes = vec![b'x'; 1000];
    bytes.extend(&evil);
    assert_eq!(super::find(&bytes), Some(1000));
    let old = b"some text\ncos\nsystem\n(S'id'\ntR.";
    assert_eq!(super::find(old), Some(10));
    assert_eq!(super::find(&[0x80; 5000]), None);
}

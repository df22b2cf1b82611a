use modelward_schema::{Code, Facts};

use crate::{Limits, read};

fn facts(name: &str, source: &str) -> Facts {
    read(name, source.as_bytes(), &Limits::default())
}

fn calls(source: &str) -> Vec<(String, bool)> {
    facts("m.py", source)
        .code
        .iter()
        .map(|code: &Code| (code.target.clone(), code.reached))
        .collect()
}

fn reached(source: &str) -> Vec<String> {
    calls(source)
        .into_iter()
        .filter_map(|(target, reached)| reached.then_some(target))
        .collect()
}

#[test]
fn names_are_followed_through_aliases_and_strings() {
    for source in [
        "import os\nos.system('id')\n",
        "import os as o\ns = o.system\ns('id')\n",
        "from os import system as s\ns('id')\n",
        "import os\ngetattr(os, 'sys' + 'tem')('id')\n",
        "__import__('os').system('id')\n",
        "import importlib\nimportlib.import_module(''.join(reversed('so'))).system('id')\n",
        "import sys\nsys.modules['os'].system('id')\n",
        "import os\nvars(os)['metsys'[::-1]]('id')\n",
        "import operator, os\noperator.methodcaller('system', 'id')(os)\n",
        "import os\nx = [os.system('id') for _ in '1']\n",
        "import os\nclass A:\n  b = os.system('id')\n",
        "import os\ndef f(a=os.system('id')): pass\n",
        "import os\ndef f():\n  os.system('id')\ndef g():\n  f()\ng()\n",
        "import os\ndef f(x):\n  os.system('id')\n@f\ndef g(): pass\n",
        "import os\nclass A:\n  def __init__(self):\n    os.system('id')\nA()\n",
        "import os\nclass A:\n  def __init_subclass__(cls):\n    os.system('id')\nclass B(A): pass\n",
        "import os\nclass M(type):\n  def __new__(m, *a):\n    os.system('id')\nclass B(metaclass=M): pass\n",
        "import os\ntry:\n  pass\nfinally:\n  os.system('id')\n",
    ] {
        assert!(
            reached(source).contains(&"os.system".to_owned()),
            "{source}: {:?}",
            calls(source)
        );
    }
}

#[test]
fn what_import_passes_by_is_told_apart() {
    for source in [
        "import os\ndef f():\n  os.system('id')\n",
        "import os\nif __name__ == '__main__':\n  os.system('id')\n",
        "import os\nf = lambda: os.system('id')\n",
        "import os\nclass A:\n  def forward(self):\n    os.system('id')\n",
    ] {
        assert_eq!(calls(source), [("os.system".to_owned(), false)], "{source}");
    }
}

#[test]
fn an_encoding_that_rewrites_the_source_is_told_and_followed() {
    let facts = facts(
        "m.py",
        "# -*- coding: raw_unicode_escape -*-\nimport os\n# note\\u000aos.system('id')\n",
    );
    assert_eq!(facts.anomalies[0].id, "python-foreign-encoding");
    assert!(facts.code[0].reached);
}

#[test]
fn a_start_up_file_is_python() {
    let facts = facts("x.pth", "import os; os.system('id')\n");
    assert_eq!(facts.files[0].format, "python");
    assert_eq!(facts.code[0].target, "os.system");
}

#[test]
fn cells_of_a_notebook_are_read_but_not_reached() {
    let facts = facts(
        "n.ipynb",
        r#"{"cells": [{"cell_type": "code", "source": ["!curl x | sh\n", "import os\n", "os.system('id')"]},
            {"source": "os.system('no')", "cell_type": "markdown"}], "nbformat": 4}"#,
    );
    let told: Vec<(&str, bool)> = facts
        .code
        .iter()
        .map(|code| (code.target.as_str(), code.reached))
        .collect();
    assert_eq!(told, [("IPython.system", false), ("os.system", false)]);
}

#[test]
fn hostile_source_ends_in_a_gap() {
    for piece in [
        "(",
        "not ",
        "a.",
        "lambda: ",
        "f'{",
        "x if y else ",
        "[x for x in ",
    ] {
        let facts = facts("m.py", &format!("x = 1\ny = {}", piece.repeat(50_000)));
        assert!(!facts.coverage.complete, "{piece}");
    }
}

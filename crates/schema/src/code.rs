//! Code that a loader would run, as far as it can be known without running it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Location;

/// One thing that happens, or can happen, when the file is loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Code {
    pub via: Via,
    pub action: Action,
    /// Fully resolved dotted name as today's interpreter would resolve it
    /// (`os.system`, `builtins.eval`). `?` stands for a part that the program
    /// computes and that could not be known.
    pub target: String,
    /// The name as written, when resolving changed it (`__builtin__ eval`,
    /// `torch serialization.os.system`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<String>,
    /// Positional arguments; for [`Action::Build`] the one state; for
    /// [`Action::Persistent`] the id's parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<Term>,
    /// Keyword arguments of `NEWOBJ_EX` and the like.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kwargs: Vec<(String, Term)>,
    /// The target was not written down but produced by other calls
    /// (`getattr`, string building, attribute walks).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub computed: bool,
    /// False when the ordinary loader stops before it: behind junk or damage, in a
    /// container's unreachable bytes, in a tensor blob.
    pub reached: bool,
    /// How often the same thing happens with arguments of the same shape.
    pub count: u64,
    /// The first time.
    pub at: Location,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    Pickle,
    /// A pickle that is an argument or a value inside another pickle.
    NestedPickle,
    Python,
    Jinja,
    Torchscript,
    Onnx,
    Tensorflow,
    Tflite,
    Yaml,
    Config,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A module is imported and a name in it looked up; nothing is called by
    /// this action itself (later uses have their own entry).
    Import,
    /// The target is called with `args` (`REDUCE`, `INST`, `OBJ`).
    Call,
    /// An instance is made without `__init__`: `cls.__new__(cls, *args)`
    /// (`NEWOBJ`, `NEWOBJ_EX`, `copyreg._reconstructor`).
    New,
    /// State is set on what `target` yielded (`BUILD`: `__setstate__`, or the
    /// object's `__dict__`).
    Build,
    /// Items are appended or set on an object that is not a plain container
    /// (`APPENDS`, `SETITEMS`, `ADDITEMS` call its methods).
    Fill,
    /// A persistent id is handed to the loader's own resolver.
    Persistent,
    /// A code of the process-wide extension registry is used (`EXT1`…).
    Extension,
    /// An out-of-band buffer is asked for (protocol 5).
    Buffer,
}

/// A value on the abstract stack: constants as far as kept, calls as terms.
/// Depth, width and text are capped; `more` and `len` tell what was cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Term {
    None,
    Bool(bool),
    Int(i64),
    /// An integer that does not fit in 64 bits: its size in bytes.
    BigInt(u64),
    Float(f64),
    /// Text, at most 1 KiB kept; `len` in bytes.
    Str {
        text: String,
        len: u64,
    },
    /// Bytes, at most 64 kept as hex; `len` in bytes.
    Bytes {
        hex: String,
        len: u64,
    },
    Tuple {
        #[schema(no_recursion)]
        items: Vec<Term>,
        more: u64,
    },
    List {
        #[schema(no_recursion)]
        items: Vec<Term>,
        more: u64,
    },
    Set {
        #[schema(no_recursion)]
        items: Vec<Term>,
        more: u64,
    },
    Dict {
        #[schema(no_recursion, value_type = Vec<Vec<Term>>)]
        items: Vec<(Term, Term)>,
        more: u64,
    },
    /// A global that was looked up and is passed as a value.
    Global(String),
    /// What a call of `target` yielded.
    Result {
        target: String,
        #[schema(no_recursion)]
        args: Vec<Term>,
    },
    /// A persistent object.
    Persistent,
    /// Not known, or cut by a cap.
    Unknown,
}

impl Term {
    /// The text of a string term.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str { text, .. } => Some(text),
            _ => None,
        }
    }
}

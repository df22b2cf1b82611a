//! What operators mean: one table per framework, one vocabulary for all.
//!
//! The vocabulary is [`Std`]: the names and operand orders of ONNX, and a few
//! more where ONNX has no word. A framework's table says for each of its
//! operators which of these it is, in which order its operands are and how its
//! attributes are called; what an operator does to its operands is then said
//! once, for the vocabulary. An operator that no table knows is opaque: it may
//! do anything, so everything that went into it may be in what comes out.

mod given;
mod influence;
mod onnx;
mod standard;
mod strided;
mod tensorflow;
mod tflite;

use modelward_schema::Setting;

pub use given::Given;
pub(crate) use given::{Turns, literals, turns};
pub use influence::Class;
pub use standard::Std;

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Meaning {
    Operator(Translated),
    /// It only states a constant, which its attributes hold.
    Literal,
    Control(Control),
}

/// An operator in the words of the vocabulary.
#[derive(Debug, Clone, PartialEq)]
pub struct Translated {
    pub std: Std,
    /// For each operand of the meaning, which of the node's it is; absent when
    /// they are the node's own in its order.
    pub operands: Option<Vec<Option<usize>>>,
    /// Attributes that are called or written differently by the framework.
    pub set: Vec<(&'static str, Setting)>,
    /// What is done to its first output at once: an activation, a negation.
    pub then: Option<Then>,
}

/// An operator of one operand that another one brings along.
#[derive(Debug, Clone, PartialEq)]
pub struct Then {
    pub std: Std,
    pub set: Vec<(&'static str, Setting)>,
}

impl From<Std> for Translated {
    fn from(std: Std) -> Self {
        Self {
            std,
            operands: None,
            set: Vec::new(),
            then: None,
        }
    }
}

/// Nodes that run graphs. The words are the names of the attributes that hold
/// them: an index of a body, or a function's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// The first operand chooses one of the bodies; the first is taken when it
    /// is true (or 0, for more than two). Operands from `arguments` on are
    /// handed in.
    Branch {
        bodies: &'static [&'static str],
        arguments: usize,
    },
    /// ONNX `Loop`.
    Loop,
    /// ONNX `Scan`.
    Scan,
    /// Every operand is carried from turn to turn.
    While {
        condition: &'static str,
        body: &'static str,
    },
    Call {
        body: &'static str,
    },
}

/// The meaning of a node; none for operators that no table knows.
pub fn find(given: &Given<'_>) -> Option<Meaning> {
    match given.framework {
        "onnx" | "ort" => onnx::find(given),
        "tensorflow" => tensorflow::find(given, &given.node.op),
        "tflite" => tflite::find(given),
        _ => None,
    }
}

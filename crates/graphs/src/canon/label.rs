//! Labels: what two operators must share to be the same operator.
//!
//! A label is 128 bits of SHA-256 over tagged parts, so nobody can write a graph
//! whose hidden nodes carry the labels of honest ones.

use sha2::{Digest as _, Sha256};

pub(crate) type Label = u128;

/// Collects the parts of one label.
#[derive(Debug, Clone, Default)]
pub(crate) struct Labeler(Sha256);

impl Labeler {
    pub(crate) fn new(tag: &str) -> Self {
        let mut own = Self::default();
        own.text(tag);
        own
    }

    /// The length goes in too, so that parts cannot run into each other.
    pub(crate) fn text(&mut self, text: &str) {
        self.number(u64::try_from(text.len()).unwrap_or(u64::MAX));
        self.0.update(text.as_bytes());
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    pub(crate) fn long(&mut self, number: i64) {
        self.0.update(number.to_le_bytes());
    }

    pub(crate) fn label(&mut self, label: Label) {
        self.0.update(label.to_le_bytes());
    }

    /// Six significant digits: exporters print and parse attributes, and half
    /// precision rounds literals.
    pub(crate) fn real(&mut self, number: f64, digits: usize) {
        // Zero has a sign that no operator here sees.
        let number = if number == 0.0 { 0.0 } else { number };
        self.text(&format!("{number:.digits$e}"));
    }

    pub(crate) fn done(self) -> Label {
        let digest = self.0.finalize();
        let mut half = [0_u8; 16];
        for (to, from) in half.iter_mut().zip(digest.iter()) {
            *to = *from;
        }
        Label::from_le_bytes(half)
    }
}

pub(crate) fn hex(label: Label) -> String {
    format!("{label:032x}")
}

//! Bills of materials: what a report and its evidence say about a model, in
//! CycloneDX 1.6 and 1.7 and in SPDX 3.0.1.
//!
//! Everything comes from the bytes first: files, tensors, operators, code,
//! templates. The model card and the manifest add what bytes cannot know
//! (licence, datasets, uses); where card and bytes disagree, both are kept and
//! the disagreement is an entry of its own. Nothing is invented: a mandatory
//! field nobody filled is left out and listed in [`Bill::missing`].
//!
//! The same report at the same time gives the same document.
#![forbid(unsafe_code)]

mod architecture;
mod card;
mod cyclonedx;
mod disagreement;
mod facts;
mod licence;
mod package;
mod spdx3;
mod summary;

use modelward_schema::Report;
use serde_json::Value;

pub use summary::{Ancestor, Attached};

/// A document format and its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// <https://cyclonedx.org/docs/1.6/json/>
    CycloneDx16,
    /// <https://cyclonedx.org/docs/1.7/json/>
    CycloneDx17,
    /// <https://spdx.github.io/spdx-spec/v3.0.1/>, JSON-LD
    Spdx301,
}

impl Format {
    pub const ALL: [(&'static str, Self); 3] = [
        ("cyclonedx-1.6", Self::CycloneDx16),
        ("cyclonedx-1.7", Self::CycloneDx17),
        ("spdx-3.0.1", Self::Spdx301),
    ];
}

/// What is known beside the report.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// RFC 3339, UTC, to the second: when the document is made.
    pub now: String,
    /// Who supplies the model, when neither manifest nor hub says.
    pub supplier: Option<String>,
    /// RFC 3339, UTC: when the model was released.
    pub released: Option<String>,
    /// From provenance statements; manifest and card are read from the report.
    pub ancestors: Vec<Ancestor>,
    /// Signatures and statements that lie beside the model.
    pub attached: Vec<Attached>,
}

/// A document and what it lacks.
#[derive(Debug)]
pub struct Bill {
    pub document: Value,
    /// Fields that the format asks for and nobody filled.
    pub missing: Vec<Missing>,
}

/// A field nobody filled and where to write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// `releaseTime`, `suppliedBy`…
    pub field: &'static str,
    /// One sentence fragment after "write it in": `source.publisher of modelward.yaml`.
    pub remedy: &'static str,
}

/// Writes the bill of `report`.
pub fn write(report: &Report, known: &Known, format: Format) -> Bill {
    let summary = summary::gather(report, known);
    let document = match format {
        Format::CycloneDx16 => cyclonedx::write(&summary, "1.6"),
        Format::CycloneDx17 => cyclonedx::write(&summary, "1.7"),
        Format::Spdx301 => spdx3::write(&summary),
    };
    Bill {
        document,
        missing: summary.missing(),
    }
}

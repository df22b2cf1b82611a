//! What can be said of a model, one file each. Members that a statement has
//! beyond these are kept in `rest`.

mod approval;
mod custody;
mod exemption;
mod operation;
mod proof;
mod provenance;
mod revocation;
mod rotation;
mod scan;
mod tensors;
mod test_result;
mod verdict;

pub use approval::Approval;
pub use custody::{Accept, Release};
pub use exemption::Exemption;
pub use operation::Operation;
pub use proof::{ConversionProof, ProofCounts};
pub use provenance::{
    BuildDefinition, Builder, Lack, Parameters, Provenance, RunDetails, RunMetadata,
};
pub use revocation::Revocation;
pub use rotation::{AddedKey, RetiredKey, RevokedKey, Rotation};
pub use scan::{ScanCoverage, ScanFinding, ScanReport};
pub use tensors::{TensorDigest, TensorDigests};
pub use test_result::{TestOutcome, TestResult};
pub use verdict::{PolicyReference, Verdict, Verification, Verifier};

/// Whether a member that must say something says nothing.
fn blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// `lacks NAME` for each that is blank.
fn lacking(members: &[(&str, &str)]) -> Vec<String> {
    members
        .iter()
        .filter(|(_, text)| blank(text))
        .map(|(name, _)| format!("lacks {name}"))
        .collect()
}

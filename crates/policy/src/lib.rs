//! Evidence → verdict. Rego v1 over the report document: the shipped policies
//! in `/policies`, or a user's own bundle beside a core that no bundle can
//! drop. Pure: text and data in, verdict out; `now` comes with the input.
//!
//! The language is [Rego v1](https://www.openpolicyagent.org/docs/policy-language)
//! as regorus speaks it, without network, random numbers or the clock.
#![forbid(unsafe_code)]

mod built_in;
mod bundle;
mod codes;
mod engine;
mod error;
mod explain;
mod input;
mod judge;
mod policy;
mod source;
mod tests_in_rego;
mod verdict;

pub use codes::{ReasonPage, reason_codes, reason_page};
pub use error::PolicyError;
pub use explain::{Explanation, FiredRule, RequiredControl, TierCause};
pub use policy::{Policy, PolicyFile};
pub use tests_in_rego::{TestOutcome, run_tests};

/// The shipped policies and their tests, by name.
pub fn shipped() -> impl Iterator<Item = PolicyFile<'static>> {
    built_in::POLICIES
        .iter()
        .chain(built_in::DATA)
        .chain(built_in::TESTS)
        .copied()
}

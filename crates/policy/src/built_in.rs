//! The policies that ship, compiled in.

use crate::PolicyFile;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(PolicyFile {
            name: concat!("policies/", $name),
            text: include_str!(concat!("../../../policies/", $name)),
        }),*]
    };
}

pub(crate) static POLICIES: &[PolicyFile<'static>] = files![
    "core.rego",
    "exemptions.rego",
    "gate/approvals.rego",
    "gate/evidence.rego",
    "gate/facets.rego",
    "gate/findings.rego",
    "gate/gate.rego",
    "gate/lineage.rego",
    "gate/manifest.rego",
    "gate/scope.rego",
    "lib.rego",
    "main.rego",
    "tier.rego",
];

pub(crate) static DATA: &[PolicyFile<'static>] = files!["codes.json", "requirements.json"];

pub(crate) static TESTS: &[PolicyFile<'static>] = files![
    "core_test.rego",
    "exemptions_test.rego",
    "fixtures_test.rego",
    "gate/approvals_test.rego",
    "gate/evidence_test.rego",
    "gate/facets_test.rego",
    "gate/findings_test.rego",
    "gate/gate_test.rego",
    "gate/lineage_test.rego",
    "gate/manifest_test.rego",
    "gate/scope_test.rego",
    "lib_test.rego",
    "main_test.rego",
    "tier_test.rego",
];

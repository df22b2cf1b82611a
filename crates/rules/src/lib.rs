//! Facts → findings. A rule is one `.rs`, the `.md` beside it, and one word in
//! the list below. Rules read facts only: no bytes, no I/O, no clock, so
//! tomorrow's rules can judge yesterday's models from their stored facts.
#![forbid(unsafe_code)]

mod collect;
mod judgement;
mod lies;
mod suspects;
mod vocabulary;
mod way_out;

use modelward_schema::{Facts, Finding, Severity};

pub use collect::Findings;

/// A rule: what it is called, what it says, how it looks.
#[derive(Debug)]
pub struct Rule {
    /// Kebab-case, reads well after "allow"; the file's name with hyphens.
    pub id: &'static str,
    /// What is the case when it is found, lower case.
    pub title: &'static str,
    /// The severity that it usually gives; a finding may be graded otherwise.
    pub severity: Severity,
    /// Ids in public frameworks: CWE, MITRE ATLAS, OWASP, NIST CSF.
    pub frameworks: &'static [&'static str],
    /// What to do, one sentence.
    pub fix: &'static str,
    /// The page: *What it finds · Why it matters · Found · Not found · What to do*.
    pub page: &'static str,
    pub check: fn(&Facts, &mut Findings),
}

/// Declares the modules and the list at once.
macro_rules! rules {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*
        /// Every rule, sorted by id.
        pub static RULES: &[&Rule] = &[$(&$module::RULE),*];
    };
}

rules! {
    archive_is_sealed,
    archive_link_escapes,
    archive_path_escapes,
    archive_tells_two_stories,
    config_imports_code,
    config_runs_remote_code,
    container_lies,
    dependency_from_foreign_index,
    external_data_escapes,
    external_data_missing,
    file_claims_other_format,
    file_expands_enormously,
    file_hides_content,
    file_hides_executable,
    function_shadows_operator,
    graph_breaks_quantization,
    graph_counts_calls,
    graph_hides_branch,
    graph_ignores_input,
    graph_leaks_across_batch,
    graph_leaves_arithmetic,
    graph_passes_opaque_operator,
    graph_reaches_outside,
    graph_runs_code,
    graph_uses_custom_operator,
    index_names_missing_shard,
    metadata_carries_code,
    notebook_runs_commands,
    pickle_calls_code,
    pickle_calls_unknown,
    pickle_carries_bytecode,
    pickle_changes_process,
    pickle_computes_names,
    pickle_loads_pickle,
    pickle_misuses_constructor,
    pickle_names_function,
    pickle_reaches_files,
    pickle_reaches_network,
    pickle_rewrites_state,
    pickle_unknown_class,
    pickle_uses_extension_registry,
    pickle_uses_persistent_id,
    python_runs_at_import,
    reader_crashed,
    secret_in_file,
    structure_malformed,
    template_builds_names,
    template_escapes_sandbox,
    template_tests_message,
    template_under_unread_name,
    tensor_hides_payload,
    torchscript_reaches_outside,
    xml_reads_other_file,
    yaml_constructs_objects,
    yaml_expands,
}

/// Runs every rule. Sorted by severity, most severe first, then by place.
pub fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = Findings::default();
    for rule in RULES {
        findings.begin(rule);
        (rule.check)(facts, &mut findings);
    }
    findings.finish()
}

pub fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.id == id)
}

//! What the model card says, from the metadata its reader told.

use modelward_schema::Facts;

use crate::facts::{between, first};

/// A measured figure: what, how much, on what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Metric {
    pub(crate) kind: String,
    pub(crate) value: String,
    pub(crate) dataset: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Card {
    pub(crate) present: bool,
    pub(crate) licence: Option<String>,
    pub(crate) languages: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) task: Option<String>,
    pub(crate) library: Option<String>,
    pub(crate) metrics: Vec<Metric>,
    pub(crate) limitations: Option<String>,
    pub(crate) uses: Option<String>,
    pub(crate) out_of_scope: Option<String>,
    pub(crate) ethics: Option<String>,
    pub(crate) training: Option<String>,
}

pub(crate) fn read(facts: &Facts) -> Card {
    let section = |name: &str| first(facts, &[&format!("card.section/{name}")]).map(str::to_owned);
    let list = |name: &'static str| {
        let key = format!("card.{name}");
        let found = facts.metadata.iter().filter(|entry| {
            entry.key == key
                || entry
                    .key
                    .strip_prefix(&key)
                    .is_some_and(|rest| rest.starts_with('['))
        });
        found.map(|entry| entry.value.clone()).collect::<Vec<_>>()
    };
    Card {
        present: facts
            .metadata
            .iter()
            .any(|entry| entry.key.starts_with("card.")),
        licence: first(facts, &["card.license", "license", "general.license"]).map(str::to_owned),
        languages: list("language"),
        tags: list("tags"),
        task: first(facts, &["card.pipeline_tag", "pipeline_tag"]).map(str::to_owned),
        library: first(facts, &["card.library_name", "library_name"]).map(str::to_owned),
        metrics: metrics(facts),
        limitations: section("limitations"),
        uses: section("uses"),
        out_of_scope: section("out-of-scope"),
        ethics: section("ethics"),
        training: section("training").or_else(|| section("training-data")),
    }
}

/// `model-index` holds results, each with a dataset and metrics; their entries
/// come in the order of the file.
fn metrics(facts: &Facts) -> Vec<Metric> {
    let mut out: Vec<Metric> = Vec::new();
    let (mut kind, mut dataset) = (None, None);
    for entry in &facts.metadata {
        let Some(way) = entry.key.strip_prefix("card.model-index") else {
            continue;
        };
        if way.ends_with(".dataset.name") {
            dataset = Some(entry.value.clone());
        } else if way.contains(".metrics[") && way.ends_with(".type") {
            kind = Some(entry.value.clone());
        } else if way.contains(".metrics[") && way.ends_with(".value") {
            out.push(Metric {
                kind: kind.take().unwrap_or_else(|| "unnamed".to_owned()),
                value: entry.value.clone(),
                dataset: dataset.clone(),
            });
        }
    }
    if out.is_empty() {
        // Without figures, what was measured is at least named.
        out.extend(between(facts, "card.metrics", "]").map(|name| Metric {
            kind: name.to_owned(),
            value: "not stated".to_owned(),
            dataset: None,
        }));
    }
    out
}

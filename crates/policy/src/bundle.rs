//! A user's policies: a folder of `.rego` beside `.json` and `.yaml` data.
//!
//! Packages under `modelward.user` are judged: their `deny`, `hold` and `warn`
//! join those of the shipped gate. Other packages are helpers. Whatever is
//! named `modelward.…` otherwise is refused. Data come under `data.user`, by
//! the file's name. `bundle.toml` may say `replaces = true`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::engine::Engine;
use crate::policy::load_built_in;
use crate::source::SourceMap;
use crate::{PolicyError, PolicyFile};

const SETS: [&str; 3] = ["deny", "hold", "warn"];
const MAX_FILES: usize = 1000;

/// Calls that would make a verdict depend on more than its input.
const REFUSED: &[(&str, &str, &str)] = &[
    ("time.now_ns", "reads the clock", "use input.context.now"),
    (
        "rand.intn",
        "is left to chance",
        "decide on the input alone",
    ),
    (
        "http.send",
        "reaches the network",
        "put what is needed into a data file",
    ),
    (
        "opa.runtime",
        "looks at the machine",
        "put what is needed into a data file",
    ),
];

#[derive(Debug, Clone)]
pub(crate) struct Bundle {
    pub engine: Engine,
    pub sources: Vec<SourceMap>,
    /// Stands in for the shipped gate.
    pub replaces: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct BundleManifest {
    replaces: bool,
}

impl Bundle {
    pub(crate) fn load(files: &[PolicyFile<'_>]) -> Result<Self, PolicyError> {
        if files.len() > MAX_FILES {
            return Err(PolicyError::Syntax {
                place: "bundle".to_owned(),
                message: format!("it has more than {MAX_FILES} files; leave out what is no policy"),
            });
        }
        let mut bundle = Self {
            engine: Engine::limited(),
            sources: Vec::new(),
            replaces: false,
        };
        load_built_in(&mut bundle.engine)?;
        let mut data = Map::new();
        for file in files {
            bundle.add(*file, &mut data)?;
        }
        bundle.engine.add_data("data", json!({ "user": data }))?;
        Ok(bundle)
    }

    fn add(
        &mut self,
        file: PolicyFile<'_>,
        data: &mut Map<String, Value>,
    ) -> Result<(), PolicyError> {
        let base = file.name.rsplit(['/', '\\']).next().unwrap_or(file.name);
        let (stem, extension) = base.rsplit_once('.').unwrap_or((base, ""));
        let syntax = |message: String| PolicyError::Syntax {
            place: file.name.to_owned(),
            message,
        };
        match extension {
            "rego" if stem.ends_with("_test") => {}
            "rego" => {
                let source = SourceMap::read(file.name, file.text);
                let package = self.engine.add_policy(file)?;
                check(&source, &package)?;
                self.sources.push(source);
            }
            "toml" if base == "bundle.toml" => {
                let manifest: BundleManifest = toml::from_str(file.text)
                    .map_err(|error| syntax(error.message().to_owned()))?;
                self.replaces = manifest.replaces;
            }
            "json" | "yaml" | "yml" => {
                let value: Value = if extension == "json" {
                    serde_json::from_str(file.text).map_err(|error| syntax(error.to_string()))?
                } else {
                    yaml_serde::from_str(file.text).map_err(|error| syntax(error.to_string()))?
                };
                if data.insert(stem.to_owned(), value).is_some() {
                    return Err(syntax(format!(
                        "another file also gives data.user.{stem}; rename one"
                    )));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What is judged: each set of reasons that the bundle declares.
    pub(crate) fn reason_sets(&self) -> impl Iterator<Item = (&str, &'static str)> {
        let mut sets: Vec<(&str, &'static str)> = Vec::new();
        for source in self
            .sources
            .iter()
            .filter(|source| is_judged(&source.package))
        {
            for set in SETS {
                if source.rules_named(set).next().is_some() {
                    sets.push((&source.package, set));
                }
            }
        }
        sets.sort_unstable();
        sets.dedup();
        sets.into_iter()
    }
}

fn is_judged(package: &str) -> bool {
    package == "modelward.user" || package.starts_with("modelward.user.")
}

/// `package` is what the evaluator understood, which a trick of writing cannot
/// change.
pub(crate) fn check(source: &SourceMap, package: &str) -> Result<(), PolicyError> {
    let package = package.strip_prefix("data.").unwrap_or(package);
    let ours = package == "modelward" || package.starts_with("modelward.");
    if (ours && !is_judged(package)) || package == "user" || package.starts_with("user.") {
        return Err(PolicyError::Reserved {
            place: format!("{}:{}", source.file, source.package_line),
            package: package.to_owned(),
        });
    }
    for rule in &source.rules {
        for (word, line) in &rule.words {
            if let Some((name, why, instead)) = REFUSED.iter().find(|(name, ..)| name == word) {
                return Err(PolicyError::Refused {
                    place: format!("{}:{line}", source.file),
                    name: (*name).to_owned(),
                    why,
                    instead,
                });
            }
        }
    }
    Ok(())
}

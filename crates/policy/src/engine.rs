//! The one place that knows the evaluator.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{LimitError, PolicyLengthConfig, Value};
use serde::de::DeserializeOwned;

use crate::{PolicyError, PolicyFile};

/// How long a user's policy may take for one evaluation.
const TIME_LIMIT_SECONDS: u64 = 5;
/// Work units between looks at the time limit.
const CHECK_INTERVAL: NonZeroU32 = NonZeroU32::new(1024).unwrap();
const MAX_POLICY_BYTES: NonZeroUsize = NonZeroUsize::new(1 << 20).unwrap();
const MAX_POLICY_LINES: NonZeroUsize = NonZeroUsize::new(20_000).unwrap();
const MAX_POLICY_COLUMNS: NonZeroU32 = NonZeroU32::new(1024).unwrap();

#[derive(Clone)]
pub(crate) struct Engine(regorus::Engine);

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine")
    }
}

impl Engine {
    /// For the policies that ship.
    pub(crate) fn trusted() -> Self {
        let mut engine = regorus::Engine::new();
        // As in OPA: a builtin that fails is undefined, not the end.
        engine.set_strict_builtin_errors(false);
        Self(engine)
    }

    /// For policies that somebody else wrote.
    pub(crate) fn limited() -> Self {
        let mut engine = Self::trusted();
        engine.0.set_policy_length_config(PolicyLengthConfig {
            max_col: MAX_POLICY_COLUMNS,
            max_file_bytes: MAX_POLICY_BYTES,
            max_lines: MAX_POLICY_LINES,
        });
        engine.0.set_execution_timer_config(ExecutionTimerConfig {
            limit: Duration::from_secs(TIME_LIMIT_SECONDS),
            check_interval: CHECK_INTERVAL,
        });
        engine
    }

    /// Returns the package that the file declares, with `data.` before it.
    pub(crate) fn add_policy(&mut self, file: PolicyFile<'_>) -> Result<String, PolicyError> {
        self.0
            .add_policy(file.name.to_owned(), file.text.to_owned())
            .map_err(|error| syntax(file.name, &error.to_string()))
    }

    pub(crate) fn add_data(
        &mut self,
        name: &str,
        data: serde_json::Value,
    ) -> Result<(), PolicyError> {
        self.0
            .add_data(Value::from(data))
            .map_err(|error| syntax(name, &error.to_string()))
    }

    pub(crate) fn set_input(&mut self, input: Value) {
        self.0.set_input(input);
    }

    /// The value of a rule, `None` when it is undefined.
    pub(crate) fn rule<T: DeserializeOwned>(
        &mut self,
        path: &str,
    ) -> Result<Option<T>, PolicyError> {
        let value = self
            .0
            .eval_rule(path.to_owned())
            .map_err(|error| failed(&error.to_string(), error.downcast_ref::<LimitError>()))?;
        if value == Value::Undefined {
            return Ok(None);
        }
        serde_json::to_value(&value)
            .and_then(serde_json::from_value)
            .map(Some)
            .map_err(|error| {
                PolicyError::Evaluation(format!("{path} has an unexpected form: {error}"))
            })
    }

    /// The values of a query, one per solution.
    pub(crate) fn query(&mut self, query: &str) -> Result<Vec<serde_json::Value>, PolicyError> {
        let failed = |message: &str| PolicyError::Query {
            query: query.to_owned(),
            message: split_message(message).1,
        };
        let results = self
            .0
            .eval_query(query.to_owned(), false)
            .map_err(|error| failed(&error.to_string()))?;
        results
            .result
            .iter()
            .filter_map(|result| result.expressions.last())
            .map(|expression| serde_json::to_value(&expression.value))
            .collect::<Result<_, _>>()
            .map_err(|error| failed(&error.to_string()))
    }
}

fn failed(message: &str, limit: Option<&LimitError>) -> PolicyError {
    if matches!(limit, Some(LimitError::TimeLimitExceeded { .. })) {
        return PolicyError::Slow(TIME_LIMIT_SECONDS);
    }
    let (place, message) = split_message(message);
    PolicyError::Evaluation(match place {
        Some(place) => format!("{place}: {message}"),
        None => message,
    })
}

fn syntax(name: &str, message: &str) -> PolicyError {
    let (place, message) = split_message(message);
    PolicyError::Syntax {
        place: place.unwrap_or_else(|| name.to_owned()),
        message,
    }
}

/// The evaluator draws the offending line; one sentence and its place is what
/// is wanted: `--> file:line:column`, the drawing, `error: what`.
fn split_message(message: &str) -> (Option<String>, String) {
    let place = message
        .lines()
        .find_map(|line| line.strip_prefix("--> "))
        .map(|place| place.trim().to_owned());
    let what = message
        .lines()
        .find_map(|line| line.trim().strip_prefix("error: "))
        .unwrap_or_else(|| {
            message
                .lines()
                .find(|line| !line.trim().is_empty())
                .unwrap_or(message)
        });
    (place, what.trim().trim_end_matches('.').to_owned())
}

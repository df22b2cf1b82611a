//! MLflow's [MLmodel](https://mlflow.org/docs/latest/ml/model/): flavours, run,
//! time and id of a logged model.

use super::{Hints, TextFile, add, set};
use crate::yaml::{self, Value};

pub(super) fn read(hints: &mut Hints, file: TextFile<'_>) {
    let Ok(root) = yaml::read(file.text) else {
        return;
    };
    let from = file.name;
    let text = |key: &str| root.get(key).and_then(|node| node.text()).unwrap_or("");
    if let Some(Value::Mapping(flavors)) = root.get("flavors").map(|node| &node.value) {
        for flavor in flavors
            .iter()
            .filter(|flavor| flavor.key != "python_function")
        {
            let version = flavor
                .value
                .get(&format!("{}_version", flavor.key))
                .or_else(|| flavor.value.get("version"))
                .and_then(|node| node.text())
                .unwrap_or("");
            add(
                &mut hints.about,
                format!("{} {version}", flavor.key).trim(),
                from,
            );
        }
    }
    if !text("run_id").is_empty() {
        set(
            &mut hints.training,
            &format!("mlflow:run/{}", text("run_id")),
            from,
        );
    }
    set(&mut hints.name, text("name"), from);
    set(&mut hints.revision, text("model_uuid"), from);
    set(&mut hints.revision, text("model_id"), from);
    set(&mut hints.created, text("utc_time_created"), from);
}

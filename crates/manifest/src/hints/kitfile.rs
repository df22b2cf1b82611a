//! KitOps' [Kitfile](https://kitops.org/docs/kitfile/format/): package, model
//! and its parts, code, datasets.

use super::{Hints, TextFile, add, set};
use crate::yaml;

pub(super) fn read(hints: &mut Hints, file: TextFile<'_>) {
    let Ok(root) = yaml::read(file.text) else {
        return;
    };
    let from = file.name;
    if let Some(package) = root.get("package") {
        let text = |key: &str| package.get(key).and_then(|node| node.text()).unwrap_or("");
        set(&mut hints.name, text("name"), from);
        set(&mut hints.version, text("version"), from);
        set(&mut hints.description, text("description"), from);
        set(&mut hints.license, text("license"), from);
        for author in package
            .get("authors")
            .map(yaml::Node::items)
            .unwrap_or_default()
        {
            add(&mut hints.authors, author.text().unwrap_or(""), from);
        }
    }
    if let Some(model) = root.get("model") {
        let text = |key: &str| model.get(key).and_then(|node| node.text()).unwrap_or("");
        set(&mut hints.name, text("name"), from);
        set(&mut hints.version, text("version"), from);
        set(&mut hints.description, text("description"), from);
        set(&mut hints.license, text("license"), from);
        add(&mut hints.about, text("framework"), from);
        // A model kit may lie on another: its path is then a registry reference.
        let path = text("path");
        if path.contains('/') && path.contains(':') && !path.starts_with(['.', '/']) {
            hints.parent(path, None, from);
        }
    }
    for dataset in root
        .get("datasets")
        .map(yaml::Node::items)
        .unwrap_or_default()
    {
        let text = |key: &str| dataset.get(key).and_then(|node| node.text());
        add(
            &mut hints.datasets,
            text("path").or_else(|| text("name")).unwrap_or(""),
            from,
        );
    }
    for code in root.get("code").map(yaml::Node::items).unwrap_or_default() {
        let path = code.get("path").and_then(|node| node.text()).unwrap_or("");
        set(&mut hints.training, path, from);
    }
}

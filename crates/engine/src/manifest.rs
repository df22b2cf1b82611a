//! The manifest's text → the manifest.

use modelward_schema::{Location, Manifest, ManifestFault};

pub(crate) fn parse(place: &str, text: &str) -> Result<Manifest, Vec<ManifestFault>> {
    let value: Result<serde_json::Value, _> = yaml_serde::from_str(text);
    value
        .map_err(|error| error.to_string())
        .and_then(|value| serde_json::from_value(value).map_err(|error| error.to_string()))
        .map_err(|message| {
            vec![ManifestFault {
                code: "manifest-syntax".to_owned(),
                message,
                at: Location::file(place),
            }]
        })
}

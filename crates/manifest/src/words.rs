//! The words that a manifest may use, as people type them.

/// Allowed values in the order in which they are offered.
pub(crate) const TIERS: &[&str] = &["low", "medium", "high", "critical"];
pub(crate) const INFLUENCES: &[&str] = &[
    "access",
    "triage",
    "content-filtering",
    "transactions",
    "classification",
    "automation",
    "summarisation",
];
pub(crate) const CUSTOMER_DATA: &[&str] = &["none", "customer", "regulated"];
pub(crate) const DATA_CLASSES: &[&str] = &[
    "public",
    "internal",
    "confidential",
    "customer",
    "regulated",
];
pub(crate) const EXPOSURES: &[&str] = &["offline", "internal", "partner", "internet"];
pub(crate) const ORIGINS: &[&str] = &["vendor", "open-weights", "internal"];
pub(crate) const TRANSFORMATIONS: &[&str] = &[
    "fine-tune",
    "adapter-train",
    "merge",
    "convert",
    "quantize",
    "prune",
    "re-shard",
    "re-export",
    "repackage",
    "tokenizer-edit",
    "template-edit",
];

/// `low, medium, high or critical`
pub(crate) fn any_of(words: &[&str]) -> String {
    match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modelward_schema::{
        CustomerData, DataClass, Exposure, Influence, Origin, Tier, Transformation,
    };

    fn accepts<T: serde_json_like::Read>(words: &[&str]) {
        for word in words {
            assert!(T::reads(word), "{word}");
        }
    }

    mod serde_json_like {
        pub(crate) trait Read {
            fn reads(word: &str) -> bool;
        }
        macro_rules! read {
            ($($type:ty),*) => {$(impl Read for $type {
                fn reads(word: &str) -> bool {
                    serde_json::from_value::<$type>(serde_json::json!(word)).is_ok()
                }
            })*};
        }
        read!(
            super::CustomerData,
            super::DataClass,
            super::Exposure,
            super::Influence,
            super::Origin,
            super::Tier,
            super::Transformation
        );
    }

    #[test]
    fn the_vocabulary_knows_every_word() {
        accepts::<Tier>(TIERS);
        accepts::<Influence>(INFLUENCES);
        accepts::<CustomerData>(CUSTOMER_DATA);
        accepts::<DataClass>(DATA_CLASSES);
        accepts::<Exposure>(EXPOSURES);
        accepts::<Origin>(ORIGINS);
        accepts::<Transformation>(TRANSFORMATIONS);
        assert_eq!(any_of(TIERS), "low, medium, high or critical");
    }
}

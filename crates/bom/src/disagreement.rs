//! Where what is written about the model and its bytes do not agree.

use modelward_schema::Facts;

use crate::architecture::Weights;
use crate::card::Card;
use crate::facts::{all, first};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Disagreement {
    pub(crate) about: &'static str,
    pub(crate) written: String,
    pub(crate) bytes: String,
}

impl Disagreement {
    pub(crate) fn sentence(&self) -> String {
        format!(
            "{}: written is {}, the bytes say {}",
            self.about, self.written, self.bytes
        )
    }
}

pub(crate) fn find(facts: &Facts, card: &Card, weights: &Weights, name: &str) -> Vec<Disagreement> {
    let mut out = Vec::new();
    let mut differ = |about, written: &str, bytes: &str| {
        out.push(Disagreement {
            about,
            written: written.to_owned(),
            bytes: bytes.to_owned(),
        });
    };
    if let (Some(written), Some(main)) = (
        first(facts, &["dtype", "torch_dtype"]),
        weights.main_dtype(),
    ) && let Some(short) = short_dtype(written)
        && short != main
    {
        differ("precision", written, main);
    }
    let counted = |keys: &[&str]| first(facts, keys).and_then(|text| text.parse::<u64>().ok());
    if let (Some(written), Some(bytes)) = (
        counted(&["num_hidden_layers", "n_layer", "num_layers"]),
        weights.layers,
    ) && written != bytes
    {
        differ("layers", &written.to_string(), &bytes.to_string());
    }
    if let (Some(written), Some(bytes)) = (counted(&["vocab_size"]), weights.vocabulary)
        && written > bytes
    {
        differ("vocabulary", &written.to_string(), &bytes.to_string());
    }
    if weights.parameters > 0
        && let Some((text, claimed)) = claimed_parameters(name)
        // Names round, and count embeddings or do not.
        && (claimed > weights.parameters.saturating_mul(2)
            || claimed < weights.parameters / 2)
    {
        differ("parameters", text, &weights.parameters.to_string());
    }
    let adapted = all(facts, "base_model_name_or_path").next();
    let named = first(facts, &["card.base_model", "card.base_model[0]"]);
    if let (Some(written), Some(adapted)) = (named, adapted)
        && last_part(written) != last_part(&adapted.value)
    {
        differ("base model", written, &adapted.value);
    }
    if let (Some(written), Some(inside)) = (&card.licence, first(facts, &["general.license"]))
        && !written.eq_ignore_ascii_case(inside)
    {
        differ("licence", written, inside);
    }
    out
}

fn last_part(name: &str) -> String {
    let last = name
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or(name);
    last.to_ascii_lowercase()
}

fn short_dtype(written: &str) -> Option<&'static str> {
    Some(match written.trim_start_matches("torch.") {
        "float32" | "float" => "f32",
        "float16" | "half" => "f16",
        "bfloat16" => "bf16",
        "float64" | "double" => "f64",
        _ => return None,
    })
}

/// `7b`, `1.5B`, `350M` as a part of the name.
fn claimed_parameters(name: &str) -> Option<(&str, u64)> {
    name.split(['-', '_', ' ']).find_map(|part| {
        let (digits, factor) = match part.as_bytes().last()? {
            b'b' | b'B' => (part.get(..part.len() - 1)?, 1_000_000_000_u64),
            b'm' | b'M' => (part.get(..part.len() - 1)?, 1_000_000),
            _ => return None,
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let whole: u64 = whole.parse().ok()?;
        let tenths: u64 = match fraction.as_bytes().first() {
            None => 0,
            Some(digit) if digit.is_ascii_digit() => u64::from(digit - b'0'),
            Some(_) => return None,
        };
        let count = whole
            .checked_mul(factor)?
            .checked_add(tenths * (factor / 10))?;
        (count > 0).then_some((part, count))
    })
}

#[cfg(test)]
mod tests {
    use super::claimed_parameters;

    #[test]
    fn sizes_are_read_from_names() {
        assert_eq!(
            claimed_parameters("tiny-1.5B-chat"),
            Some(("1.5B", 1_500_000_000))
        );
        assert_eq!(claimed_parameters("opt_350m"), Some(("350m", 350_000_000)));
        assert_eq!(claimed_parameters("resnet-18"), None);
        assert_eq!(claimed_parameters("b-xb-1.b"), Some(("1.b", 1_000_000_000)));
    }
}

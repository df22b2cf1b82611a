//! `modelward prove` and `modelward identity`: what was shown, worst first.

use std::time::Duration;

use modelward_lineage::{Grade, Model, Proof, TensorProof};
use serde_json::{Value, json};

use super::paint::{Paint, columns, wrap};
use super::{RenderOptions, escape, words};

/// Rows of a table that are shown without `--verbose`.
const ROWS: usize = 20;

/// A proof and what belongs to this run.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    pub proof: &'a Proof,
    pub sources: &'a [Model],
    pub target: &'a Model,
    /// What counts as proven.
    pub at_least: Grade,
    /// Bytes of tensors that were read.
    pub read: u64,
    pub elapsed: Duration,
}

impl Shown<'_> {
    fn outcome(&self) -> &'static str {
        match self.proof.grade {
            Grade::Refuted => "refuted",
            grade if grade <= self.at_least => "proven",
            _ => "undecided",
        }
    }
}

/// One document.
pub fn json(shown: &Shown<'_>) -> String {
    let mut document = serde_json::to_value(shown.proof).unwrap_or(Value::Null);
    if let Value::Object(members) = &mut document {
        members.insert("schema".to_owned(), json!("modelward.proof/1"));
        members.insert("outcome".to_owned(), json!(shown.outcome()));
        members.insert("at_least".to_owned(), json!(shown.at_least));
        let sources: Vec<&str> = shown
            .sources
            .iter()
            .map(|model| model.given.as_str())
            .collect();
        members.insert("sources".to_owned(), json!(sources));
        members.insert("target".to_owned(), json!(shown.target.given));
        members.insert("counts".to_owned(), counts(shown.proof));
    }
    let text = serde_json::to_string_pretty(&document).unwrap_or_else(|_| "{}".to_owned());
    escape::json(&text) + "\n"
}

fn counts(proof: &Proof) -> Value {
    let mut counts = serde_json::Map::new();
    for grade in Grade::ALL {
        let count = proof
            .tensors
            .iter()
            .filter(|tensor| tensor.grade == grade)
            .count();
        if count > 0 {
            counts.insert(grade.to_string(), json!(count));
        }
    }
    Value::Object(counts)
}

/// For people: the outcome, why, and the tensors, worst first.
pub fn text(shown: &Shown<'_>, options: &RenderOptions) -> String {
    let paint = Paint::new(options.colour);
    let proof = shown.proof;
    let word = shown.outcome().to_uppercase();
    let word = match shown.outcome() {
        "proven" => paint.good(&word),
        "refuted" => paint.bad(&word),
        _ => paint.warn(&word),
    };
    let relation = if proof.relation == "none" {
        "no relation"
    } else {
        &proof.relation
    };
    let mut out = format!(
        "\n  {word}  {}   grade {}\n",
        paint.bold(relation),
        proof.grade
    );
    let sources: Vec<String> = shown
        .sources
        .iter()
        .map(|model| escape::plain(&model.given))
        .collect();
    out.push_str(&format!(
        "  {}\n",
        paint.dim(&format!(
            "{} → {}",
            sources.join(" + "),
            escape::plain(&shown.target.given)
        ))
    ));
    section(&mut out, &proof.reasons, options, "", &|text| {
        if proof.grade == Grade::Refuted {
            paint.bad(text)
        } else {
            paint.warn(text)
        }
    });
    table(&mut out, proof, options, paint);
    let differences: Vec<String> = proof
        .differences
        .iter()
        .filter(|difference| !difference.refutes)
        .map(modelward_lineage::Difference::sentence)
        .collect();
    section(
        &mut out,
        &differences,
        options,
        "also different",
        &str::to_owned,
    );
    section(&mut out, &proof.notes, options, "note", &|text| {
        paint.dim(text)
    });
    let seconds = shown.elapsed.as_secs_f64();
    let millis = u64::try_from(shown.elapsed.as_millis()).unwrap_or(u64::MAX);
    let rate = if millis > 50 {
        format!(
            ", {} per second",
            words::bytes(shown.read.saturating_mul(1000) / millis)
        )
    } else {
        String::new()
    };
    out.push_str(&paint.dim(&format!(
        "\n  {} tensors, {} read in {seconds:.1} s{rate}",
        proof.tensors.len(),
        words::bytes(shown.read)
    )));
    out.push('\n');
    out
}

fn section(
    out: &mut String,
    lines: &[String],
    options: &RenderOptions,
    head: &str,
    style: &dyn Fn(&str) -> String,
) {
    let most = if options.verbose { usize::MAX } else { ROWS };
    if lines.is_empty() {
        return;
    }
    out.push('\n');
    if !head.is_empty() {
        out.push_str(&format!("  {head}\n"));
    }
    for line in lines.iter().take(most) {
        for (index, part) in wrap(&escape::plain(line), options.width.max(40) - 6)
            .iter()
            .enumerate()
        {
            let lead = if index == 0 { "  - " } else { "    " };
            out.push_str(&format!("{lead}{}\n", style(part)));
        }
    }
    if lines.len() > most {
        out.push_str(&format!(
            "    and {} more; --verbose shows all\n",
            lines.len() - most
        ));
    }
}

fn table(out: &mut String, proof: &Proof, options: &RenderOptions, paint: Paint) {
    if proof.tensors.is_empty() {
        return;
    }
    let most = if options.verbose { usize::MAX } else { ROWS };
    let rows: Vec<[String; 4]> = proof.tensors.iter().take(most).map(row).collect();
    let head = ["grade", "tensor", "type", "worst"].map(str::to_owned);
    let mut widths = [0_usize; 4];
    for row in rows.iter().chain([&head]) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(columns(cell));
        }
    }
    out.push('\n');
    for (at, row) in [&head].into_iter().chain(&rows).enumerate() {
        let mut line = String::from("  ");
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let styled = match column {
                _ if at == 0 => paint.dim(cell),
                0 if cell == "refuted" => paint.bad(cell),
                0 if cell == "claimed" => paint.warn(cell),
                0 => paint.good(cell),
                _ => cell.clone(),
            };
            line.push_str(&styled);
            line.push_str(&" ".repeat(width.saturating_sub(columns(cell)) + 2));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    if proof.tensors.len() > most {
        let rest = proof.tensors.get(most..).unwrap_or_default();
        let weakest = rest.first().map_or("exact", |tensor| tensor.grade.as_str());
        out.push_str(&paint.dim(&format!(
            "  and {} more, none below {weakest}; --verbose shows all\n",
            rest.len()
        )));
    }
}

fn row(tensor: &TensorProof) -> [String; 4] {
    let worst = match (&tensor.worst, &tensor.note) {
        (Some(worst), _) if tensor.grade == Grade::Refuted => {
            format!(
                "{} of {} wrong, worst at {}: {}",
                tensor.wrong,
                tensor.elements,
                worst.place(),
                worst.sentence()
            )
        }
        (Some(worst), None) if worst.bound > 0.0 => {
            format!(
                "off by {:.2e} of {:.2e} allowed, at {}",
                worst.deviation,
                worst.bound,
                worst.place()
            )
        }
        (_, Some(note)) => note.clone(),
        _ => String::new(),
    };
    [
        tensor.grade.to_string(),
        escape::plain(&tensor.name),
        tensor.dtype.clone().unwrap_or_default(),
        escape::plain(&worst),
    ]
}

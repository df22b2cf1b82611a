//! The manifest of labelled files: comma-separated, quoted where needed.

use anyhow::{Context, Result};

#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) path: String,
    pub(crate) class: String,
    pub(crate) technique: String,
    pub(crate) format: String,
    pub(crate) what: String,
    pub(crate) min_severity: String,
}

pub(crate) fn rows(text: &str) -> Result<Vec<Row>> {
    let mut lines = records(text).into_iter();
    let header = lines.next().context("the manifest is empty")?;
    let column = |name: &str| {
        header
            .iter()
            .position(|field| field == name)
            .with_context(|| format!("the manifest has no column {name}"))
    };
    let columns = [
        column("path")?,
        column("class")?,
        column("technique")?,
        column("format")?,
        column("what")?,
        column("min_severity")?,
    ];
    lines
        .map(|record| {
            let mut fields = columns.iter().map(|&index| {
                record
                    .get(index)
                    .cloned()
                    .with_context(|| format!("a short row: {record:?}"))
            });
            let mut next = || fields.next().context("a short row")?;
            Ok(Row {
                path: next()?,
                class: next()?,
                technique: next()?,
                format: next()?,
                what: next()?,
                min_severity: next()?,
            })
        })
        .collect()
}

fn records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            '\r' if !quoted => {}
            c => field.push(c),
        }
    }
    if !field.is_empty() || !record.is_empty() {
        record.push(field);
        records.push(record);
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_protect_commas_quotes_and_line_ends() {
        let got = records("a,\"b,\"\"c\"\"\nd\"\r\n1,2\n");
        assert_eq!(got, [vec!["a", "b,\"c\"\nd"], vec!["1", "2"]]);
    }
}

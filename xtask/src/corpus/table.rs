//! The figures as people read them.

use std::collections::BTreeMap;

use modelward_schema::Severity;

use super::measure::Outcome;
use super::passes;

/// Counts of one row of the table.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    total: usize,
    passed: usize,
    gaps: usize,
}

impl Count {
    fn add(&mut self, outcome: &Outcome) {
        self.total += 1;
        self.passed += usize::from(passes(outcome));
        self.gaps += usize::from(!outcome.facts.coverage.gaps.is_empty());
    }
}

pub(crate) fn print(outcomes: &[Outcome]) {
    let (inside, outside): (Vec<_>, Vec<_>) = outcomes.iter().partition(|o| o.in_scope);
    println!("\nIn scope: formats that have a reader\n");
    part(&inside);
    println!("\nOutside the scope: formats without a reader, or whose reader is another issue\n");
    part(&outside);
    let slowest = outcomes.iter().max_by_key(|o| o.took);
    if let Some(slowest) = slowest {
        println!(
            "\nslowest: {} ({} bytes) in {} ms",
            slowest.row.path,
            slowest.size,
            slowest.took.as_millis()
        );
    }
    for outcome in outcomes {
        if let Some(failure) = &outcome.failure {
            println!("FAILED {}: {failure}", outcome.row.path);
        }
    }
    summary(&inside);
}

fn part(outcomes: &[&Outcome]) {
    let mut rows: BTreeMap<(&str, &str), Count> = BTreeMap::new();
    let mut classes: BTreeMap<&str, Count> = BTreeMap::new();
    for outcome in outcomes {
        let technique = match outcome.row.technique.split_once(':') {
            Some((family, detail)) if family.starts_with("benign") => detail,
            _ => outcome.row.technique.as_str(),
        };
        rows.entry((&outcome.row.class, technique))
            .or_default()
            .add(outcome);
        classes.entry(&outcome.row.class).or_default().add(outcome);
    }
    let mut class = "";
    for ((next, technique), count) in &rows {
        if class != *next {
            class = next;
            let sum = classes.get(class).copied().unwrap_or_default();
            line(&format!("{class} ({})", meaning(class)), sum);
        }
        line(&format!("  {technique}"), *count);
    }
}

fn meaning(class: &str) -> &'static str {
    match class {
        "benign" => "clean / total",
        "gray" => "not counted",
        _ => "found / total",
    }
}

fn line(name: &str, count: Count) {
    let missing = count.total - count.passed;
    let mark = if missing > 0 {
        format!("  {missing} wrong")
    } else {
        String::new()
    };
    let gaps = if count.gaps > 0 {
        format!("  gaps in {}", count.gaps)
    } else {
        String::new()
    };
    println!(
        "{name:<44} {:>4} / {:<4}{mark}{gaps}",
        count.passed, count.total
    );
}

fn summary(outcomes: &[&Outcome]) {
    let of = |pick: fn(&Outcome) -> bool| {
        let mut count = Count::default();
        for outcome in outcomes.iter().filter(|o| pick(o)) {
            count.add(outcome);
        }
        count
    };
    let carrying = of(|o| matches!(o.row.class.as_str(), "payload" | "traversal"));
    let benign = of(|o| o.row.class == "benign");
    let incomplete = outcomes
        .iter()
        .filter(|o| o.row.class == "benign" && !o.facts.coverage.gaps.is_empty())
        .count();
    let percent = |part: usize, whole: usize| {
        // Figures of at most a few thousand files.
        f64::from(u32::try_from(part).unwrap_or(u32::MAX)) * 100.0
            / f64::from(u32::try_from(whole.max(1)).unwrap_or(u32::MAX))
    };
    println!(
        "\npayloads and traversals found: {} of {} ({:.1} %)",
        carrying.passed,
        carrying.total,
        percent(carrying.passed, carrying.total)
    );
    println!(
        "benign files flagged high or above: {} of {} ({:.1} %); not fully read: {incomplete}",
        benign.total - benign.passed,
        benign.total,
        percent(benign.total - benign.passed, benign.total)
    );
}

/// Every sample that did not do what its label asks.
pub(crate) fn print_failures(outcomes: &[Outcome], with_facts: bool) {
    for outcome in outcomes.iter().filter(|o| !passes(o)) {
        let row = &outcome.row;
        println!(
            "{}{} {} [{}] {}\n    {}",
            if outcome.in_scope { "" } else { "(outside) " },
            if row.class == "benign" {
                "FALSE ALARM"
            } else {
                "MISSED"
            },
            row.path,
            row.technique,
            row.format,
            row.what
        );
        if row.class != "benign" {
            println!(
                "    wanted {}, got {}",
                row.min_severity,
                outcome.worst().map_or("nothing", Severity::as_str)
            );
        }
        for finding in &outcome.findings {
            println!(
                "    {:<8} {}: {}",
                finding.severity.as_str(),
                finding.rule,
                finding.message
            );
        }
        if with_facts {
            print_facts(outcome);
        }
    }
}

fn print_facts(outcome: &Outcome) {
    let facts = &outcome.facts;
    for file in &facts.files {
        println!("    file {} is {} {:?}", file.path, file.format, file.also);
    }
    for code in facts.code.iter().take(40) {
        println!(
            "    code {}",
            serde_json::to_string(code).unwrap_or_default()
        );
    }
    for anomaly in facts.anomalies.iter().take(20) {
        println!("    anomaly {}: {}", anomaly.id, anomaly.message);
    }
    for gap in facts.coverage.gaps.iter().take(20) {
        println!("    gap {:?}: {}", gap.why, gap.message);
    }
}

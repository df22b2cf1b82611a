//! `modelward show`: what the registry knows about one model.

use modelward_schema::{Approval, DecisionRecord, Exemption, Facet, FacetState, Manifest};
use serde::Serialize;

use super::paint::{Paint, columns, wrap};
use super::{RenderOptions, escape, words};

/// One model, or one version of it, as the registry has it.
#[derive(Debug, Clone, Serialize)]
pub struct Passport {
    pub name: String,
    /// Newest first; the first one is what the passport is about.
    pub versions: Vec<Version>,
    /// Of the newest version, when it has one.
    pub manifest: Option<Manifest>,
    /// Of the newest decision.
    pub facets: Vec<Facet>,
    /// Newest first.
    pub decisions: Vec<DecisionRecord>,
    pub approvals: Vec<Approval>,
    pub exemptions: Vec<Exemption>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Version {
    pub version: Option<String>,
    /// The artifact's digest.
    pub digest: String,
    /// When it was first seen, RFC 3339, UTC.
    pub since: String,
}

/// The document, indented.
pub fn json(passport: &Passport) -> String {
    let text = serde_json::to_string_pretty(passport).unwrap_or_else(|_| "{}".to_owned());
    escape::json(&text) + "\n"
}

pub fn text(passport: &Passport, options: &RenderOptions) -> String {
    let mut card = Card {
        paint: Paint::new(options.colour),
        width: options.width.clamp(40, 200),
        out: String::new(),
    };
    card.head(passport);
    if let Some(manifest) = &passport.manifest {
        card.manifest(manifest);
    } else {
        card.row("manifest", "none; modelward init PATH writes one");
    }
    card.rows("versions", passport.versions.iter().map(version));
    card.rows("decisions", passport.decisions.iter().map(decision));
    card.rows("approvals", passport.approvals.iter().map(approval));
    card.rows("exemptions", passport.exemptions.iter().map(exemption));
    card.out
}

fn version(version: &Version) -> String {
    format!(
        "{}  {}  since {}",
        version.version.as_deref().unwrap_or("no version"),
        words::short(&version.digest),
        words::day(&version.since)
    )
}

fn decision(record: &DecisionRecord) -> String {
    format!(
        "{}  {}  {} for {}, by {}: {}",
        record.number,
        words::moment(&record.at),
        record.decision.as_str(),
        record.stage.as_str(),
        record.actor,
        record.reason
    )
}

fn approval(approval: &Approval) -> String {
    format!(
        "{} for {}, by {} on {}: {}",
        approval.role,
        approval.stage,
        approval.by,
        words::day(&approval.at),
        approval.reason
    )
}

fn exemption(exemption: &Exemption) -> String {
    format!(
        "{}  {}, until {}, asked by {}, accepted by {}: {}",
        exemption.id,
        exemption.codes.join(", "),
        words::day(&exemption.not_after),
        exemption.requested_by,
        exemption.approved_by,
        exemption.reason
    )
}

/// The word that the schema writes for a unit variant.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

struct Card {
    paint: Paint,
    width: usize,
    out: String,
}

impl Card {
    fn head(&mut self, passport: &Passport) {
        let newest = passport.versions.first();
        let mut parts = vec![self.paint.bold(&escape::plain(&passport.name))];
        if let Some(newest) = newest {
            if let Some(version) = &newest.version {
                parts.push(escape::plain(version));
            }
            parts.push(
                self.paint
                    .dim(&escape::plain(&words::short(&newest.digest))),
            );
        }
        if let Some(last) = passport.decisions.first() {
            let text = format!("{} for {}", last.decision.as_str(), last.stage.as_str());
            parts.push(self.paint.outcome(last.decision, &text));
        }
        if !passport.facets.is_empty() {
            let shown = passport
                .facets
                .iter()
                .filter(|facet| facet.state == FacetState::Shown);
            parts.push(format!("{}/{} shown", shown.count(), passport.facets.len()));
        }
        self.out.push_str(&format!("\n  {}\n\n", parts.join("   ")));
        for facet in &passport.facets {
            let text = format!("{} {}", words::mark(facet.state), facet.note);
            self.row(&facet.name, text.trim_end());
        }
    }

    fn manifest(&mut self, manifest: &Manifest) {
        match &manifest.owner {
            modelward_schema::Owner::Person(person) => self.row("owner", person),
            modelward_schema::Owner::Team(team) => self.row("owner", &format!("team {team}")),
        }
        let use_case = &manifest.use_case;
        self.row(
            "use case",
            &format!("{}: {}", use_case.id, use_case.intended_use),
        );
        if !use_case.influences.is_empty() {
            let influences: Vec<String> = use_case.influences.iter().map(word).collect();
            self.row("influences", &influences.join(", "));
        }
        if let Some(tier) = manifest.tier {
            self.row("tier", tier.as_str());
        }
        let tags = &manifest.tags;
        self.row(
            "tags",
            &format!(
                "{} data, {} exposure, {}",
                word(&tags.data),
                word(&tags.exposure),
                tags.domain
            ),
        );
        let source = &manifest.source;
        let mut from = word(&source.kind);
        for part in [&source.publisher, &source.url, &source.revision]
            .into_iter()
            .flatten()
        {
            from.push_str(", ");
            from.push_str(part);
        }
        self.row("source", &from);
        self.rows(
            "parents",
            manifest
                .parents
                .iter()
                .map(|parent| format!("{} ({})", parent.reference, word(&parent.transformation))),
        );
        if let Some(expires) = &manifest.expires {
            self.row("expires", expires);
        }
    }

    fn rows(&mut self, name: &str, rows: impl Iterator<Item = String>) {
        for (index, text) in rows.enumerate() {
            self.row(if index == 0 { name } else { "" }, &text);
        }
    }

    fn row(&mut self, name: &str, text: &str) {
        let room = self.width.saturating_sub(14);
        for (index, line) in wrap(&escape::plain(text), room).iter().enumerate() {
            let name = if index == 0 {
                escape::plain(name)
            } else {
                String::new()
            };
            let gap = 12_usize.saturating_sub(columns(&name)).max(1);
            let row = format!("  {}{:gap$}{line}", self.paint.dim(&name), "");
            self.out.push_str(row.trim_end());
            self.out.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Passport {
        let manifest = serde_json::json!({
            "schema": "modelward.manifest/1", "name": "sentiment", "version": "1.4.0",
            "owner": { "team": "support-tools" },
            "use_case": { "id": "ticket-triage", "intended_use": "sort tickets by tone before a person reads them",
                          "influences": ["triage", "content-filtering"] },
            "tier": "high",
            "tags": { "data": "customer", "exposure": "internal", "domain": "support" },
            "source": { "kind": "open-weights", "publisher": "example", "url": "https://example.org/m" },
            "parents": [ { "ref": "hf:example/base@abc", "transformation": "fine-tune" } ],
            "expires": "2027-06-30"
        });
        Passport {
            name: "sentiment".to_owned(),
            versions: vec![Version {
                version: Some("1.4.0".to_owned()),
                digest: "sha256:9f3c41d2b7a0".to_owned(),
                since: "2026-11-25T10:00:00Z".to_owned(),
            }],
            manifest: Some(serde_json::from_value(manifest).expect("the sample is a manifest")),
            facets: vec![
                Facet {
                    name: "provenance".to_owned(),
                    state: FacetState::Partial,
                    note: "2 of 5 steps claimed".to_owned(),
                },
                Facet {
                    name: "custody".to_owned(),
                    state: FacetState::Shown,
                    note: String::new(),
                },
            ],
            decisions: Vec::new(),
            approvals: vec![Approval {
                id: "AP-1".to_owned(),
                digest: "sha256:9f".to_owned(),
                manifest: "sha256:aa".to_owned(),
                stage: "production".to_owned(),
                role: "security".to_owned(),
                by: "kim@example.org".to_owned(),
                reason: "read the report\u{1b}[2J".to_owned(),
                at: "2026-11-25T10:00:00Z".to_owned(),
            }],
            exemptions: Vec::new(),
        }
    }

    #[test]
    fn a_passport_tells_who_what_and_what_was_decided() {
        insta::assert_snapshot!(text(&sample(), &RenderOptions::default()));
    }

    #[test]
    fn the_document_has_every_member() {
        let value: serde_json::Value = serde_json::from_str(&json(&sample())).expect("JSON");
        for member in [
            "name",
            "versions",
            "manifest",
            "facets",
            "decisions",
            "approvals",
            "exemptions",
        ] {
            assert!(value.get(member).is_some(), "{member}");
        }
    }
}

//! The form of a manifest: every key, what it holds, and what to write there.
//! The type in `modelward-schema` is the truth; a test keeps the two alike.

use modelward_schema::MANIFEST_SCHEMA;

use crate::words::{
    CUSTOMER_DATA, DATA_CLASSES, EXPOSURES, INFLUENCES, ORIGINS, TIERS, TRANSFORMATIONS,
};

#[derive(Debug)]
pub(crate) enum Kind {
    /// Any words.
    Text,
    /// This text and no other.
    Exactly(&'static str),
    /// One of a vocabulary.
    Word(&'static [&'static str]),
    /// Lower-case words joined by hyphens.
    Tag,
    /// `YYYY-MM-DD`.
    Date,
    Flag,
    List(&'static Kind),
    Map(&'static [Field]),
    /// A mapping with exactly one of the keys.
    OneOf(&'static [Field]),
}

#[derive(Debug)]
pub(crate) struct Field {
    pub key: &'static str,
    pub kind: Kind,
    pub required: bool,
    /// What a fault about it is called.
    pub code: &'static str,
    /// What to write: fits after "write".
    pub write: &'static str,
}

const fn must(key: &'static str, kind: Kind, code: &'static str, write: &'static str) -> Field {
    Field {
        key,
        kind,
        required: true,
        code,
        write,
    }
}

const fn may(key: &'static str, kind: Kind, write: &'static str) -> Field {
    Field {
        key,
        kind,
        required: false,
        code: "manifest-invalid",
        write,
    }
}

pub(crate) static MANIFEST: Kind = Kind::Map(&[
    must(
        "schema",
        Kind::Exactly(MANIFEST_SCHEMA),
        "manifest-invalid",
        MANIFEST_SCHEMA,
    ),
    must("name", Kind::Text, "name-missing", "the model's name"),
    must(
        "version",
        Kind::Text,
        "version-missing",
        "a version in quotes, such as \"1.0.0\"",
    ),
    must(
        "owner",
        Kind::OneOf(OWNER),
        "owner-missing",
        "person: or team: below it",
    ),
    must(
        "use_case",
        Kind::Map(USE_CASE),
        "use-case-missing",
        "id: and intended_use: below it",
    ),
    may(
        "capabilities",
        Kind::Map(CAPABILITIES),
        "what the running model can do, such as calls_tools: false",
    ),
    may(
        "tier",
        Kind::Word(TIERS),
        "low, medium, high or critical, or leave it out",
    ),
    must(
        "tags",
        Kind::Map(TAGS),
        "tags-missing",
        "data:, exposure: and domain: below it",
    ),
    must(
        "source",
        Kind::Map(SOURCE),
        "source-missing",
        "kind: below it, and url:, revision: and publisher: if it has them",
    ),
    may(
        "training",
        Kind::Map(TRAINING),
        "data:, code: and by: below it",
    ),
    may(
        "parents",
        Kind::List(&Kind::Map(PARENT)),
        "a list of ref: and transformation:",
    ),
    may(
        "scope",
        Kind::Map(SCOPE),
        "environments:, namespaces: or hosts: below it",
    ),
    may(
        "connections",
        Kind::List(&Kind::Text),
        "a list such as - rag:handbook",
    ),
    may("expires", Kind::Date, "a date such as 2027-06-30"),
]);

static OWNER: &[Field] = &[
    may("person", Kind::Text, "an address or account name"),
    may("team", Kind::Text, "the team's name"),
];

static USE_CASE: &[Field] = &[
    must(
        "id",
        Kind::Text,
        "use-case-missing",
        "the use case's id, such as UC-12",
    ),
    must(
        "intended_use",
        Kind::Text,
        "use-case-missing",
        "one sentence that says what it is for",
    ),
    may(
        "influences",
        Kind::List(&Kind::Word(INFLUENCES)),
        "a list of the decisions that its output influences",
    ),
];

static CAPABILITIES: &[Field] = &[
    may("makes_decisions", Kind::Flag, "true or false"),
    may("reads_secrets", Kind::Flag, "true or false"),
    may("calls_tools", Kind::Flag, "true or false"),
    may(
        "customer_data",
        Kind::Word(CUSTOMER_DATA),
        "none, customer or regulated",
    ),
    may("offline", Kind::Flag, "true or false"),
];

static TAGS: &[Field] = &[
    must(
        "data",
        Kind::Word(DATA_CLASSES),
        "tags-missing",
        "public, internal, confidential, customer or regulated",
    ),
    must(
        "exposure",
        Kind::Word(EXPOSURES),
        "tags-missing",
        "offline, internal, partner or internet",
    ),
    must(
        "domain",
        Kind::Tag,
        "tags-missing",
        "lower-case words and hyphens, such as finance or health",
    ),
];

static SOURCE: &[Field] = &[
    must(
        "kind",
        Kind::Word(ORIGINS),
        "source-missing",
        "vendor, open-weights or internal",
    ),
    may("url", Kind::Text, "where it was got from"),
    may(
        "revision",
        Kind::Text,
        "a commit, a release or a digest, in quotes",
    ),
    may("publisher", Kind::Text, "who published it"),
];

static TRAINING: &[Field] = &[
    may(
        "data",
        Kind::List(&Kind::Map(REFERENCE)),
        "a list of ref: with revision: or digest:",
    ),
    may(
        "code",
        Kind::Map(REFERENCE),
        "ref: with revision: or digest:",
    ),
    may("by", Kind::Text, "who trained it"),
];

static REFERENCE: &[Field] = &[
    must(
        "ref",
        Kind::Text,
        "manifest-invalid",
        "a URL, a name@version, or a path",
    ),
    may(
        "revision",
        Kind::Text,
        "a commit, a release or a date, in quotes",
    ),
    may("digest", Kind::Text, "sha256: and 64 hex digits"),
];

static PARENT: &[Field] = &[
    must(
        "ref",
        Kind::Text,
        "manifest-invalid",
        "name@version, hf:org/name@revision, or a digest",
    ),
    may("digest", Kind::Text, "sha256: and 64 hex digits"),
    must(
        "transformation",
        Kind::Word(TRANSFORMATIONS),
        "manifest-invalid",
        "how it was made from the parent",
    ),
];

static SCOPE: &[Field] = &[
    may(
        "environments",
        Kind::List(&Kind::Text),
        "a list such as - production",
    ),
    may(
        "namespaces",
        Kind::List(&Kind::Text),
        "a list of namespaces",
    ),
    may("hosts", Kind::List(&Kind::Text), "a list of hosts"),
];

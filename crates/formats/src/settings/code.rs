//! Keys that name code which a loader imports or calls.

use modelward_schema::{Action, Code, Location, ReferenceKind, Term, Via};

use super::{Level, Settings, dotted, key_of};
use crate::Session;

/// Libraries whose classes Diffusers takes without the repository's own code.
const PIPELINE_LIBRARIES: [&str; 6] = [
    "diffusers",
    "transformers",
    "onnxruntime",
    "optimum",
    "stable_diffusion",
    "k_diffusion",
];

impl Settings<'_> {
    pub(super) fn code(
        &mut self,
        way: &[Level<'_>],
        text: &str,
        at: &dyn Fn() -> Location,
        session: &mut Session<'_>,
    ) {
        let key = key_of(way);
        let top = way.first().map_or("", |level| &level.key);
        match key {
            _ if way.iter().any(|level| level.key == "auto_map") => remote(text, at, session),
            _ if top == "custom_pipelines" && matches!(key, "impl" | "pt" | "tf") => {
                remote(text, at, session);
            }
            "custom_pipeline" | "custom_generate" if way.len() == 1 => remote(text, at, session),
            _ if self.file == "model_index.json" => pipeline(way, text, at, session),
            "_target_" | "class_path" if is_dotted(text) => {
                tell(Action::Call, text, key, None, at, session);
            }
            // Older configuration systems use the bare word for other things too.
            "target" if is_dotted(text) && text.contains('.') => {
                tell(Action::Call, text, key, None, at, session);
            }
            "loader_module" => tell(Action::Import, text, key, None, at, session),
            "op" if top == "nodes" && text == "Custom" => {
                tell(
                    Action::Call,
                    "mxnet.operator.Custom",
                    key,
                    None,
                    at,
                    session,
                );
            }
            "library" if top == "nodes" => {
                session.reference(ReferenceKind::Path, text, at());
                let argument = Term::Str {
                    text: crate::text::cap(text, 1024),
                    len: u64::try_from(text.len()).unwrap_or(u64::MAX),
                };
                tell(
                    Action::Call,
                    "mxnet.library.load",
                    &dotted(way),
                    Some(argument),
                    at,
                    session,
                );
            }
            _ => {}
        }
    }
}

/// Diffusers' index: a component is `[library, class]`, and a library that is
/// none of the known ones is a module of the repository.
fn pipeline(way: &[Level<'_>], text: &str, at: &dyn Fn() -> Location, session: &mut Session<'_>) {
    let [component, part] = way else { return };
    let known = text
        .split('.')
        .next()
        .is_some_and(|library| PIPELINE_LIBRARIES.contains(&library));
    if part.list
        && part.item == 0
        && !known
        && (!component.key.starts_with('_') || component.key == "_class_name")
    {
        remote(text, at, session);
    }
}

fn remote(text: &str, at: &dyn Fn() -> Location, session: &mut Session<'_>) {
    session.reference(ReferenceKind::RemoteCode, text, at());
}

fn tell(
    action: Action,
    target: &str,
    key: &str,
    argument: Option<Term>,
    at: &dyn Fn() -> Location,
    session: &mut Session<'_>,
) {
    session.code(Code {
        via: Via::Config,
        action,
        target: crate::text::cap(target, 256),
        written: Some(key.to_owned()),
        args: argument.into_iter().collect(),
        kwargs: Vec::new(),
        computed: false,
        reached: true,
        count: 1,
        at: at(),
    });
}

/// A name as Python resolves one.
fn is_dotted(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 512
        && text.split(['.', ':']).all(|part| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|character| character.is_alphanumeric() || character == '_')
        })
}

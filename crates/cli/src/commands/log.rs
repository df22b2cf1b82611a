//! `modelward log`: what was decided, by whom, when, on which bytes.

use modelward_cli::render::{self, Format};
use modelward_registry::{DecisionFilter, RegistryError};

use crate::args::{Common, Log};
use crate::failure::{FINE, FOUND, Failure};
use crate::output;
use crate::settings;

pub(crate) fn run(args: &Log, common: &Common) -> Result<u8, Failure> {
    let registry = settings::existing_registry(common)?;
    if args.verify {
        return match registry.verify_log() {
            Ok(check) => {
                let text = format!(
                    "the log is whole: {} entries, head {}\n",
                    check.entries, check.head
                );
                output::answer(common, &text)?;
                Ok(FINE)
            }
            Err(RegistryError::Broken(broken)) => {
                output::answer(common, &format!("{broken}\n"))?;
                Ok(FOUND)
            }
            Err(error) => Err(error.into()),
        };
    }
    let (name, version) = args
        .model
        .as_deref()
        .map_or((None, None), super::split_model);
    let filter = DecisionFilter {
        name,
        version,
        artifact: None,
        limit: args.limit,
    };
    let decisions = registry.decisions(&filter)?;
    let text = match output::format(common) {
        Format::Json => render::log::json(&decisions),
        _ => render::log::text(&decisions, &output::options(common)),
    };
    output::answer(common, &text)?;
    Ok(FINE)
}

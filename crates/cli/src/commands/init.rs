use crate::args::{Common, Init};
use crate::failure::Failure;
pub(crate) fn run(_args: &Init, _common: &Common) -> Result<u8, Failure> {
    crate::failure::usage("not there yet")
}

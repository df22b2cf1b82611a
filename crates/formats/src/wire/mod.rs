//! Encodings that several formats share: read as events or fields that know
//! where they stand, with nothing dropped that a stricter or laxer reader
//! would see differently.

pub(crate) mod flatbuffer;
pub(crate) mod json;
pub(crate) mod protobuf;

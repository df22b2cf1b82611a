//! Running a graph on inputs: the only home of an inference engine.
#![forbid(unsafe_code)]

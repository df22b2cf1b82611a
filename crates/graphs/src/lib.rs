//! One representation of every framework's computation graph: hidden logic, fingerprint, diff, drawing.
#![forbid(unsafe_code)]

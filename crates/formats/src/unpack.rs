//! Decompression of one member for whoever needs its numbers again, piece by
//! piece: nothing is kept, so what it expands to costs time only.

use std::io::{BufReader, Read};

/// A reader of what `source` was packed from by a method that
/// [`modelward_schema::FileFact::packed`] names; none for methods that are not
/// read in pieces.
pub fn unpack(method: &str, source: impl Read + Send + 'static) -> Option<Box<dyn Read + Send>> {
    let source = BufReader::with_capacity(64 << 10, source);
    match method {
        "deflate" => Some(Box::new(flate2::bufread::DeflateDecoder::new(source))),
        "gzip" => Some(Box::new(flate2::bufread::MultiGzDecoder::new(source))),
        "bzip2" => Some(Box::new(bzip2::bufread::BzDecoder::new(source))),
        _ => None,
    }
}

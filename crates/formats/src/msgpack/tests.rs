use modelward_schema::Facts;

use crate::Limits;

fn text(text: &str) -> Vec<u8> {
    let mut bytes = vec![0xa0 | u8::try_from(text.len()).unwrap()];
    bytes.extend(text.as_bytes());
    bytes
}

fn array(shape: &[u8], dtype: &str, data: &[u8]) -> Vec<u8> {
    let mut inner = vec![0x93, 0x90 | u8::try_from(shape.len()).unwrap()];
    inner.extend(shape);
    inner.extend(text(dtype));
    inner.extend([0xc4, u8::try_from(data.len()).unwrap()]);
    inner.extend(data);
    let len = u8::try_from(inner.len()).unwrap();
    let mut bytes = match len {
        1 | 2 | 4 | 8 | 16 => vec![0xd4 + u8::try_from(len.trailing_zeros()).unwrap(), 1],
        _ => vec![0xc7, len, 1],
    };
    bytes.extend(inner);
    bytes
}

fn checkpoint(leaf: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x81];
    bytes.extend(text("params"));
    bytes.push(0x82);
    bytes.extend(text("kernel"));
    bytes.extend(leaf);
    bytes.extend(text("step"));
    bytes.push(7);
    bytes
}

fn read(bytes: &[u8]) -> Facts {
    crate::read("flax_model.msgpack", bytes, &Limits::default())
}

fn ids(facts: &Facts) -> Vec<&str> {
    facts.anomalies.iter().map(|a| a.id.as_str()).collect()
}

#[test]
fn arrays_are_named_by_their_way_and_placed() {
    let bytes = checkpoint(&array(&[2, 1], "float32", &[1, 2, 3, 4, 5, 6, 7, 8]));
    let facts = read(&bytes);
    assert_eq!(facts.files[0].format, "msgpack");
    assert!(facts.anomalies.is_empty() && facts.coverage.complete);
    let tensor = &facts.tensors[0];
    assert_eq!(
        (tensor.name.as_str(), tensor.dtype.as_str()),
        ("params/kernel", "f32")
    );
    assert_eq!(tensor.shape, [2, 1]);
    let span = tensor.at.span.unwrap();
    assert_eq!(bytes[usize::try_from(span.start).unwrap()], 1);
    assert_eq!(span.len, 8);
    assert_eq!(facts.metadata[0].key, "params/step");
    assert_eq!(facts.metadata[0].value, "7");
}

#[test]
fn what_follows_the_checkpoint_is_told() {
    let mut bytes = checkpoint(&array(&[1], "uint8", &[9]));
    bytes.push(0);
    assert_eq!(ids(&read(&bytes)), ["msgpack-trailing-bytes"]);
}

#[test]
fn a_size_that_is_not_that_of_the_shape_is_told() {
    let bytes = checkpoint(&array(&[3], "uint8", &[9]));
    assert_eq!(ids(&read(&bytes)), ["msgpack-array-size-differs"]);
}

#[test]
fn a_longer_writing_than_needed_is_told() {
    let mut bytes = checkpoint(&array(&[1], "uint8", &[9]));
    bytes.pop();
    bytes.extend([0xcc, 7]);
    assert_eq!(ids(&read(&bytes)), ["msgpack-not-canonical"]);
}

#[test]
fn what_is_cut_off_is_a_gap() {
    let bytes = checkpoint(&array(&[2, 1], "float32", &[1, 2, 3, 4, 5, 6, 7, 8]));
    for len in 9..bytes.len() {
        let facts = read(&bytes[..len]);
        assert!(!facts.coverage.complete, "{len}");
    }
}

#[test]
fn arrays_in_chunks_are_one_tensor() {
    let mut bytes = vec![0x81];
    bytes.extend(text("w"));
    bytes.push(0x83);
    bytes.extend(text("__msgpack_chunked_array__"));
    bytes.push(0xc3);
    bytes.extend(text("shape"));
    bytes.extend([0x81]);
    bytes.extend(text("0"));
    bytes.push(4);
    bytes.extend(text("chunks"));
    bytes.push(0x82);
    for (key, data) in [("0", [1_u8, 2]), ("1", [3, 4])] {
        bytes.extend(text(key));
        bytes.extend(array(&[2], "uint8", &data));
    }
    let facts = read(&bytes);
    assert!(facts.anomalies.is_empty(), "{:?}", facts.anomalies);
    assert_eq!(facts.tensors.len(), 1);
    assert_eq!(facts.tensors[0].shape, [4]);
    assert_eq!(facts.tensors[0].parts.len(), 2);
}

#[test]
fn deep_nesting_ends_in_a_gap() {
    let mut bytes = Vec::new();
    for _ in 0..10_000 {
        bytes.extend([0x81, 0xa1, b'a']);
    }
    assert!(!read(&bytes).coverage.complete);
}

use modelward_schema::Facts;

use crate::{Limits, read};

fn array(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
    let mut out = b"\x93NUMPY".to_vec();
    out.extend([version, 0]);
    if version == 1 {
        out.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    } else {
        out.extend(u32::try_from(header.len()).unwrap().to_le_bytes());
    }
    out.extend(header.as_bytes());
    out.extend(data);
    out
}

fn facts(header: &str, data: &[u8]) -> Facts {
    read("x.npy", &array(1, header, data), &Limits::default())
}

fn anomalies(facts: &Facts) -> Vec<&str> {
    facts.anomalies.iter().map(|a| a.id.as_str()).collect()
}

#[test]
fn numbers_are_a_tensor() {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }    \n";
    for version in 1..=3 {
        let facts = read(
            "x.npy",
            &array(version, header, &[0; 24]),
            &Limits::default(),
        );
        assert_eq!(anomalies(&facts), [""; 0]);
        assert_eq!(facts.tensors[0].dtype, "f32");
        assert_eq!(facts.tensors[0].shape, [2, 3]);
        assert!(facts.coverage.complete);
    }
}

#[test]
fn objects_are_a_pickle_wherever_they_stand_in_the_type() {
    for descr in [
        "'|O'",
        "'O'",
        "[('a', '<i4'), ('b', '|O')]",
        "[('a', [('b', 'O', (2,))])]",
        "('|O', (2, 2))",
        "'i4,O'",
    ] {
        let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (1,)}}");
        let facts = facts(&header, b"\x80\x04N.");
        assert_eq!(facts.files[1].path, "x.npy!/data.pkl", "{descr}");
    }
}

#[test]
fn each_lie_has_its_name() {
    let whole = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}";
    let huge = "{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807, 8)}";
    let code = "{'descr': __import__('os').system('id'), 'fortran_order': False, 'shape': ()}";
    let cases: [(&str, &str, &[u8]); 6] = [
        ("npy-size-differs", whole, &[0; 7]),
        ("npy-trailing-bytes", whole, &[1; 9]),
        ("npy-size-overflows", huge, &[0; 8]),
        ("npy-header-holds-code", code, &[0; 8]),
        ("npy-header-malformed", "{'descr': '<f4'}", &[0; 8]),
        ("npy-header-malformed", "[1, 2]", &[]),
    ];
    for (id, header, data) in cases {
        assert!(anomalies(&facts(header, data)).contains(&id), "{id}");
    }
}

#[test]
fn a_deep_header_costs_no_stack() {
    let facts = facts(&"[".repeat(60_000), b"");
    assert!(anomalies(&facts).contains(&"npy-header-malformed") || !facts.anomalies.is_empty());
}

use super::*;

/// Events as short words.
fn words(source: &str) -> String {
    let mut out = Vec::new();
    Scanner::new(source).run(&mut |event, _, _| {
        out.push(match event {
            Event::Document => "---".to_owned(),
            Event::Directive(_) => "%".to_owned(),
            Event::Open { list: true } => "[".to_owned(),
            Event::Open { list: false } => "{".to_owned(),
            Event::Close => "}".to_owned(),
            Event::Key(key) => format!("{key}:"),
            Event::Item => "-".to_owned(),
            Event::Scalar { text, .. } => format!("={text}"),
            Event::Tag(tag) => tag.to_owned(),
            Event::Anchor(name) => format!("&{name}"),
            Event::Alias(name) => format!("*{name}"),
            Event::TooDeep => "!deep".to_owned(),
        });
    });
    out.join(" ")
}

#[test]
fn mappings_and_lists_nest_by_indentation() {
    assert_eq!(
        words("a: 1\nb:\n  c: x y # note\n  d:\n  - e\n  - f: g\n    h: i\nj: k\n"),
        "--- { a: =1 b: { c: =x y d: [ - =e - { f: =g h: =i } } } j: =k }"
    );
}

#[test]
fn brackets_quotes_and_blocks_are_read() {
    assert_eq!(
        words("a: {b: [1, 'it''s'], \"c\": d}\ne: |\n  line\n   in\nf: \"x\\x41\n  y\"\n"),
        "--- { a: { b: [ =1 - =it's } c: =d } e: =line\n in\n f: =xA y }"
    );
}

#[test]
fn tags_anchors_and_aliases_are_told() {
    assert_eq!(
        words("%TAG ! x\n---\na: !!python/name:os.system &b [1]\nc: *b\nd: !t\n  e: f\n"),
        "--- % --- { a: !!python/name:os.system &b [ =1 } c: *b d: !t { e: =f } }"
    );
}

#[test]
fn a_plain_scalar_goes_on_over_lines() {
    assert_eq!(words("a: x\n  y\nb: z"), "--- { a: =x y b: =z }");
}

#[test]
fn hostile_shapes_end() {
    for piece in [
        "[", "{", "- ", "? ", "a: ", "!x ", "&a ", "\"", "'", "|\n", " ", "-\n ", "a:\n ", "[é,",
        ":", "*",
    ] {
        words(&piece.repeat(20_000));
    }
    let stairs: String = (0..2000)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    assert!(words(&stairs).contains("!deep"));
}

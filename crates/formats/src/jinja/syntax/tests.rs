use super::*;

#[test]
fn operators_bind_as_in_jinja() {
    let syntax = parse("{{ a + b | trim == c and not d is defined }}", 1000);
    assert_eq!(syntax.broken, 0);
    let Kind::Binary("and", left, right) = &syntax.nodes.last().unwrap().kind else {
        panic!("{:?}", syntax.nodes.last());
    };
    assert!(matches!(syntax.nodes[*left].kind, Kind::Binary("==", ..)));
    assert!(matches!(syntax.nodes[*right].kind, Kind::Unary(_)));
}

#[test]
fn every_statement_of_chat_templates_parses() {
    let source = "{% for a, b in c.items() if a != b recursive %}{% endfor %}\
        {%- set ns.x = 1, 2 -%}{% set y %}t{% endset %}{% macro m(a, b='x') %}{% endmacro %}\
        {% if a is not none and b is string %}{% elif x[1:] %}{% else %}{% endif %}\
        {% generation %}{% endgeneration %}{% filter upper %}{% endfilter %}{% break %}\
        {{ x if y else z }}{{ f(a, b=c, *d, **e) }}{{ {'a': [1, 2.5]} }}{{ -x[::-1] }}\
        {% call(u) m() %}{% endcall %}{% include 'a' ignore missing %}{{ x is divisibleby 3 }}";
    let syntax = parse(source, 10_000);
    assert_eq!(
        (syntax.broken, syntax.cut),
        (0, false),
        "{:?}",
        syntax.first_broken
    );
}

#[test]
fn hostile_nesting_and_broken_tags_end() {
    for open in [
        "(", "[", "{", "not ", "- ", "a(", "a[", "a if ", "a|b(", "a ** ", "x is y (",
    ] {
        let source = format!("{{{{ {} }}}}", open.repeat(50_000));
        parse(&source, 1_000_000);
    }
    for source in [
        "{{ }}",
        "{% %}",
        "{{ . }}",
        "{{ a | }}",
        "{% for %}",
        "{% set %}",
        "{{ )]} }}",
    ] {
        parse(source, 1000);
    }
}

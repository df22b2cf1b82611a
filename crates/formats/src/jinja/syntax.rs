//! Jinja's grammar: tags in a flat list, expressions in an arena.
//!
//! A child always stands before its parent in the arena, so whatever is known
//! of a node can be worked out in one pass without recursion, and dropping a
//! hostile tree is dropping a list. Binding powers are Jinja2's. What does not
//! parse is skipped to the end of its tag and counted.

use std::borrow::Cow;

use super::lexer::{Lexer, Spanned, Tag, Token};
pub(super) use super::tree::{Argument, Id, Kind, Node, Piece, PieceKind, Syntax};

/// Brackets and operators within each other.
const MAX_DEPTH: u32 = 100;

/// Parses at most `budget` tokens.
pub(super) fn parse(source: &str, budget: usize) -> Syntax<'_> {
    let mut tokens: Vec<Spanned<'_>> = Lexer::new(source).take(budget).collect();
    let cut = tokens.len() == budget;
    let end = source.len();
    tokens.push(Spanned {
        token: Token::Close,
        start: end,
        end,
    });
    let mut parser = Parser {
        tokens,
        next: 0,
        depth: 0,
        out: Syntax {
            cut,
            ..Syntax::default()
        },
    };
    parser.template();
    parser.out
}

struct Parser<'a> {
    tokens: Vec<Spanned<'a>>,
    next: usize,
    depth: u32,
    out: Syntax<'a>,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> &Token<'a> {
        self.tokens
            .get(self.next)
            .map_or(&Token::Close, |spanned| &spanned.token)
    }

    fn advance(&mut self) {
        self.next = self.next.saturating_add(1);
    }

    fn here(&self) -> usize {
        self.tokens.get(self.next).map_or(0, |token| token.start)
    }

    /// Where the last taken token ended.
    fn behind(&self) -> usize {
        let last = self.next.saturating_sub(1);
        self.tokens.get(last).map_or(0, |token| token.end)
    }

    fn is_op(&self, operator: &str) -> bool {
        matches!(self.peek(), Token::Op(found) if *found == operator)
    }

    fn eat(&mut self, operator: &str) -> bool {
        let found = self.is_op(operator);
        if found {
            self.advance();
        }
        found
    }

    fn eat_name(&mut self, name: &str) -> bool {
        let found = matches!(self.peek(), Token::Name(found) if *found == name);
        if found {
            self.advance();
        }
        found
    }

    fn name(&mut self) -> Option<&'a str> {
        let Token::Name(name) = *self.peek() else {
            return None;
        };
        self.advance();
        Some(name)
    }

    fn node(&mut self, kind: Kind<'a>, start: usize) -> Id {
        let end = self.behind();
        self.out.nodes.push(Node { kind, start, end });
        self.out.nodes.len().saturating_sub(1)
    }

    fn template(&mut self) {
        while self.next < self.tokens.len() {
            let start = self.here();
            let tag = match self.peek() {
                Token::Text(text) => {
                    let kind = PieceKind::Text(text);
                    self.advance();
                    self.piece(kind, start);
                    continue;
                }
                Token::Open(tag) => *tag,
                _ => {
                    self.advance();
                    continue;
                }
            };
            self.advance();
            let kind = match tag {
                Tag::Output => {
                    self.expression();
                    Some(PieceKind::Expression)
                }
                Tag::Statement => self.statement(),
            };
            if !matches!(self.peek(), Token::Close) {
                self.out.broken = self.out.broken.saturating_add(1);
                self.out.first_broken.get_or_insert(start);
                self.salvage();
            }
            self.advance();
            if let Some(kind) = kind {
                self.piece(kind, start);
            }
        }
    }

    fn piece(&mut self, kind: PieceKind<'a>, start: usize) {
        let end = self.behind();
        let nodes = self.out.nodes.len();
        self.out.pieces.push(Piece {
            kind,
            start,
            end,
            nodes,
        });
    }

    /// Skips to the end of the tag, but reads the expressions on the way: what
    /// does not parse here may parse elsewhere.
    fn salvage(&mut self) {
        while self.next < self.tokens.len() && !matches!(self.peek(), Token::Close) {
            let before = self.next;
            if matches!(self.peek(), Token::Op(_)) {
                self.advance();
            } else {
                self.expression();
                let start = self.here();
                self.piece(PieceKind::Expression, start);
            }
            if self.next == before {
                self.advance();
            }
        }
    }

    fn statement(&mut self) -> Option<PieceKind<'a>> {
        let word = self.name()?;
        Some(match word {
            "if" => PieceKind::If(self.expression()),
            "elif" => PieceKind::Elif(self.expression()),
            "else" => PieceKind::Else,
            "for" => {
                let targets = self.targets();
                self.eat_name("in");
                let over = self.binary(0);
                let condition = self.eat_name("if").then(|| self.expression());
                self.eat_name("recursive");
                PieceKind::For {
                    targets,
                    over,
                    condition,
                }
            }
            "set" => {
                let targets = self.targets();
                let value = if self.eat("=") {
                    Some(self.tuple())
                } else {
                    None
                };
                PieceKind::Set { targets, value }
            }
            "macro" => {
                let name = self.name().unwrap_or_default();
                let mut parameters = Vec::new();
                self.eat("(");
                while let Some(parameter) = self.name() {
                    parameters.push(parameter);
                    if self.eat("=") {
                        self.expression();
                    }
                    self.eat(",");
                }
                self.eat(")");
                PieceKind::Macro { name, parameters }
            }
            "include" | "extends" | "import" | "from" => {
                let id = self.expression();
                while !matches!(self.peek(), Token::Close) && self.next < self.tokens.len() {
                    self.advance();
                }
                PieceKind::Load(id)
            }
            "do" => {
                self.tuple();
                PieceKind::Expression
            }
            _ if word.starts_with("end") => PieceKind::End(word),
            _ => {
                while !matches!(self.peek(), Token::Close) && self.next < self.tokens.len() {
                    let before = self.next;
                    self.expression();
                    if self.eat("=") {
                        self.expression();
                    }
                    self.eat(",");
                    if self.next == before {
                        self.advance();
                    }
                }
                PieceKind::Block(word)
            }
        })
    }

    /// Names that are assigned: `a`, `a, b`, `ns.a` (told as `ns`).
    fn targets(&mut self) -> Vec<&'a str> {
        let mut out = Vec::new();
        loop {
            self.eat("(");
            if matches!(self.peek(), Token::Name("in")) {
                break;
            }
            let Some(name) = self.name() else { break };
            out.push(name);
            while self.eat(".") {
                self.name();
            }
            self.eat(")");
            if !self.eat(",") {
                break;
            }
        }
        out
    }

    fn tuple(&mut self) -> Id {
        let start = self.here();
        let first = self.expression();
        if !self.is_op(",") {
            return first;
        }
        let mut items = vec![first];
        while self.eat(",") {
            if matches!(self.peek(), Token::Close) {
                break;
            }
            items.push(self.expression());
        }
        self.node(Kind::Group(items), start)
    }

    fn expression(&mut self) -> Id {
        if self.depth >= MAX_DEPTH {
            return self.too_deep();
        }
        self.depth = self.depth.saturating_add(1);
        let start = self.here();
        let mut then = self.binary(0);
        while self.eat_name("if") {
            let condition = self.binary(0);
            let other = self.eat_name("else").then(|| self.expression());
            then = self.node(
                Kind::Either {
                    then,
                    condition,
                    other,
                },
                start,
            );
        }
        self.depth = self.depth.saturating_sub(1);
        then
    }

    fn too_deep(&mut self) -> Id {
        self.out.cut = true;
        let start = self.here();
        self.advance();
        self.node(Kind::Broken, start)
    }

    fn binary(&mut self, least: u8) -> Id {
        if self.depth >= MAX_DEPTH {
            return self.too_deep();
        }
        self.depth = self.depth.saturating_add(1);
        let start = self.here();
        let mut left = if self.eat_name("not") {
            let operand = self.binary(3);
            self.node(Kind::Unary(operand), start)
        } else if self.eat("-") || self.eat("+") {
            let operand = self.binary(8);
            self.node(Kind::Unary(operand), start)
        } else {
            let first = self.primary();
            self.postfix(first, start)
        };
        while let Some((operator, power, words)) = self.operator() {
            if power < least {
                break;
            }
            for _ in 0..words {
                self.advance();
            }
            let right = self.binary(power.saturating_add(1));
            left = self.node(Kind::Binary(operator, left, right), start);
        }
        self.depth = self.depth.saturating_sub(1);
        left
    }

    /// The operator that follows, its binding power and its tokens.
    fn operator(&self) -> Option<(&'static str, u8, u8)> {
        Some(match self.peek() {
            Token::Name("or") => ("or", 1, 1),
            Token::Name("and") => ("and", 2, 1),
            Token::Name("in") => ("in", 4, 1),
            Token::Name("not") => {
                let after = self.tokens.get(self.next.saturating_add(1))?;
                if after.token != Token::Name("in") {
                    return None;
                }
                ("not in", 4, 2)
            }
            Token::Op(operator @ ("==" | "!=" | "<" | ">" | "<=" | ">=")) => (operator, 4, 1),
            Token::Op(operator @ ("+" | "-")) => (operator, 5, 1),
            Token::Op("~") => ("~", 6, 1),
            Token::Op(operator @ ("*" | "/" | "//" | "%")) => (operator, 7, 1),
            Token::Op("**") => ("**", 9, 1),
            _ => return None,
        })
    }

    fn primary(&mut self) -> Id {
        let start = self.here();
        let token = self.peek().clone();
        match token {
            Token::Name(name) => {
                self.advance();
                let constant =
                    matches!(name, "true" | "false" | "none" | "True" | "False" | "None");
                let kind = if constant {
                    Kind::Constant
                } else {
                    Kind::Name(name)
                };
                self.node(kind, start)
            }
            Token::Str(text) => {
                self.advance();
                let mut text = text;
                // Strings side by side are one, as in Python.
                while let Token::Str(more) = self.peek() {
                    text = Cow::Owned([text.as_ref(), more.as_ref()].concat());
                    self.advance();
                }
                self.node(Kind::Str(text), start)
            }
            Token::Number(_) => {
                self.advance();
                if self.is_op(".") {
                    let after = self.tokens.get(self.next.saturating_add(1));
                    if matches!(after, Some(spanned) if matches!(spanned.token, Token::Number(_))) {
                        self.advance();
                        self.advance();
                    }
                }
                self.node(Kind::Constant, start)
            }
            Token::Op(open @ ("(" | "[" | "{")) => {
                self.advance();
                let close = match open {
                    "(" => ")",
                    "[" => "]",
                    _ => "}",
                };
                let (items, commas) = self.items(close);
                match items.as_slice() {
                    [only] if open == "(" && commas == 0 => *only,
                    _ => self.node(Kind::Group(items), start),
                }
            }
            _ => {
                self.out.broken = self.out.broken.saturating_add(1);
                self.out.first_broken.get_or_insert(start);
                self.node(Kind::Broken, start)
            }
        }
    }

    /// Expressions between commas (and colons) up to `close`.
    fn items(&mut self, close: &str) -> (Vec<Id>, u32) {
        let mut items = Vec::new();
        let mut commas = 0_u32;
        while !self.eat(close) {
            if matches!(self.peek(), Token::Close) || self.next >= self.tokens.len() {
                break;
            }
            let before = self.next;
            if self.eat(",") || self.eat(":") {
                commas = commas.saturating_add(1);
                continue;
            }
            items.push(self.expression());
            if self.next == before {
                self.advance();
            }
        }
        (items, commas)
    }

    fn postfix(&mut self, first: Id, start: usize) -> Id {
        let mut value = first;
        loop {
            if self.eat(".") {
                let attribute = match self.peek() {
                    Token::Name(name) | Token::Number(name) => *name,
                    _ => return value,
                };
                self.advance();
                value = self.node(Kind::Attribute(value, attribute), start);
            } else if self.eat("[") {
                let (items, _) = self.items("]");
                value = self.node(Kind::Item(value, items), start);
            } else if self.is_op("(") {
                let arguments = self.arguments();
                value = self.node(Kind::Call(value, arguments), start);
            } else if self.eat("|") {
                value = self.filter(Some(value), start);
            } else if self.eat_name("is") {
                self.eat_name("not");
                let Some(test) = self.name() else {
                    return value;
                };
                let arguments = if self.is_op("(") {
                    self.arguments()
                } else if self.test_has_operand() {
                    let value = self.primary();
                    vec![Argument { name: None, value }]
                } else {
                    Vec::new()
                };
                value = self.node(Kind::Test(value, test, arguments), start);
            } else {
                return value;
            }
        }
    }

    /// `x is divisibleby 3`: a test may take one bare operand.
    fn test_has_operand(&self) -> bool {
        match self.peek() {
            Token::Name(name) => {
                !matches!(*name, "and" | "or" | "else" | "if" | "is" | "in" | "not")
            }
            Token::Str(_) | Token::Number(_) => true,
            Token::Op(operator) => matches!(*operator, "[" | "{"),
            _ => false,
        }
    }

    fn filter(&mut self, value: Option<Id>, start: usize) -> Id {
        let mut name = Cow::Borrowed(self.name().unwrap_or_default());
        while self.eat(".") {
            let part = self.name().unwrap_or_default();
            name = Cow::Owned([name.as_ref(), ".", part].concat());
        }
        let arguments = if self.is_op("(") {
            self.arguments()
        } else {
            Vec::new()
        };
        self.node(Kind::Filter(value, name, arguments), start)
    }

    fn arguments(&mut self) -> Vec<Argument<'a>> {
        self.eat("(");
        let mut out = Vec::new();
        while !self.eat(")") {
            if matches!(self.peek(), Token::Close) || self.next >= self.tokens.len() {
                break;
            }
            let before = self.next;
            if self.eat(",") || self.eat("*") || self.eat("**") {
                continue;
            }
            let after = self.tokens.get(self.next.saturating_add(1));
            let keyword = matches!(self.peek(), Token::Name(_))
                && matches!(after, Some(spanned) if spanned.token == Token::Op("="));
            let name = if keyword {
                let name = self.name();
                self.eat("=");
                name
            } else {
                None
            };
            let value = self.expression();
            out.push(Argument { name, value });
            if self.next == before {
                self.advance();
            }
        }
        out
    }
}

#[cfg(test)]
mod tests;

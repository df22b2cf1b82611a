//! Refuses source whose tree would be too deep to walk or to drop.
//!
//! The parser grows its own stack; whoever walks or drops what it returns does
//! not. So the depth is bounded beforehand, over the parser's own tokens, where
//! strings and comments cannot confuse the count.

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, lexer};

/// Operators, brackets and blocks within each other.
const MAX_DEPTH: usize = 400;

/// Whether the tree of `source` stays shallow.
pub(super) fn is_shallow(source: &str) -> bool {
    let mut lexer = lexer::lex(source, Mode::Module);
    // Links of the chain that is being read, per open bracket.
    let mut chains: Vec<usize> = vec![0];
    let mut outer = 0_usize;
    let mut blocks = 0_usize;
    loop {
        let kind = lexer.next_token();
        match kind {
            TokenKind::EndOfFile => return true,
            TokenKind::Indent => blocks = blocks.saturating_add(1),
            TokenKind::Dedent => blocks = blocks.saturating_sub(1),
            TokenKind::Newline | TokenKind::Semi => {
                chains.clear();
                chains.push(0);
                outer = 0;
            }
            TokenKind::Lpar
            | TokenKind::Lsqb
            | TokenKind::Lbrace
            | TokenKind::FStringStart
            | TokenKind::TStringStart => {
                let chain = chains.last_mut();
                if let Some(chain) = chain {
                    *chain = chain.saturating_add(1);
                    outer = outer.saturating_add(*chain);
                }
                chains.push(0);
            }
            TokenKind::Rpar
            | TokenKind::Rsqb
            | TokenKind::Rbrace
            | TokenKind::FStringEnd
            | TokenKind::TStringEnd
                if chains.len() > 1 =>
            {
                chains.pop();
                let chain = chains.last().copied().unwrap_or(0);
                outer = outer.saturating_sub(chain);
            }
            TokenKind::Comma => {
                if let Some(chain) = chains.last_mut() {
                    *chain = 0;
                }
            }
            kind if is_link(kind) => {
                if let Some(chain) = chains.last_mut() {
                    *chain = chain.saturating_add(1);
                }
            }
            _ => {}
        }
        let here = chains.last().copied().unwrap_or(0);
        let depth = outer.saturating_add(here).saturating_add(blocks);
        if depth > MAX_DEPTH || blocks > 100 {
            return false;
        }
    }
}

/// A token that puts what it stands between one level deeper.
fn is_link(kind: TokenKind) -> bool {
    kind.is_operator()
        || matches!(
            kind,
            TokenKind::Not
                | TokenKind::Lambda
                | TokenKind::If
                | TokenKind::Else
                | TokenKind::Await
                | TokenKind::Yield
                | TokenKind::And
                | TokenKind::Or
                | TokenKind::In
                | TokenKind::Is
                | TokenKind::Exclamation
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_code_is_shallow() {
        let table = format!("x = [{}]\n", "-1.5, ".repeat(100_000));
        assert!(is_shallow(&table));
        assert!(is_shallow(
            "class A:\n  def f(self):\n    return self.a.b(1)[2] + (3 * 4)\n"
        ));
    }

    #[test]
    fn deep_trees_are_refused() {
        for piece in [
            "(",
            "[",
            "not ",
            "-",
            "lambda: ",
            "a if b else ",
            "x.",
            "a + ",
            "f(",
            "a[",
            "**",
            "await ",
            "{a:",
        ] {
            assert!(
                !is_shallow(&format!("y = {}z", piece.repeat(2000))),
                "{piece}"
            );
        }
        let mut blocks = String::new();
        for depth in 0..200 {
            blocks.push_str(&" ".repeat(depth));
            blocks.push_str("if a:\n");
        }
        assert!(!is_shallow(&blocks));
    }
}

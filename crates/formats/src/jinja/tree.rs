//! A template as a tree: nodes in one arena, named by their place in it.

use std::borrow::Cow;

pub(super) type Id = usize;

#[derive(Debug)]
pub(super) struct Node<'a> {
    pub kind: Kind<'a>,
    pub start: usize,
    pub end: usize,
}

#[derive(Debug)]
pub(super) enum Kind<'a> {
    Name(&'a str),
    Str(Cow<'a, str>),
    /// A number or another constant.
    Constant,
    /// A list, tuple or mapping, keys and values alike.
    Group(Vec<Id>),
    Attribute(Id, &'a str),
    Item(Id, Vec<Id>),
    Call(Id, Vec<Argument<'a>>),
    Filter(Option<Id>, Cow<'a, str>, Vec<Argument<'a>>),
    Test(Id, &'a str, Vec<Argument<'a>>),
    Unary(Id),
    Binary(&'static str, Id, Id),
    Either {
        then: Id,
        condition: Id,
        other: Option<Id>,
    },
    Broken,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Argument<'a> {
    pub name: Option<&'a str>,
    pub value: Id,
}

/// One piece of the template.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    pub kind: PieceKind<'a>,
    pub start: usize,
    pub end: usize,
    /// Nodes of all pieces up to and with this one.
    pub nodes: usize,
}

#[derive(Debug)]
pub(super) enum PieceKind<'a> {
    Text(&'a str),
    /// Something is printed, done or only read.
    Expression,
    If(Id),
    Elif(Id),
    Else,
    For {
        targets: Vec<&'a str>,
        over: Id,
        condition: Option<Id>,
    },
    Set {
        targets: Vec<&'a str>,
        /// Absent when the block that follows is the value.
        value: Option<Id>,
    },
    Macro {
        name: &'a str,
        parameters: Vec<&'a str>,
    },
    Load(Id),
    Block(&'a str),
    End(&'a str),
}

#[derive(Debug, Default)]
pub(super) struct Syntax<'a> {
    pub pieces: Vec<Piece<'a>>,
    pub nodes: Vec<Node<'a>>,
    /// Tags that did not parse, and where the first stands.
    pub broken: u64,
    pub first_broken: Option<usize>,
    /// Something was nested too deep, or the budget ended.
    pub cut: bool,
}

//! Pairing of operators, from what is unmistakable outwards.

use std::collections::{HashMap, VecDeque};

use super::surroundings::{self, Use};
use crate::canon::{Canon, Label, Operand, Piece};
use crate::ir::{NONE, at};

/// Steps of surroundings, both ways.
const STEPS: usize = 8;
/// Users that are looked through for one neighbour.
const MOST_USERS: usize = 64;

#[derive(Debug)]
pub(super) struct Pairs {
    first: Vec<u32>,
    second: Vec<u32>,
    count: usize,
}

impl Pairs {
    pub(super) fn of_first(&self, piece: u32) -> Option<u32> {
        self.first.get(at(piece)).copied().filter(|p| *p != NONE)
    }

    pub(super) fn of_second(&self, piece: u32) -> Option<u32> {
        self.second.get(at(piece)).copied().filter(|p| *p != NONE)
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }
}

struct Matching<'c> {
    a: &'c Canon,
    b: &'c Canon,
    uses: (Vec<Vec<Use>>, Vec<Vec<Use>>),
    /// Labels of pieces by themselves.
    alone: (Vec<Label>, Vec<Label>),
    pairs: Pairs,
    fresh: VecDeque<(u32, u32)>,
}

pub(super) fn find(a: &Canon, b: &Canon) -> Pairs {
    let uses = (surroundings::uses(a), surroundings::uses(b));
    let mut rounds = (
        surroundings::rounds(a, &uses.0, STEPS),
        surroundings::rounds(b, &uses.1, STEPS),
    );
    let alone = (
        rounds.0.first().cloned().unwrap_or_default(),
        rounds.1.first().cloned().unwrap_or_default(),
    );
    let mut matching = Matching {
        a,
        b,
        uses,
        alone,
        pairs: Pairs {
            first: vec![NONE; a.pieces.len()],
            second: vec![NONE; b.pieces.len()],
            count: 0,
        },
        fresh: VecDeque::new(),
    };
    // What makes the same output begins alike.
    while let (Some(x), Some(y)) = (rounds.0.pop(), rounds.1.pop()) {
        matching.anchor(&x, &y);
        matching.spread();
    }
    matching.in_order();
    matching.pairs
}

impl Matching<'_> {
    fn add(&mut self, x: u32, y: u32) -> bool {
        let free = self.pairs.of_first(x).is_none() && self.pairs.of_second(y).is_none();
        let alike = self.alone.0.get(at(x)) == self.alone.1.get(at(y))
            && self.alone.0.get(at(x)).is_some_and(|label| *label != 0);
        if !free || !alike {
            return false;
        }
        if let Some(slot) = self.pairs.first.get_mut(at(x)) {
            *slot = y;
        }
        if let Some(slot) = self.pairs.second.get_mut(at(y)) {
            *slot = x;
        }
        self.pairs.count = self.pairs.count.saturating_add(1);
        self.fresh.push_back((x, y));
        true
    }

    /// Unpaired pieces by label.
    fn by_label(&self, second: bool, labels: &[Label]) -> HashMap<Label, Vec<u32>> {
        let mut out: HashMap<Label, Vec<u32>> = HashMap::new();
        let canon = if second { self.b } else { self.a };
        for (index, _) in canon.living() {
            let paired = if second {
                self.pairs.of_second(index)
            } else {
                self.pairs.of_first(index)
            };
            if let (None, Some(label)) = (paired, labels.get(at(index))) {
                out.entry(*label).or_default().push(index);
            }
        }
        out
    }

    fn anchor(&mut self, x: &[Label], y: &[Label]) {
        let (ours, theirs) = (self.by_label(false, x), self.by_label(true, y));
        let mut sure: Vec<(u32, u32)> = Vec::new();
        for (label, pieces) in &ours {
            if let ([x], Some([y])) = (pieces.as_slice(), theirs.get(label).map(Vec::as_slice)) {
                sure.push((*x, *y));
            }
        }
        sure.sort_unstable();
        for (x, y) in sure {
            self.add(x, y);
        }
    }

    /// Neighbours of paired pieces, as far as they agree.
    fn spread(&mut self) {
        while let Some((x, y)) = self.fresh.pop_front() {
            self.spread_up(x, y);
            self.spread_down(x, y);
        }
    }

    fn spread_up(&mut self, x: u32, y: u32) {
        let (Some(ours), Some(theirs)) = (self.a.pieces.get(at(x)), self.b.pieces.get(at(y)))
        else {
            return;
        };
        let makers = |piece: &Piece| -> Vec<(usize, u32, u32)> {
            let operands = piece.operands.iter().take(MOST_USERS).enumerate();
            operands
                .filter_map(|(place, operand)| match operand {
                    Operand::Made { piece, slot } => Some((place, *piece, *slot)),
                    _ => None,
                })
                .collect()
        };
        let (up, other, commutes) = (makers(ours), makers(theirs), ours.commutes);
        for (place, from, slot) in &up {
            let fitting: Vec<u32> = other
                .iter()
                .filter(|(there, piece, out)| {
                    (commutes || place == there)
                        && slot == out
                        && self.pairs.of_second(*piece).is_none()
                        && self.alone.0.get(at(*from)) == self.alone.1.get(at(*piece))
                })
                .map(|(_, piece, _)| *piece)
                .collect();
            if let Some(piece) = fitting.first() {
                self.add(*from, *piece);
            }
        }
    }

    fn spread_down(&mut self, x: u32, y: u32) {
        let (Some(ours), Some(theirs)) = (self.uses.0.get(at(x)), self.uses.1.get(at(y))) else {
            return;
        };
        let open = |users: &[Use], second: bool| -> Vec<Use> {
            let free = users.iter().take(MOST_USERS).filter(|(user, ..)| {
                if second {
                    self.pairs.of_second(*user).is_none()
                } else {
                    self.pairs.of_first(*user).is_none()
                }
            });
            free.copied().collect()
        };
        let (ours, theirs) = (open(ours, false), open(theirs, true));
        let mut sure: Vec<(u32, u32)> = Vec::new();
        for (user, place, slot) in &ours {
            let alike = |index: u32, labels: &[Label]| {
                labels.get(at(index)).copied() == self.alone.0.get(at(*user)).copied()
            };
            let there: Vec<u32> = theirs
                .iter()
                .filter(|(other, p, s)| p == place && s == slot && alike(*other, &self.alone.1))
                .map(|(other, ..)| *other)
                .collect();
            let here = ours
                .iter()
                .filter(|(other, p, s)| p == place && s == slot && alike(*other, &self.alone.0))
                .count();
            if let ([other], 1) = (there.as_slice(), here) {
                sure.push((*user, *other));
            }
        }
        for (x, y) in sure {
            self.add(x, y);
        }
    }

    /// What is left and looks alike: in the order of the graphs when there are
    /// equally many.
    fn in_order(&mut self) {
        let (x, y) = (self.alone.0.clone(), self.alone.1.clone());
        let (ours, theirs) = (self.by_label(false, &x), self.by_label(true, &y));
        let mut sure: Vec<(u32, u32)> = Vec::new();
        for (label, pieces) in &ours {
            if let Some(others) = theirs.get(label)
                && others.len() == pieces.len()
            {
                sure.extend(pieces.iter().copied().zip(others.iter().copied()));
            }
        }
        sure.sort_unstable();
        for (x, y) in sure {
            self.add(x, y);
        }
        self.fresh.clear();
    }
}

/// Whether the operands of a pair come from pairs.
pub(super) fn same_operands(x: &Piece, y: &Piece, pairs: &Pairs) -> bool {
    let translated = |piece: &Piece, first: bool| -> Vec<(u32, u32)> {
        let mut out: Vec<(u32, u32)> = piece
            .operands
            .iter()
            .filter_map(|operand| match operand {
                Operand::Made { piece, slot } if first => {
                    Some((pairs.of_first(*piece).unwrap_or(NONE), *slot))
                }
                Operand::Made { piece, slot } => Some((*piece, *slot)),
                _ => None,
            })
            .collect();
        if piece.commutes {
            out.sort_unstable();
        }
        out
    };
    translated(x, true) == translated(y, false)
}

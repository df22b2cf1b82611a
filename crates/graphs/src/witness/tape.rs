//! A recorded computation of numbers, with which a slice can be run again in
//! microseconds, and from which it can be seen which way each number must go.
//!
//! Steps are recorded *softly*: what is flat in the graph (a comparison, a
//! rectifier, a saturated sigmoid) keeps a slope here. A comparison is its
//! robustness, positive when it holds (Donzé and Maler 2010). So a tape only
//! proposes; what counts is what the evaluator says of the proposal.

/// A place on the tape.
pub(crate) type Id = u32;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rule {
    Constant(f64),
    /// The nth variable.
    Variable(u32),
    /// Σ wᵢ·xᵢ over a range of the edges.
    Sum(u32, u32),
    Product(Id, Id),
    Quotient(Id, Id),
    Power(Id, f64),
    /// Largest and smallest of a range of the edges.
    Largest(u32, u32),
    Smallest(u32, u32),
    /// All must hold: the sum of the violations, when there are any.
    All(u32, u32),
    Curve(Curve, Id),
    /// `low`, `high`, and between them the number.
    Clip(Id, f64, f64),
    /// Floor modulus.
    Modulo(Id, f64),
    /// The entry of a table, which lies in the edges' weights.
    Table(Id, u32, u32),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Curve {
    Exp,
    Log,
    Sqrt,
    Sigmoid,
    Tanh,
    Abs,
    Square,
    Relu,
    /// 1 when positive.
    Step,
    Softplus,
    Sin,
    Cos,
    /// Rounding of any kind: its value is that of rounding, its slope 1.
    Floor,
    Ceil,
    Round,
    Truncate,
}

const LEAK: f64 = 0.02;

impl Curve {
    fn at(self, x: f64) -> (f64, f64) {
        match self {
            Self::Exp => {
                let y = x.min(40.0).exp();
                (y + 1e-3 * x, y + 1e-3)
            }
            Self::Log if x <= 1e-9 => (-20.7 + (x - 1e-9), 1.0),
            Self::Log => (x.ln(), 1.0 / x),
            Self::Sqrt if x <= 1e-12 => (1e-6 + x, 1.0),
            Self::Sqrt => (x.sqrt(), 0.5 / x.sqrt()),
            Self::Sigmoid => {
                let y = 1.0 / (1.0 + (-x).exp());
                (y + 1e-4 * x.clamp(-1e3, 1e3), y * (1.0 - y) + 1e-4)
            }
            Self::Tanh => {
                let y = x.tanh();
                (y + 1e-4 * x.clamp(-1e3, 1e3), 1.0 - y * y + 1e-4)
            }
            Self::Abs => (x.abs(), if x < 0.0 { -1.0 } else { 1.0 }),
            Self::Square => (x * x, 2.0 * x),
            Self::Relu if x < 0.0 => (LEAK * x, LEAK),
            Self::Relu => (x, 1.0),
            Self::Step if x > 0.0 => (1.0, LEAK),
            Self::Step => ((LEAK * x).max(-0.45), LEAK),
            Self::Softplus => (
                x.max(0.0) + (-x.abs()).exp().ln_1p(),
                1.0 / (1.0 + (-x).exp()) + 1e-4,
            ),
            Self::Sin => (x.sin(), x.cos()),
            Self::Cos => (x.cos(), -x.sin()),
            Self::Floor => (x.floor(), 1.0),
            Self::Ceil => (x.ceil(), 1.0),
            Self::Round => (x.round_ties_even(), 1.0),
            Self::Truncate => (x.trunc(), 1.0),
        }
    }
}

/// What must become true of a number for the goal, whichever way it is wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Knot {
    /// Positive or not: a comparison, a rectifier's operand.
    Sign(Id),
    /// Zero or not: under an absolute value or a square.
    Zero(Id, Id),
    /// The largest or smallest entry of a table.
    Entry(Id),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Tape {
    pub(crate) rules: Vec<Rule>,
    pub(crate) edges: Vec<(Id, f64)>,
    pub(crate) knots: Vec<Knot>,
    pub(crate) variables: u32,
}

/// A tape that grows beyond this is given up.
const LONGEST: usize = 3_000_000;

impl Tape {
    pub(crate) fn new() -> Self {
        let mut tape = Self::default();
        // Place 0 is the number 0, which paddings point to.
        tape.rules.push(Rule::Constant(0.0));
        tape
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rules.len() > LONGEST || self.edges.len() > LONGEST
    }

    pub(crate) fn push(&mut self, rule: Rule) -> Id {
        let at = u32::try_from(self.rules.len()).unwrap_or(0);
        if self.is_full() {
            return 0;
        }
        self.rules.push(rule);
        at
    }

    pub(crate) fn constant(&mut self, x: f64) -> Id {
        if x == 0.0 {
            0
        } else {
            self.push(Rule::Constant(x))
        }
    }

    pub(crate) fn variable(&mut self) -> Id {
        let nth = self.variables;
        self.variables = self.variables.saturating_add(1);
        self.push(Rule::Variable(nth))
    }

    pub(crate) fn known(&self, id: Id) -> Option<f64> {
        match self.rule(id) {
            Rule::Constant(x) => Some(x),
            _ => None,
        }
    }

    pub(crate) fn rule(&self, id: Id) -> Rule {
        usize::try_from(id)
            .ok()
            .and_then(|at| self.rules.get(at))
            .copied()
            .unwrap_or(Rule::Constant(0.0))
    }

    fn range(&mut self, terms: &[(Id, f64)]) -> (u32, u32) {
        if self.is_full() {
            return (0, 0);
        }
        let from = u32::try_from(self.edges.len()).unwrap_or(0);
        self.edges.extend_from_slice(terms);
        (from, u32::try_from(self.edges.len()).unwrap_or(from))
    }

    pub(crate) fn sum(&mut self, terms: &[(Id, f64)]) -> Id {
        let (from, to) = self.range(terms);
        self.push(Rule::Sum(from, to))
    }

    pub(crate) fn curve(&mut self, curve: Curve, id: Id) -> Id {
        let made = self.push(Rule::Curve(curve, id));
        match curve {
            Curve::Abs | Curve::Square => self.knots.push(Knot::Zero(id, made)),
            Curve::Relu | Curve::Step => self.knots.push(Knot::Sign(id)),
            _ => {}
        }
        made
    }

    pub(crate) fn clip(&mut self, id: Id, low: f64, high: f64) -> Id {
        if low.is_finite() {
            let above = self.push(Rule::Constant(-low));
            let above = self.sum(&[(id, 1.0), (above, 1.0)]);
            self.knots.push(Knot::Sign(above));
        }
        self.push(Rule::Clip(id, low, high))
    }

    /// A range of the edges that holds a table.
    pub(crate) fn table(&mut self, entries: &[f64]) -> (u32, u32) {
        let terms: Vec<_> = entries.iter().map(|x| (0, *x)).collect();
        self.range(&terms)
    }

    pub(crate) fn entry(&mut self, id: Id, table: (u32, u32)) -> Id {
        let made = self.push(Rule::Table(id, table.0, table.1));
        self.knots.push(Knot::Entry(made));
        made
    }

    pub(crate) fn all(&mut self, ids: &[Id]) -> Id {
        if let [one] = ids {
            return *one;
        }
        let terms: Vec<_> = ids.iter().map(|id| (*id, 1.0)).collect();
        let (from, to) = self.range(&terms);
        self.push(Rule::All(from, to))
    }

    pub(crate) fn largest(&mut self, ids: &[Id], smallest: bool) -> Id {
        if let [one] = ids {
            return *one;
        }
        let terms: Vec<_> = ids.iter().map(|id| (*id, 1.0)).collect();
        let (from, to) = self.range(&terms);
        self.push(if smallest {
            Rule::Smallest(from, to)
        } else {
            Rule::Largest(from, to)
        })
    }

    pub(crate) fn terms(&self, from: u32, to: u32) -> &[(Id, f64)] {
        let (Ok(from), Ok(to)) = (usize::try_from(from), usize::try_from(to)) else {
            return &[];
        };
        self.edges.get(from..to).unwrap_or(&[])
    }

    /// Every number, for these variables.
    pub(crate) fn forward(&self, variables: &[f64], out: &mut Vec<f64>) {
        out.clear();
        out.reserve(self.rules.len());
        for rule in &self.rules {
            let get = |id: Id| value(out, id);
            let number = match *rule {
                Rule::Constant(x) => x,
                Rule::Variable(nth) => value(variables, nth),
                Rule::Sum(from, to) => self
                    .terms(from, to)
                    .iter()
                    .map(|(id, w)| w * get(*id))
                    .sum(),
                Rule::Product(a, b) => get(a) * get(b),
                Rule::Quotient(a, b) => {
                    let b = get(b);
                    get(a)
                        / if b.abs() < 1e-12 {
                            1e-12_f64.copysign(b)
                        } else {
                            b
                        }
                }
                Rule::Power(a, p) => {
                    let a = get(a);
                    if a < 0.0 && p.fract() != 0.0 {
                        0.0
                    } else {
                        a.powf(p)
                    }
                }
                Rule::Largest(from, to) => self
                    .terms(from, to)
                    .iter()
                    .map(|(id, _)| get(*id))
                    .fold(f64::NEG_INFINITY, f64::max),
                Rule::Smallest(from, to) => self
                    .terms(from, to)
                    .iter()
                    .map(|(id, _)| get(*id))
                    .fold(f64::INFINITY, f64::min),
                Rule::All(from, to) => {
                    let terms = self.terms(from, to);
                    let violated: f64 = terms.iter().map(|(id, _)| get(*id).min(0.0)).sum();
                    if violated < 0.0 {
                        violated
                    } else {
                        terms
                            .iter()
                            .map(|(id, _)| get(*id))
                            .fold(f64::INFINITY, f64::min)
                    }
                }
                Rule::Curve(curve, a) => curve.at(get(a)).0,
                Rule::Clip(a, low, high) => {
                    let x = get(a);
                    if x < low {
                        low + LEAK * (x - low)
                    } else if x > high {
                        high + LEAK * (x - high)
                    } else {
                        x
                    }
                }
                Rule::Table(a, from, to) => {
                    let row = usize::try_from(from)
                        .ok()
                        .zip(crate::eval::index_of(get(a).round()));
                    let row = row.and_then(|(from, n)| from.checked_add(n));
                    let last = usize::try_from(to).unwrap_or(0);
                    let entry = row
                        .filter(|row| *row < last)
                        .and_then(|row| self.edges.get(row));
                    entry.map_or(0.0, |(_, x)| *x)
                }
                Rule::Modulo(a, m) => get(a).rem_euclid(m.abs().max(1e-12)),
            };
            out.push(number);
        }
    }

    /// How `goal` changes with every number.
    pub(crate) fn backward(&self, numbers: &[f64], goal: Id, out: &mut Vec<f64>) {
        out.clear();
        out.resize(self.rules.len(), 0.0);
        let Some(slot) = usize::try_from(goal).ok().and_then(|at| out.get_mut(at)) else {
            return;
        };
        *slot = 1.0;
        let last = usize::try_from(goal).unwrap_or(0);
        for (at, rule) in self
            .rules
            .iter()
            .enumerate()
            .take(last.saturating_add(1))
            .rev()
        {
            let slope = out.get(at).copied().unwrap_or(0.0);
            if slope == 0.0 || !slope.is_finite() {
                continue;
            }
            self.pass(rule, slope, numbers, |id, part| {
                if let Some(slot) = usize::try_from(id).ok().and_then(|at| out.get_mut(at)) {
                    *slot += part;
                }
            });
        }
    }

    /// Hands a slope on to a rule's operands.
    pub(crate) fn pass(
        &self,
        rule: &Rule,
        slope: f64,
        numbers: &[f64],
        mut give: impl FnMut(Id, f64),
    ) {
        let get = |id: Id| value(numbers, id);
        match *rule {
            Rule::Constant(_) | Rule::Variable(_) => {}
            Rule::Sum(from, to) => {
                for (id, w) in self.terms(from, to) {
                    give(*id, slope * w);
                }
            }
            Rule::Product(a, b) => {
                give(a, slope * get(b));
                give(b, slope * get(a));
            }
            Rule::Quotient(a, b) => {
                let by = get(b);
                let by = if by.abs() < 1e-12 {
                    1e-12_f64.copysign(by)
                } else {
                    by
                };
                give(a, slope / by);
                give(b, -slope * get(a) / (by * by));
            }
            Rule::Power(a, p) => {
                let x = get(a);
                let part = p * x.abs().max(1e-9).powf(p - 1.0);
                give(
                    a,
                    slope
                        * if x < 0.0 && p.rem_euclid(2.0) == 0.0 {
                            -part
                        } else {
                            part
                        },
                );
            }
            Rule::Largest(from, to) | Rule::Smallest(from, to) => {
                let small = matches!(rule, Rule::Smallest(..));
                let sign = if small { -1.0 } else { 1.0 };
                let terms = self.terms(from, to);
                let best = terms
                    .iter()
                    .max_by(|(x, _), (y, _)| (sign * get(*x)).total_cmp(&(sign * get(*y))));
                let Some((best, _)) = best else { return };
                give(*best, slope);
                // To move the extreme back, all have to follow.
                if slope * sign < 0.0 {
                    for (id, _) in terms.iter().filter(|(id, _)| id != best) {
                        give(*id, slope * 1e-3);
                    }
                }
            }
            Rule::Table(_, _, _) => {}
            Rule::All(from, to) => {
                let terms = self.terms(from, to);
                let mut held = true;
                for (id, _) in terms {
                    if get(*id) <= 0.0 {
                        held = false;
                        give(*id, slope);
                    }
                }
                if held
                    && let Some((id, _)) = terms
                        .iter()
                        .min_by(|(x, _), (y, _)| get(*x).total_cmp(&get(*y)))
                {
                    give(*id, slope);
                }
            }
            Rule::Curve(curve, a) => give(a, slope * curve.at(get(a)).1),
            Rule::Clip(a, low, high) => {
                let inside = (low..=high).contains(&get(a));
                give(a, slope * if inside { 1.0 } else { LEAK });
            }
            Rule::Modulo(a, _) => give(a, slope),
        }
    }
}

pub(crate) fn value(numbers: &[f64], id: Id) -> f64 {
    usize::try_from(id)
        .ok()
        .and_then(|at| numbers.get(at))
        .copied()
        .unwrap_or(0.0)
}

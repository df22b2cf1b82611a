//! Ordinary and extreme inputs on which logic that waits for a trigger is
//! silent.

use std::collections::BTreeMap;

use super::chance::Chance;
use super::ports::{Port, Role, Sizes};
use crate::eval::{Array, Kind, Refusal};

/// How the numbers of an input are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Normal,
    Unit,
    Bytes,
    Zeros,
    Ones,
    MinusOnes,
    Ramp,
    Constant,
    Sparse,
    Small,
    Large,
    NotANumber,
    Infinite,
    MinusInfinite,
}

/// The first [`ORDINARY`] are what a model meets; the rest is extreme.
pub(crate) const MOODS: [Mood; 26] = [
    Mood::Normal,
    Mood::Unit,
    Mood::Bytes,
    Mood::Zeros,
    Mood::Ramp,
    Mood::Constant,
    Mood::Normal,
    Mood::Unit,
    Mood::Sparse,
    Mood::Small,
    Mood::Normal,
    Mood::Unit,
    Mood::Constant,
    Mood::Bytes,
    Mood::Sparse,
    Mood::Normal,
    Mood::Unit,
    Mood::Constant,
    Mood::Normal,
    Mood::Ones,
    Mood::MinusOnes,
    Mood::Large,
    Mood::Bytes,
    Mood::NotANumber,
    Mood::Infinite,
    Mood::MinusInfinite,
];

pub(crate) const ORDINARY: usize = 19;

/// Values of all inputs.
pub(crate) fn feeds(
    ports: &[Port],
    sizes: Sizes,
    named: &BTreeMap<String, usize>,
    mood: Mood,
    seed: u64,
) -> Option<BTreeMap<u32, Array>> {
    let mut feeds = BTreeMap::new();
    for (nth, port) in ports.iter().enumerate() {
        let shape = port.shape(sizes, named)?;
        let nth = u64::try_from(nth).unwrap_or(0);
        let mut chance = Chance::new(seed.wrapping_mul(1_000).wrapping_add(nth));
        feeds.insert(port.value, draw(port, shape, mood, seed, &mut chance).ok()?);
    }
    Some(feeds)
}

fn draw(
    port: &Port,
    shape: Vec<usize>,
    mood: Mood,
    seed: u64,
    chance: &mut Chance,
) -> Result<Array, Refusal> {
    let count = crate::eval::product(&shape)?;
    let last = shape.last().copied().unwrap_or(1).max(1);
    let column = |at: usize| at.checked_rem(last).unwrap_or(0);
    let small = |at: usize| f64::from(u32::try_from(at).unwrap_or(u32::MAX));
    let data: Vec<f64> = match port.role {
        Role::Text => {
            let word = if seed.is_multiple_of(2) { "abc" } else { "x" };
            return Array::texts(shape, vec![word.to_owned(); count]);
        }
        Role::Real => real(mood, count, chance),
        Role::Mask => {
            let from = 1_u64.saturating_add(chance.below(u64::try_from(last).unwrap_or(1)));
            let whole = matches!(
                mood,
                Mood::Normal | Mood::Unit | Mood::Zeros | Mood::Ones | Mood::Ramp | Mood::Constant
            );
            (0..count)
                .map(|at| {
                    let on = whole || u64::try_from(column(at)).unwrap_or(0) < from;
                    f64::from(u8::from(on))
                })
                .collect()
        }
        Role::Position => (0..count).map(|at| small(column(at))).collect(),
        Role::Segment => vec![0.0; count],
        Role::Mode => {
            let name = port.name.to_lowercase();
            let rates: &[f64] = if name == "sr" || name.contains("rate") {
                &[16_000.0, 8_000.0]
            } else {
                &[1.0, 0.0, 2.0, 8.0]
            };
            let at = usize::try_from(seed).unwrap_or(0).checked_rem(rates.len());
            vec![at.and_then(|at| rates.get(at)).copied().unwrap_or(0.0); count]
        }
        Role::Truth => (0..count)
            .map(|_| match mood {
                Mood::Zeros => 0.0,
                Mood::Ones => 1.0,
                _ => f64::from(u8::from(chance.unit() < 0.5)),
            })
            .collect(),
        Role::Token => tokens(port, mood, count, chance),
    };
    Array::numbers(port.kind, shape, data)
}

fn tokens(port: &Port, mood: Mood, count: usize, chance: &mut Chance) -> Vec<f64> {
    let high = match port.kind {
        Kind::U8 => 256,
        _ => port.limit.clamp(1, 1_000_000),
    };
    let high = u64::try_from(high).unwrap_or(1);
    let mut one = || f64::from(u32::try_from(chance.below(high)).unwrap_or(0));
    match mood {
        Mood::Zeros => vec![0.0; count],
        Mood::Ones if high > 1 => vec![1.0; count],
        Mood::Constant => vec![one(); count],
        Mood::Ramp => (0..count)
            .map(|at| {
                let at = u64::try_from(at)
                    .unwrap_or(0)
                    .checked_rem(high)
                    .unwrap_or(0);
                f64::from(u32::try_from(at).unwrap_or(0))
            })
            .collect(),
        Mood::Sparse => (0..count)
            .map(|at| {
                if at.checked_rem(3) == Some(0) {
                    one()
                } else {
                    0.0
                }
            })
            .collect(),
        _ => (0..count).map(|_| one()).collect(),
    }
}

fn real(mood: Mood, count: usize, chance: &mut Chance) -> Vec<f64> {
    let level = chance.between(-2.0, 2.0);
    let scale = f64::from(u32::try_from(count.saturating_sub(1)).unwrap_or(1)).max(1.0);
    (0..count)
        .map(|at| match mood {
            Mood::Normal => chance.normal(),
            Mood::Unit => chance.unit(),
            Mood::Bytes => chance.between(0.0, 255.0),
            Mood::Zeros => 0.0,
            Mood::Ones => 1.0,
            Mood::MinusOnes => -1.0,
            Mood::Ramp => -1.0 + 2.0 * f64::from(u32::try_from(at).unwrap_or(0)) / scale,
            Mood::Constant => level,
            Mood::Sparse if chance.unit() < 0.05 => 3.0 * chance.normal(),
            Mood::Sparse => 0.0,
            Mood::Small => 0.01 * chance.normal(),
            Mood::Large => 50.0 * chance.normal(),
            Mood::NotANumber if at.checked_rem(3) == Some(0) => f64::NAN,
            Mood::NotANumber => chance.normal(),
            Mood::Infinite => f64::INFINITY,
            Mood::MinusInfinite => f64::NEG_INFINITY,
        })
        .collect()
}

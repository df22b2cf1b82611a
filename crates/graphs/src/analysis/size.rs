//! Sizes of dimensions that are not known: a number times a few symbols.
//!
//! `batch × sequence` stays what it is, so that a reshape that folds the two
//! and one that unfolds them again can be followed. A size about which nothing
//! is known is a symbol of its own.

/// Symbols that one size is the product of.
const MOST: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Size {
    pub(crate) factor: i64,
    /// Sorted; 0 for none.
    pub(crate) symbols: [u32; MOST],
}

impl Size {
    pub(crate) const ONE: Self = Self::known(1);

    pub(crate) const fn known(factor: i64) -> Self {
        Self {
            factor,
            symbols: [0; MOST],
        }
    }

    pub(crate) const fn symbol(symbol: u32) -> Self {
        Self {
            factor: 1,
            symbols: [0, 0, 0, symbol],
        }
    }

    pub(crate) fn number(self) -> Option<i64> {
        (self.symbols == [0; MOST]).then_some(self.factor)
    }

    pub(crate) fn has(self, symbol: u32) -> bool {
        symbol != 0 && self.symbols.contains(&symbol)
    }

    pub(crate) fn times(self, other: Self) -> Option<Self> {
        let factor = self.factor.checked_mul(other.factor)?;
        let mut all: Vec<u32> = self
            .symbols
            .iter()
            .chain(&other.symbols)
            .copied()
            .filter(|symbol| *symbol != 0)
            .collect();
        if factor == 0 {
            return Some(Self::known(0));
        }
        if all.len() > MOST {
            return None;
        }
        all.sort_unstable();
        let mut symbols = [0; MOST];
        for (slot, symbol) in symbols.iter_mut().rev().zip(all.iter().rev()) {
            *slot = *symbol;
        }
        Some(Self { factor, symbols })
    }

    /// The quotient, when it is a size.
    pub(crate) fn over(self, other: Self) -> Option<Self> {
        if other.factor == 0 || self.factor.checked_rem(other.factor)? != 0 {
            return None;
        }
        let factor = self.factor.checked_div(other.factor)?;
        let mut symbols = self.symbols;
        for symbol in other.symbols.iter().filter(|symbol| **symbol != 0) {
            let slot = symbols.iter_mut().find(|slot| *slot == symbol)?;
            *slot = 0;
        }
        symbols.sort_unstable();
        Some(Self { factor, symbols })
    }

    /// Without the symbols of the batch.
    pub(crate) fn without(self, batch: &[u32]) -> Self {
        let mut symbols = self.symbols;
        for slot in &mut symbols {
            if batch.contains(slot) {
                *slot = 0;
            }
        }
        symbols.sort_unstable();
        Self {
            factor: self.factor,
            symbols,
        }
    }
}

/// The product; none when it cannot be written down.
pub(crate) fn product(sizes: &[Size]) -> Option<Size> {
    sizes
        .iter()
        .try_fold(Size::ONE, |product, size| product.times(*size))
}

/// The size of two that are broadcast together.
pub(crate) fn broadcast(a: Size, b: Size) -> Option<Size> {
    if a == Size::ONE || a == b {
        return Some(b);
    }
    if b == Size::ONE {
        return Some(a);
    }
    match (a.number(), b.number()) {
        // A symbol beside a number is that number, or 1.
        (Some(number), None) => Some(Size::known(number)),
        (None, Some(number)) => Some(Size::known(number)),
        (Some(a), Some(b)) => Some(Size::known(a.max(b))),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fold_can_be_undone() {
        let (batch, sequence) = (Size::symbol(1), Size::symbol(2));
        let folded = batch
            .times(sequence)
            .unwrap()
            .times(Size::known(8))
            .unwrap();
        assert_eq!(
            folded.over(Size::known(8)).unwrap().over(sequence),
            Some(batch)
        );
        assert_eq!(batch.over(sequence), None);
        assert_eq!(
            folded.without(&[1]),
            sequence.times(Size::known(8)).unwrap()
        );
        assert_eq!(Size::known(6).over(Size::known(4)), None);
        assert_eq!(product(&[Size::known(i64::MAX), Size::known(2)]), None);
    }
}

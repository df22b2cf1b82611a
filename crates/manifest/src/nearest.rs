//! The known word that somebody probably meant.

/// The closest of `known` within two edits (one for short words), if any.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word: String = word
        .chars()
        .take(64)
        .collect::<String>()
        .to_lowercase()
        .replace('_', "-");
    let limit = if word.chars().count() < 4 { 1 } else { 2 };
    known
        .iter()
        .map(|candidate| (distance(&word, &candidate.replace('_', "-")), *candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits (insert, delete, replace, swap neighbours) between two words.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i.saturating_add(1)];
        for (j, y) in b.iter().enumerate() {
            let up = last.get(j.saturating_add(1)).copied().unwrap_or(usize::MAX);
            let corner = last.get(j).copied().unwrap_or(usize::MAX);
            let left = row.last().copied().unwrap_or(usize::MAX);
            let mut best = up
                .saturating_add(1)
                .min(left.saturating_add(1))
                .min(corner.saturating_add(usize::from(x != y)));
            if let (Some(i1), Some(j1)) = (i.checked_sub(1), j.checked_sub(1))
                && a.get(i1) == Some(y)
                && b.get(j1) == Some(x)
            {
                let swapped = before.get(j1).copied().unwrap_or(usize::MAX);
                best = best.min(swapped.saturating_add(1));
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_led_back_to_the_word_meant() {
        let known = ["low", "medium", "high", "critical"];
        assert_eq!(nearest("medum", &known), Some("medium"));
        assert_eq!(nearest("hihg", &known), Some("high"));
        assert_eq!(nearest("Critical", &known), Some("critical"));
        assert_eq!(nearest("banana", &known), None);
        assert_eq!(nearest("usecase", &["use_case"]), Some("use_case"));
    }
}

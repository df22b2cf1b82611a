//! Claims bent in every way: an answer each time, and never "counts".

use modelward_trust::evidence::{Line, Operation, chain};

use crate::common::{Desk, approval, digest, judged, step};

/// A small generator of numbers, the same on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides.max(1)
    }
}

#[test]
fn a_bent_line_is_refused_and_nothing_breaks() {
    let desk = Desk::new();
    let root = desk.root("", "").unwrap();
    let made = step(Operation::Quantize, &[("base", &digest('b'))]);
    let whole = [
        desk.says("ci", &digest('a'), &made),
        desk.says("ann", &digest('a'), &approval("ann")),
    ];
    let sound: Vec<_> = judged(&root, &whole).iter().map(|j| j.id.clone()).collect();
    let mut dice = Dice(7);
    for round in 0..3000 {
        let mut line = whole[round % 2].bytes.clone();
        for _ in 0..=dice.roll(3) {
            let at = dice.roll(line.len());
            match dice.roll(5) {
                0 => line.truncate(at),
                1 => drop(line.splice(at..at, [b'"'])),
                2 => drop(line.splice(at..(at + 9).min(line.len()), [])),
                3 => {
                    let piece = line[at..(at + 40).min(line.len())].to_vec();
                    drop(line.splice(at..at, piece));
                }
                _ => line[at] = u8::try_from(dice.roll(256)).unwrap(),
            }
            if line.is_empty() {
                break;
            }
        }
        let lines = [Line {
            place: "x".to_owned(),
            bytes: line.clone(),
        }];
        let found = judged(&root, &lines);
        let _ = chain(&found, &digest('a'));
        // Bending what is not signed (white space, an unknown member) may leave
        // it standing, but then it says what was signed.
        if found[0].counts() {
            assert!(
                sound.contains(&found[0].id),
                "{}",
                String::from_utf8_lossy(&line)
            );
        } else {
            assert!(found[0].refused.is_some());
        }
    }
}

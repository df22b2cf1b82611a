//! Boxes of given areas in a rectangle, as square as can be: the squarified
//! treemap (Bruls, Huizing, van Wijk: *Squarified Treemaps*, 2000).

#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Places boxes, largest first, in rows along the shorter side, as square as
/// adding one more box to a row can make them.
pub(super) fn layout(weights: &[f64], mut free: Area) -> Vec<Area> {
    let total: f64 = weights.iter().sum();
    let scale = if total > 0.0 {
        free.width * free.height / total
    } else {
        0.0
    };
    let areas: Vec<f64> = weights.iter().map(|weight| weight * scale).collect();
    let mut out = Vec::with_capacity(areas.len());
    let mut rest = areas.as_slice();
    while !rest.is_empty() {
        let side = free.width.min(free.height).max(1.0);
        let mut taken = 1;
        while taken < rest.len() && worst(&rest[..=taken], side) <= worst(&rest[..taken], side) {
            taken += 1;
        }
        let (row, after) = rest.split_at(taken);
        let sum: f64 = row.iter().sum();
        let depth = (sum / side).max(0.0);
        let mut offset = 0.0;
        for area in row {
            let length = if sum > 0.0 { side * area / sum } else { 0.0 };
            out.push(if free.width >= free.height {
                Area {
                    x: free.x,
                    y: free.y + offset,
                    width: depth,
                    height: length,
                }
            } else {
                Area {
                    x: free.x + offset,
                    y: free.y,
                    width: length,
                    height: depth,
                }
            });
            offset += length;
        }
        if free.width >= free.height {
            free.x += depth;
            free.width -= depth;
        } else {
            free.y += depth;
            free.height -= depth;
        }
        rest = after;
    }
    out
}

/// The least square of a row's boxes: 1 is a square.
fn worst(row: &[f64], side: f64) -> f64 {
    let sum: f64 = row.iter().sum();
    let largest = row.iter().copied().fold(0.0, f64::max);
    let smallest = row.iter().copied().fold(f64::INFINITY, f64::min);
    let (sum, side) = (sum * sum, side * side);
    (side * largest / sum).max(sum / (side * smallest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_fill_the_picture_and_stay_inside() {
        let whole = Area {
            x: 0.0,
            y: 0.0,
            width: 600.0,
            height: 400.0,
        };
        let areas = layout(&[6.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.0], whole);
        let sum: f64 = areas.iter().map(|area| area.width * area.height).sum();
        assert!((sum - 240_000.0).abs() < 1.0);
        for area in areas {
            assert!(area.x > -0.1 && area.x + area.width < 600.1);
            assert!(area.y > -0.1 && area.y + area.height < 400.1);
        }
    }
}

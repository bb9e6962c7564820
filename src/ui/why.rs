//! The evidence for a status.

use super::grid::{Column, Grid};
use super::{Screen, Style, one_line, paint, time};
use crate::engine::why::Why;

/// The status and its rule, and below them what was looked at.
#[must_use]
pub fn why_text(screen: &Screen, why: &Why) -> String {
    let status = paint(why.status.name(), Style::of(why.status), screen.color);
    let name = one_line(&why.name);
    let mut grid =
        Grid::new([Column::whole("Looked at"), Column::whole("When"), Column::wrapped("It says", 30)]);
    for evidence in &why.evidence {
        let at = evidence.at.map(|at| time::ago(at, screen.now)).unwrap_or_default();
        grid.row([evidence.of.as_str().into(), at.into(), evidence.says.as_str().into()]);
    }
    format!("{} {name} is {status}: {}\n\n{}", why.thread, why.because, grid.draw(screen))
}

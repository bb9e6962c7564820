//! A change of a file, in the form of a patch: for people to read, not to apply.

/// How many lines around a change are shown.
const AROUND: usize = 2;

/// What makes `new` out of `old`: all that lies between the first and the last line that differ.
pub(crate) fn render(path: &str, old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let most = old.len().min(new.len()) - same;
    let tail = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(old, new)| old == new).count();
    let around = |lines: &[&str]| lines.iter().map(|line| format!(" {line}")).collect::<Vec<_>>();
    let mut lines = vec![format!("--- {path}")];
    lines.extend(around(&old[same.saturating_sub(AROUND)..same]));
    lines.extend(old[same..old.len() - tail].iter().map(|line| format!("-{line}")));
    lines.extend(new[same..new.len() - tail].iter().map(|line| format!("+{line}")));
    lines.extend(around(&old[old.len() - tail..(old.len() - tail + AROUND).min(old.len())]));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_shown() {
        for (old, new, expected) in [
            ("", "a\nb\n", "+a\n+b"),
            ("a\n", "", "-a"),
            ("1\n2\n3\n4\n5\n6\n7\n", "1\n2\n3\nfour\n5\n6\n7\n", " 2\n 3\n-4\n+four\n 5\n 6"),
            ("a\na\n", "a\na\na\n", " a\n a\n+a"),
        ] {
            assert_eq!(render("/f", old, new), format!("--- /f\n{expected}"), "{old:?} {new:?}");
        }
    }
}

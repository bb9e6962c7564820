//! Which paths belong to which globs, and which globs have a path in common.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{Glob, Paths};

/// Tried mutants: `(None, _) => true` as `false`; braces cut at their first `{`; no reading as it stands.
#[test]
fn paths_belong_to_globs() {
    for (glob, path, belongs) in [
        ("src/a.rs", "src/a.rs", true),
        ("./src/a.rs", "src/a.rs", true),
        ("/src/", "src/deep/a.rs", true),
        ("src", "src/deep/a.rs", true),
        ("src/a.rs", "src", false),
        ("src/a", "src/ab", false),
        ("src/*.rs", "src/a.rs", true),
        ("src/*.rs", "src/.rs", true),
        ("src/*.rs", "src/plan/a.rs", false),
        ("src/**", "src/plan/a.rs", true),
        ("src/**", "src", false),
        ("**/mod.rs", "mod.rs", true),
        ("**/mod.rs", "src/plan/mod.rs", true),
        ("a/**/b", "a/b", true),
        ("a/**/b", "a/x/y/b/below", true),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("[a-c]x", "bx", true),
        ("[a-c]x", "dx", false),
        ("[!a-c]x", "dx", true),
        ("[!a-c]x", "bx", false),
        ("[]]x", "]x", true),
        ("[!]]x", "]x", false),
        ("app/[id]/page.tsx", "app/[id]/page.tsx", true),
        ("app/[id]/page.tsx", "app/d/page.tsx", true),
        ("[a", "[a", true),
        ("src/{a,b}.rs", "src/b.rs", true),
        ("src/{a,b}.rs", "src/c.rs", false),
        ("{a,{b,c/d}}/e", "c/d/e", true),
        ("{a,{b,c}}", "b}", false),
        ("a}b{c", "a}b{c", true),
        ("ü*", "über", true),
    ] {
        assert_eq!(Paths::new([glob]).hold(path), belongs, "{glob} {path}");
    }
    let two = Paths::new(["src/**", "README.md"]);
    assert!(two.hold("README.md") && two.hold("src/a") && !two.hold("docs/a"));
    assert!(!Paths::default().hold("a") && Paths::default().is_empty());
}

#[test]
fn globs_overlap_when_a_path_belongs_to_both() {
    for (a, b, overlap) in [
        ("src/a.rs", "./src/a.rs", true),
        ("src", "src/a/b.rs", true),
        ("src/", "src/a.rs", true),
        ("src/**", "src/a/b.rs", true),
        ("src/*.rs", "src/a.*", true),
        ("**/mod.rs", "src/plan/mod.rs", true),
        ("**/mod.rs", "src/**", true),
        ("src/{a,b}.rs", "src/b.rs", true),
        ("src/[ab].rs", "src/b.rs", true),
        ("[!a-y]", "[x-z]", true),
        ("**", "x", true),
        ("a/**/b", "a/b", true),
        ("a?c", "abc", true),
        ("src/a/**", "src/b/**", false),
        ("src/a.rs", "src/b.rs", false),
        ("src/a", "src/ab", false),
        ("src/*.rs", "src/a.md", false),
        ("src/*.rs", "src/plan/mod.rs", false),
        ("src/{a,b}.rs", "src/c.rs", false),
        ("src/[ab].rs", "src/c.rs", false),
        ("[!a-z]", "[x-z]", false),
        ("[a-c]", "[d-f]", false),
        ("app/[id]/a", "app/[slug]/a", false),
        ("tests/**", "src/**", false),
        ("a?c", "ac", false),
    ] {
        assert_eq!(Glob::new(a).overlaps(&Glob::new(b)), overlap, "{a} {b}");
        assert_eq!(Glob::new(b).overlaps(&Glob::new(a)), overlap, "{b} {a}");
    }
}

#[test]
fn a_hostile_glob_takes_no_time_and_loses_no_path() {
    let begun = Instant::now();
    let (many, other) = ("*a".repeat(200), format!("{}b", "a*".repeat(200)));
    assert!(!Glob::new(&many).overlaps(&Glob::new(&other)), "one ends with `a`, the other with `b`");
    let folders = Glob::new(&"**/a/".repeat(200));
    assert!(folders.holds(&"a/".repeat(200)) && !folders.holds(&"a/".repeat(199)));
    let braces = Glob::new(&"{a,b}".repeat(40));
    assert!(braces.count() <= 64 && braces.holds(&"ab".repeat(20)));
    let deep = Glob::new(&format!("src/{}", "{a/b,c}".repeat(40)));
    assert!(deep.count() <= 64 && deep.holds("src/cca/b") && !deep.holds("tests/c"));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

/// Every path of up to four parts out of a few names.
static SAMPLES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let names = ["a", "b", "c", "ab", "ba", "bb"];
    let mut all: Vec<String> = names.map(str::to_owned).to_vec();
    let mut last = all.clone();
    for _ in 1..4 {
        last = last.iter().flat_map(|path| names.map(|name| format!("{path}/{name}"))).collect();
        all.extend(last.iter().cloned());
    }
    all
});

fn globs() -> impl Strategy<Value = String> {
    let part = proptest::sample::select(vec![
        "a", "b", "ab", "?", "??", "*", "a*", "*b", "a?", "**", "[ab]", "[!a]", "[!a]b", "{a,b}", "{a/b,b}",
    ]);
    proptest::collection::vec(part, 1..=2).prop_map(|parts| parts.join("/"))
}

proptest! {
    /// Tried mutant: a set that meets every other set.
    #[test]
    fn two_globs_overlap_exactly_when_some_path_belongs_to_both(a in globs(), b in globs()) {
        let (left, right) = (Glob::new(&a), Glob::new(&b));
        let shared = SAMPLES.iter().find(|path| left.holds(path) && right.holds(path));
        prop_assert_eq!(left.overlaps(&right), shared.is_some(), "{} {} {:?}", a, b, shared);
    }

    #[test]
    fn every_text_is_a_glob(text in ".{0,40}", path in ".{0,40}") {
        let glob = Glob::new(&text);
        glob.holds(&path);
        prop_assert!(glob.count() >= 1 && glob.count() <= 64);
    }
}

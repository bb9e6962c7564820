//! W5: what is forecast is what git does.

use work::adapters::git::Git;
use work::model::ObjectId;

use super::rig::Rig;

/// A small generator: the same pairs on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A commit with a few random edits on top of `main`.
fn branch(rig: &Rig, name: &str, dice: &mut Dice) {
    rig.git(&["checkout", "--quiet", "-B", name, "main"]);
    for _ in 0..=dice.roll(3) {
        let file = format!("f{}", dice.roll(4));
        let path = rig.repo.join(&file);
        match dice.roll(8) {
            0 => drop(std::fs::remove_file(path)),
            1 => drop(std::fs::rename(path, rig.repo.join(format!("moved{}", dice.roll(2))))),
            2 => rig.write(&format!("new{}/x", dice.roll(2)), format!("{}\n", dice.roll(3))),
            3 => {
                drop(std::fs::remove_file(&path));
                rig.write(&format!("{file}/inner"), "a folder now\n");
            }
            _ if path.is_file() => {
                let text = rig.read(&file);
                let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                let at = usize::try_from(dice.roll(lines.len() as u64 + 1)).expect("small");
                let line = format!("edit {}", dice.roll(3));
                if at == lines.len() {
                    lines.push(line);
                } else {
                    lines[at] = line;
                }
                rig.write(&file, lines.join("\n") + "\n");
            }
            _ => {}
        }
    }
    rig.git(&["add", "--all"]);
    rig.git(&["commit", "--quiet", "--allow-empty", "--message=edit"]);
}

/// W5. `WORK_NIGHT=1` merges 3,000 pairs. Mutant tried: merging with `-X ours` in the forecast.
#[test]
fn the_forecast_is_what_the_real_merge_does() {
    let rig = Rig::new();
    for file in 0..4 {
        let text: String = (0..12).map(|line| format!("file {file} line {line}\n")).collect();
        rig.write(&format!("f{file}"), text);
    }
    rig.git(&["add", "--all"]);
    rig.git(&["commit", "--quiet", "--message=base"]);
    rig.git(&["config", "merge.directoryRenames", "false"]);
    let pairs = if work::sys::env::raw("WORK_NIGHT").is_some() { 3_000 } else { 300 };
    let git = Git::at(&rig.repo);
    let tree = |name: &str| git.resolve(&format!("{name}^{{tree}}")).expect("git").expect("a tree");
    let mut dice = Dice(5);
    let (mut clean, mut conflicting) = (0, 0);
    for pair in 0..pairs {
        branch(&rig, "theirs", &mut dice);
        branch(&rig, "ours", &mut dice);
        let forecast = git.merge(&tree("main"), &tree("ours"), &tree("theirs")).expect("a merge");
        let merged = rig.env.run("git", &rig.repo, ["merge", "--quiet", "--no-commit", "--no-ff", "theirs"]);
        let unmerged = rig.git(&["diff", "--name-only", "--diff-filter=U"]);
        assert_eq!(forecast.conflicts.is_empty(), unmerged.is_empty(), "pair {pair}: {unmerged}");
        if unmerged.is_empty() {
            assert_eq!(merged.code, 0, "pair {pair}");
            let real = ObjectId::new(&rig.git(&["write-tree"])).expect("a tree");
            assert_eq!(forecast.tree, real, "pair {pair}");
            clean += 1;
        } else {
            let names: Vec<String> =
                forecast.conflicts.iter().map(|path| path.display().to_string()).collect();
            for name in unmerged.lines() {
                let name = name.trim_end_matches("~theirs").trim_end_matches("~HEAD");
                assert!(names.iter().any(|known| known == name), "pair {pair}: {name} is not in {names:?}");
            }
            conflicting += 1;
        }
        rig.git(&["reset", "--quiet", "--hard"]);
        rig.git(&["clean", "--quiet", "-fdx"]);
    }
    assert!(clean > pairs / 10 && conflicting > pairs / 10, "{clean} clean, {conflicting} conflicting");
}

//! From wherever one stands, the same main checkout: `adapters::git` against real repositories.
//!
//! Mutants tried: taking the folder around `commondir` for the main checkout without reading
//! `core.bare` and `core.worktree`; not resolving symlinks; taking any `.git` for a repository; not reading
//! `config.worktree`.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use work::adapters::git::{LocateError, Repository, locate};

use crate::support::env::TestEnv;

fn found(start: &Path) -> Repository {
    locate(start).expect("a sound repository").expect("a repository")
}

fn at(checkout: &Path, main_checkout: &Path, common_dir: PathBuf) -> Repository {
    Repository {
        checkout: checkout.to_owned(),
        main_checkout: main_checkout.to_owned(),
        common_dir,
        is_linked_worktree: checkout != main_checkout,
    }
}

/// A folder below the root, made.
fn folder(env: &TestEnv, below: &str) -> PathBuf {
    let path = env.root().join(below);
    fs::create_dir_all(&path).unwrap();
    path
}

#[test]
fn a_plain_repository_is_found_from_every_folder_in_it() {
    let env = TestEnv::new();
    let repo = env.repo();
    let deep = folder(&env, "repo/a/b c");
    let expected = at(&repo, &repo, repo.join(".git"));
    for start in [&repo, &deep, &repo.join(".git"), &repo.join(".git/refs")] {
        assert_eq!(found(start), expected, "{}", start.display());
    }
    // The other kind of symlink: to the folder that one stands in.
    let link = env.root().join("link");
    symlink(&deep, &link).unwrap();
    assert_eq!(found(&link), expected);
}

#[test]
fn a_linked_worktree_leads_to_the_main_checkout() {
    let env = TestEnv::new();
    let repo = env.repo();
    let tree = env.root().join("elsewhere/tree");
    env.git(&repo, &["worktree", "add", "--quiet", tree.to_str().unwrap()]);
    let deep = folder(&env, "elsewhere/tree/x");
    let expected = at(&tree, &repo, repo.join(".git"));
    assert_eq!(found(&tree), expected);
    assert_eq!(found(&deep), expected);
    // A worktree that lies in the main checkout, and a worktree of a worktree.
    let inner = repo.join("inner");
    env.git(&tree, &["worktree", "add", "--quiet", "--detach", inner.to_str().unwrap()]);
    assert_eq!(found(&inner), at(&inner, &repo, repo.join(".git")));
}

#[test]
fn a_submodule_is_a_repository_of_its_own() {
    let env = TestEnv::new();
    let repo = env.repo();
    let other = folder(&env, "other");
    env.git(&other, &["init", "--quiet", "--initial-branch=main"]);
    env.git(&other, &["commit", "--quiet", "--allow-empty", "--message=First"]);
    let add = ["-c", "protocol.file.allow=always", "submodule", "add", "--quiet", "../other", "sub #1"];
    env.git(&repo, &[&add[..4], &["--quiet", other.to_str().unwrap(), add[6]]].concat());
    let sub = repo.join("sub #1");
    let common = repo.join(".git/modules/sub #1");
    assert_eq!(found(&sub), at(&sub, &sub, common.clone()));
    // git itself takes `.git/modules/…` for the main checkout here.
    let tree = env.root().join("tree");
    env.git(&sub, &["worktree", "add", "--quiet", tree.to_str().unwrap()]);
    assert_eq!(found(&tree), at(&tree, &sub, common));
}

#[test]
fn a_repository_that_lies_apart_is_found_by_its_file() {
    let env = TestEnv::new();
    let apart = env.root().join("apart.git");
    let main = env.root().join("main");
    env.git(
        env.root(),
        &["init", "--quiet", "--separate-git-dir", apart.to_str().unwrap(), main.to_str().unwrap()],
    );
    assert_eq!(found(&main), at(&main, &main, apart.clone()));
    // git does not keep where the main checkout is: better no answer than a wrong one.
    env.git(&main, &["commit", "--quiet", "--allow-empty", "--message=First"]);
    let tree = env.root().join("tree");
    env.git(&main, &["worktree", "add", "--quiet", tree.to_str().unwrap()]);
    let error = locate(&tree).unwrap_err();
    assert!(matches!(&error, LocateError::NoMainCheckout { checkout, .. } if *checkout == tree), "{error}");
    // A symlink in place of `.git` is what older gits made.
    fs::remove_file(main.join(".git")).unwrap();
    symlink(&apart, main.join(".git")).unwrap();
    assert_eq!(found(&main), at(&main, &main, apart));
}

#[test]
fn a_bare_repository_lends_the_worktree_of_its_branch() {
    let env = TestEnv::new();
    let repo = env.repo();
    // Both usual forms: beside the worktrees, and hidden behind a `.git` file or folder.
    for bare in ["store/x.git", "hidden/.bare", "inside/.git"] {
        let common = env.root().join(bare);
        let around = common.parent().unwrap().to_owned();
        env.git(&repo, &["clone", "--quiet", "--bare", ".", common.to_str().unwrap()]);
        if bare == "hidden/.bare" {
            env.write("hidden/.git", "gitdir: ./.bare\n");
        }
        if bare != "store/x.git" {
            assert_eq!(locate(&around).unwrap(), None, "there is nothing to work on yet");
        }
        let (early, main) = (around.join("a-feature"), around.join("the-main"));
        env.git(&common, &["worktree", "add", "--quiet", "-b", "feature", early.to_str().unwrap()]);
        assert_eq!(found(&early).main_checkout, early, "the only one");
        env.git(&common, &["worktree", "add", "--quiet", main.to_str().unwrap(), "main"]);
        assert_eq!(found(&early), at(&early, &main, common.clone()));
        let linked = Repository { is_linked_worktree: true, ..at(&main, &main, common.clone()) };
        assert_eq!(found(&main), linked);
        // Once worktrees have settings of their own, git keeps `core.bare` in another file.
        env.git(&early, &["sparse-checkout", "set", "--cone", "x"]);
        assert_eq!(env.run("git", &common, ["config", "--file", "config", "core.bare"]).code, 1);
        assert_eq!(found(&early), at(&early, &main, common.clone()));
        if bare != "store/x.git" {
            assert_eq!(found(&around), at(&main, &main, common), "between the worktrees");
        }
    }
}

#[test]
fn nested_repositories_are_told_apart_and_what_is_none_is_passed_by() {
    let env = TestEnv::new();
    let repo = env.repo();
    let inner = folder(&env, "repo/vendor/inner");
    env.git(&inner, &["init", "--quiet"]);
    assert_eq!(found(&inner), at(&inner, &inner, inner.join(".git")));
    // An empty `.git` folder is nothing to git either.
    let odd = folder(&env, "repo/odd");
    folder(&env, "repo/odd/.git");
    assert_eq!(found(&odd), at(&repo, &repo, repo.join(".git")));

    let none = folder(&env, "none");
    assert_eq!(locate(&none).unwrap(), None);
    assert!(matches!(locate(&none.join("missing")), Err(LocateError::Read { .. })));
    for text in ["gitdir: ../gone\n", "nonsense", ""] {
        env.write("none/.git", text);
        assert!(matches!(locate(&none), Err(LocateError::Broken { .. })), "{text:?}");
    }
}

#[test]
fn it_is_fast_enough_for_every_command() {
    let env = TestEnv::new();
    let deep = env.repo().join("a/b/c/d");
    fs::create_dir_all(&deep).unwrap();
    let begin = std::time::Instant::now();
    for _ in 0..100 {
        found(&deep);
    }
    let each = begin.elapsed() / 100;
    println!("locate: {each:?}");
    assert!(each.as_millis() < 5, "{each:?}");
}

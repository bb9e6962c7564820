//! From what was typed to what is meant.

use super::{plan, stream};
use crate::engine::approve::approve_plan;
use crate::engine::{Hint as _, ResolveError, batch, node, stage, thread};
use crate::model::Stream;
use crate::plan::parse;

fn sample() -> Stream {
    let (_folder, store) = stream();
    let text = plan(&[(1, "Lexer", &["[ ] one", "[ ] two"]), (2, "Parser", &[]), (3, "lexer", &[])]);
    approve_plan(&store, &text, &parse(&text), "ada").expect("approved");
    store.read().expect("read")
}

#[test]
fn ids_in_any_spelling_and_unique_names() {
    let stream = sample();
    for (typed, meant) in [
        ("01.01.02", "01.01.02"),
        ("1.1.2", "01.01.02"),
        (" 1.01.002 ", "01.01.02"),
        ("Parser", "01.01.02"),
        ("PARSER", "01.01.02"),
    ] {
        assert_eq!(thread(&stream, typed).expect(typed).id.to_string(), meant);
        assert_eq!(node(&stream, typed).expect(typed).to_string(), meant);
    }
    assert_eq!(node(&stream, "1.1.1.2").expect("a task").to_string(), "01.01.01.02");
    assert_eq!(node(&stream, "1.1").expect("a batch").to_string(), "01.01");
    assert_eq!(node(&stream, "1").expect("a stage").to_string(), "01");
    assert_eq!(batch(&stream, "1.1").expect("a batch").to_string(), "01.01");
    assert_eq!(stage(&stream, "01").expect("a stage").to_string(), "01");
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let stream = sample();
    for wrong in ["", "1.1.9", "0.0.0", "1.1.1.1", "Parse", "1.1", "x"] {
        assert!(matches!(thread(&stream, wrong), Err(ResolveError::Unknown { .. })), "{wrong}");
    }
    for wrong in ["", "1", "1.2", "1.1.1", "Only"] {
        assert!(matches!(batch(&stream, wrong), Err(ResolveError::Unknown { kind: "batch", .. })), "{wrong}");
    }
    for wrong in ["", "2", "1.1", "One"] {
        assert!(matches!(stage(&stream, wrong), Err(ResolveError::Unknown { kind: "stage", .. })), "{wrong}");
    }
    for wrong in ["2", "1.2", "1.1.9", "1.1.1.3", "nobody", "1.1.1.1.1"] {
        assert!(matches!(node(&stream, wrong), Err(ResolveError::Unknown { .. })), "{wrong}");
    }
    let hints = |typed: &str| thread(&stream, typed).map(|_| ()).expect_err("unknown").hints();
    assert_eq!(hints("Parsr"), ["did you mean `Parser`?", "there are 01.01.01, 01.01.02, 01.01.03"]);
    assert_eq!(hints("1.1.4")[0], "did you mean `01.01.03`?");
    assert_eq!(hints("zzz"), ["there are 01.01.01, 01.01.02, 01.01.03"]);
    let error = batch(&stream, "1.1.1").expect_err("no batch");
    assert_eq!(error.hints()[0], "did you mean `01.01`?");
}

#[test]
fn a_name_of_several_threads_is_no_name() {
    let error = thread(&sample(), "LEXER").map(|_| ()).expect_err("two of them");
    assert_eq!(error.hints(), ["name one by its id: `01.01.01`, `01.01.03`"]);
}

#[test]
fn before_the_approval_the_next_step_is_told() {
    let (_folder, store) = stream();
    let stream = store.read().expect("read");
    for error in [
        thread(&stream, "1.1.1").map(|_| ()).expect_err("none"),
        batch(&stream, "1.1").map(|_| ()).expect_err("none"),
        stage(&stream, "1").map(|_| ()).expect_err("none"),
        node(&stream, "1.1.1.1").map(|_| ()).expect_err("none"),
    ] {
        assert!(matches!(error, ResolveError::NotApproved(_)), "{error}");
    }
}

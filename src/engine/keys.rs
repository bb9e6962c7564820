//! A person's answer to what an agent asks, as they type it where they watch its turn. Pure.

use crate::model::{Ask, Reply, Wish};

/// How an answer is typed; `None` for what can only be answered elsewhere.
#[must_use]
pub fn keys(ask: &Ask) -> Option<&'static str> {
    match &ask.wish {
        Wish::Permission { .. } => Some(
            "y (yes, this once), a (yes, always) or n (no; words after it tell the agent why), then Enter",
        ),
        Wish::Question { questions } if questions.len() == 1 => {
            Some("your answer, or the number of one that is offered, then Enter")
        }
        Wish::Question { .. } | Wish::Unknown => None,
    }
}

/// What a typed line answers; `None` when it is no answer.
#[must_use]
pub fn typed(ask: &Ask, line: &str) -> Option<Reply> {
    let line = line.trim();
    match &ask.wish {
        Wish::Permission { .. } => {
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let rest = rest.trim();
            match (word.to_lowercase().as_str(), rest) {
                ("y" | "yes", "") => Some(Reply::Allow),
                ("a" | "always", "") => Some(Reply::Always),
                ("n" | "no", "") => Some(Reply::Deny { reason: None }),
                ("n" | "no", why) => Some(Reply::Deny { reason: Some(why.to_owned()) }),
                _ => None,
            }
        }
        Wish::Question { questions } => {
            let [question] = questions.as_slice() else { return None };
            let number = line.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            let offered = number.and_then(|index| question.options.get(index)).map_or(line, String::as_str);
            (!offered.is_empty()).then(|| Reply::Text { answers: vec![offered.to_owned()] })
        }
        Wish::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Question;

    fn ask(wish: Wish) -> Ask {
        let never = chrono::DateTime::UNIX_EPOCH;
        Ask { id: "1".into(), wish, since: never, until: never }
    }

    /// Tried mutants: an empty line allows; numbers begin at 0; words after `y` are ignored.
    #[test]
    fn only_what_is_clearly_meant_is_an_answer() {
        let may =
            ask(Wish::Permission { permission: "bash".into(), patterns: Vec::new(), always: Vec::new() });
        let deny = |why: Option<&str>| Some(Reply::Deny { reason: why.map(str::to_owned) });
        for (line, reply) in [
            ("y", Some(Reply::Allow)),
            (" YES ", Some(Reply::Allow)),
            ("a", Some(Reply::Always)),
            ("always", Some(Reply::Always)),
            ("n", deny(None)),
            ("no  not on main", deny(Some("not on main"))),
            ("", None),
            ("yes please", None),
            ("year", None),
            ("ok", None),
        ] {
            assert_eq!(typed(&may, line), reply, "{line:?}");
        }
        let question = |options: &[&str]| Question {
            question: "Which?".into(),
            options: options.iter().map(|&option| option.to_owned()).collect(),
        };
        let text = |answer: &str| Some(Reply::Text { answers: vec![answer.to_owned()] });
        let which = ask(Wish::Question { questions: vec![question(&["Red", "Blue"])] });
        for (line, reply) in [
            ("1", text("Red")),
            ("2", text("Blue")),
            ("3", text("3")),
            ("0", text("0")),
            ("none", text("none")),
            (" ", None),
        ] {
            assert_eq!(typed(&which, line), reply, "{line:?}");
        }
        let two = ask(Wish::Question { questions: vec![question(&[]), question(&[])] });
        assert_eq!((typed(&two, "a"), keys(&two)), (None, None));
        assert_eq!((typed(&ask(Wish::Unknown), "y"), keys(&ask(Wish::Unknown))), (None, None));
        assert!(keys(&may).is_some() && keys(&which).is_some());
    }
}

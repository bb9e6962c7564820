//! The line with which a server says that it is ready.

/// The address in the line with which the server says that it is ready, wherever that line stands.
pub(crate) fn address(text: &str) -> Option<String> {
    text.split_inclusive('\n').filter(|line| line.ends_with('\n')).find_map(|line| {
        let (_, rest) = line.split_once("listening on ")?;
        let url = rest.split_whitespace().next()?;
        url.starts_with("http://").then(|| url.trim_end_matches('/').to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_is_found_among_others() {
        for (text, url) in [
            ("opencode server listening on http://127.0.0.1:4096\n", Some("http://127.0.0.1:4096")),
            ("Warning: x\n\nopencode server listening on http://127.0.0.1:1/ \n", Some("http://127.0.0.1:1")),
            ("opencode server listening on http://127.0.0.1:40", None),
            ("listening on unix:/x\n", None),
            ("", None),
        ] {
            assert_eq!(address(text).as_deref(), url, "{text:?}");
        }
    }
}

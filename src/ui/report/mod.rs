//! How the report of a stream looks: as Markdown to commit, and as one HTML file to look at.
//!
//! Owns the looks only; the facts are `engine::report`'s. Names come from the plan and words from agents, so
//! every text of theirs passes `markdown_text` or `html_text`. One invariant: no text of theirs becomes markup, and
//! the HTML asks nothing of anybody: no script, no font, no picture from elsewhere.

mod axis;
mod html;
mod html_text;
mod html_thread;
mod markdown;
mod markdown_text;
mod timeline;
mod words;

pub use html::report_html;
pub use markdown::report_markdown;
pub use words::report_summary;

/// How a Markdown report begins, so that another one may take its place.
pub const MARKDOWN_MARK: &str =
    "<!-- Written by `work report`, which replaces it: keep words of your own elsewhere. -->";

/// How an HTML report begins.
pub const HTML_MARK: &str = "<!DOCTYPE html>\n<!-- Written by `work report --html FILE`. -->";

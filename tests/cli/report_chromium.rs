//! The HTML report in a real browser: headless Chromium, which is given nothing but the file.
//!
//! `tests/run.sh` installs it on Linux. The page has no script; where something is measured, the test adds
//! one to its own copy, and lets the page's policy allow that and nothing else.

#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use scraper::{Html, Selector};
use serde_json::Value;
use work::sys::process;

use super::desk::Desk;

/// Starting a browser takes seconds where many tests run at once.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is seen of a page: where the bars are and how they look.
const MEASURE: &str = r#"<script>
const rect = (element) => element.getBoundingClientRect();
const plot = rect(document.querySelector("svg.plot"));
const bars = [...document.querySelectorAll("svg.plot a rect")].map((bar) => {
  const at = rect(bar);
  return { status: bar.textContent.split(" · ")[1], fill: getComputedStyle(bar).fill, left: at.left - plot.left,
    right: at.right - plot.left, top: at.top - plot.top, width: at.width, height: at.height };
});
const names = [...document.querySelectorAll("svg.names a text")].map((name) => rect(name).top - plot.top);
const out = document.createElement("pre");
out.id = "measured";
out.textContent = JSON.stringify({
  bars, names, plot: plot.width, wide: document.documentElement.scrollWidth, room: innerWidth,
  page: getComputedStyle(document.body).backgroundColor, text: getComputedStyle(document.body).color,
  tables: [...document.querySelectorAll("table")].map((table) => rect(table).height),
});
document.body.append(out);
</script>"#;

fn chromium() -> PathBuf {
    let known = ["chromium", "chromium-browser", "google-chrome"];
    let found = known.iter().find_map(|name| process::find(name).ok());
    found.expect("no Chromium: `apt-get install chromium`, or run `tests/run.sh`, which does")
}

/// The page as Chromium has it after it was loaded and laid out.
#[track_caller]
fn open(desk: &Desk, file: &Path, width: u32, more: &[&str]) -> Html {
    let profile = tempfile::tempdir_in(desk.env.root()).expect("an empty folder");
    let mut command = desk.env.command(chromium());
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--dump-dom",
    ]);
    command.arg(format!("--user-data-dir={}", profile.path().display()));
    command.arg(format!("--window-size={width},900")).args(more);
    command.arg(format!("file://{}", file.display()));
    let output = process::run(command, None, PATIENCE).expect("it ends");
    assert!(output.status.success(), "{}", output.error_text());
    Html::parse_document(&output.text())
}

fn text_of(page: &Html, css: &str) -> String {
    let selector = Selector::parse(css).expect("a selector");
    page.select(&selector).next().map(|found| found.text().collect()).unwrap_or_default()
}

/// The report of the busy desk, with `more` before the end of its body.
fn report_with(desk: &Desk, name: &str, more: &str, change: impl Fn(String) -> String) -> PathBuf {
    let html = desk.run("report --html -").ok().stdout;
    assert!(html.contains("</body>"), "{html}");
    desk.env.write(name, change(html).replace("</body>", &format!("{more}</body>")))
}

/// The measures of the report, at a width.
#[track_caller]
fn measured(desk: &Desk, width: u32, more: &[&str]) -> Value {
    let allow = |html: String| {
        assert!(html.contains("default-src 'none'; "), "the policy is as it was");
        html.replace("default-src 'none'; ", "default-src 'none'; script-src 'unsafe-inline'; ")
    };
    let page = open(desk, &report_with(desk, "measured.html", MEASURE, allow), width, more);
    serde_json::from_str(&text_of(&page, "#measured")).expect("the measures")
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or_else(|| panic!("`{name}` in {value}"))
}

/// Tried mutants: the hash of another style in the policy, so that none counts; bars placed without their percent sign;
/// the plot without its least width.
#[test]
fn the_page_is_drawn_as_it_was_meant() {
    let desk = Desk::busy();
    let wide = measured(&desk, 1280, &[]);
    let bars = wide["bars"].as_array().expect("bars");
    let statuses: Vec<&str> = bars.iter().filter_map(|bar| bar["status"].as_str()).collect();
    assert_eq!(statuses, ["failed", "completed", "failed", "interrupted", "completed"]);
    for bar in bars {
        // What took a second is seen, too.
        assert!(number(bar, "width") >= 3.0 && number(bar, "height") >= 10.0, "{bar}");
        assert!(number(bar, "left") >= 0.0 && number(bar, "right") <= number(&wide, "plot"), "{bar}");
    }
    // Ten minutes are ten minutes, thirteen are more; attempt 2 comes behind attempt 1, in the same row.
    let width = |index: usize| number(&bars[index], "width");
    assert!((width(1) / width(4) - 1.0).abs() < 0.1 && width(2) > 1.2 * width(1), "{bars:#?}");
    assert!(number(&bars[0], "right") < number(&bars[1], "left"));
    assert!((number(&bars[0], "top") - number(&bars[1], "top")).abs() < 1.0);
    // The last one ends where the plot does.
    assert!(number(&bars[2], "right") > 0.9 * number(&wide, "plot"), "{}", bars[2]);
    // The name of each thread stands in the row of its bars.
    let names = wide["names"].as_array().expect("names");
    assert_eq!(names.len(), 5);
    let apart = |bar: usize, name: usize| number(&bars[bar], "top") - names[name].as_f64().expect("a place");
    assert!([(0, 0), (2, 1), (3, 2), (4, 3)].iter().all(|&(bar, name)| apart(bar, name).abs() < 8.0));
    // A colour alone says nothing: what did not end well has a pattern.
    assert!(bars[1]["fill"].as_str().is_some_and(|fill| fill.starts_with("rgb")), "{}", bars[1]);
    assert!(bars[0]["fill"].as_str().is_some_and(|fill| fill.contains("p-failed")), "{}", bars[0]);
    assert!(wide["tables"].as_array().is_some_and(|tables| tables.len() == 6), "{wide:#}");
    assert_eq!(wide["page"], "rgb(248, 248, 246)", "the style counts");
    // On a telephone only tables and timeline scroll sideways, each by itself.
    let narrow = measured(&desk, 500, &[]);
    for page in [&wide, &narrow] {
        assert!(number(page, "wide") <= number(page, "room"), "{page:#}");
    }
    assert!(number(&narrow, "plot") > 500.0, "the plot keeps its room");
    let dark = measured(&desk, 1280, &["--blink-settings=preferredColorScheme=0"]);
    assert_eq!(dark["page"], "rgb(20, 22, 26)");
    assert_ne!(dark["text"], wide["text"]);
}

/// Tried mutant: no policy in the page.
#[test]
fn the_browser_runs_nothing_in_it() {
    let desk = Desk::busy();
    let hostile = "<style>body { display: none }</style><script>document.title = 'ran'</script>\
                   <p id=\"click\" style=\"color: red\">there</p>";
    let page = open(&desk, &report_with(&desk, "hostile.html", hostile, |html| html), 1280, &[]);
    assert_eq!(text_of(&page, "title"), "Report: Rename fetch", "no script ran");
    assert_eq!(text_of(&page, "#click"), "there", "the page is whole");
    let allow = |html: String| {
        let (before, rest) = html.split_once("<meta http-equiv").expect("a policy");
        format!("{before}{}", rest.split_once('>').expect("its end").1)
    };
    let page = open(&desk, &report_with(&desk, "allowed.html", hostile, allow), 1280, &[]);
    assert_eq!(text_of(&page, "title"), "ran", "without the policy it would");
}

//! Every fault point is listed, and every listed one is somewhere in the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use work::sys::fault;

fn points(dir: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(dir).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            points(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).expect("a source");
            let named = text.split("fault::point(\"").skip(1).filter_map(|rest| rest.split('"').next());
            found.extend(named.map(str::to_owned));
        }
    }
}

#[test]
fn the_list_of_fault_points_is_the_truth() {
    let mut found = BTreeSet::new();
    points(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let listed: BTreeSet<String> = fault::ALL.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(found, listed);
    assert_eq!(listed.len(), fault::ALL.len(), "a name is listed twice");
}

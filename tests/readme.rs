//! What the README shows is what there is: its code is an example that runs, its output what that prints,
//! and its links lead somewhere.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The first block of a kind.
fn block<'t>(text: &'t str, kind: &str) -> &'t str {
    let start = format!("```{kind}\n");
    let rest = text.split_once(&start).unwrap_or_else(|| panic!("the README has a block of {kind}")).1;
    rest.split_once("```").expect("a block ends").0
}

/// The example as cargo built it beside this test, or builds it now.
fn example() -> PathBuf {
    let test = std::env::current_exe().expect("a test is a program");
    let built = test.ancestors().nth(2).expect("target/PROFILE/deps/test").join("examples/readme");
    if !built.exists() {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--example", "readme"]).current_dir(root());
        assert!(cargo.status().expect("cargo starts").success());
    }
    built
}

#[test]
fn the_code_of_the_readme_is_the_example() {
    assert_eq!(block(&read("README.md"), "rust"), read("examples/readme.rs"));
}

/// `test.sh` runs it with the program that the tests have built, and with `--release` where that is asked for.
#[test]
fn the_first_command_of_the_readme_is_the_one_that_is_tested() {
    let command = block(&read("README.md"), "sh").lines().next().expect("a command").to_owned();
    let command = command.split(" #").next().expect("a command").trim();
    let set = command.strip_prefix("cargo run --release -- run ").expect("it runs a set");
    let tested = format!("cargo run \"${{profile[@]}}\" --locked --quiet -- run {set} ");
    assert!(read("test.sh").contains(&tested), "test.sh does not run {set}");
}

#[test]
fn the_output_in_the_readme_is_what_the_code_prints() {
    let printed = Command::new(example()).output().expect("the example runs");
    let printed = String::from_utf8(printed.stdout).expect("UTF-8");
    assert_eq!(block(&read("README.md"), "text"), printed);
}

#[test]
fn the_code_of_every_document_is_compiled() {
    let compiled = read("src/documents.rs");
    for entry in std::fs::read_dir(root().join("docs")).expect("docs") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        assert!(compiled.contains(&format!("\"../docs/{name}\"")), "name docs/{name} in src/documents.rs");
    }
}

#[test]
fn links_in_documents_lead_somewhere() {
    let mut documents = vec![PathBuf::from("README.md"), "ARCHITECTURE.md".into(), "CONTRIBUTING.md".into()];
    let docs = std::fs::read_dir(root().join("docs")).expect("docs");
    documents.extend(docs.map(|entry| Path::new("docs").join(entry.expect("an entry").file_name())));
    let mut dead = Vec::new();
    for document in documents {
        let text = read(document.to_str().expect("UTF-8"));
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next()) {
            let is_file = !target.is_empty() && !target.contains("://") && !target.contains('`');
            let folder = root().join(document.parent().unwrap_or(Path::new("")));
            if is_file && !folder.join(target).exists() {
                dead.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(dead.is_empty(), "links that lead nowhere:\n  {}", dead.join("\n  "));
}

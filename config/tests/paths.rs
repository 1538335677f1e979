//! Paths and names that reach out of the configuration's folder, or are no files, are refused.

mod kit;

use barhive_config::{LoadOptions, load, load_str};
use kit::{GOOD, registry};

/// What attackers and accidents write where a path is expected.
fn payloads() -> Vec<String> {
    let targets = ["etc/passwd", "dev/zero", "proc/self/environ", "root/.ssh/id_rsa"];
    let mut payloads: Vec<String> = vec![
        "..",
        "../",
        "../..",
        "/",
        "//",
        "~",
        "~/x",
        "~root/x",
        "$HOME/x",
        "%HOME%",
        "*",
        "*.yaml",
        "a?b",
        "file:///etc/passwd",
        "http://example.com/x",
        "https://example.com/x",
        "ftp://x/y",
        "data:text/yaml,a",
        "C:\\x",
        "C:/x",
        "\\\\host\\share\\x",
        "\\..\\x",
        "..\\..\\x",
        "a\\..\\..\\x",
        "con:",
        "x|y",
        "x>y",
        "x<y",
        "`id`?",
        "$(id)",
        "x:y",
        "a/../..",
        "a/b/../../../c",
        "./../x",
        "./././../../x",
        "//host/share",
        "/.",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect();
    for target in targets {
        payloads.push(format!("/{target}"));
        payloads.push(format!("//{target}"));
        payloads.extend((1..4).map(|depth| format!("{}{target}", "../".repeat(depth))));
        payloads.push(format!("a/../../{target}"));
    }
    payloads
}

/// The places of a set that take a path or become part of one.
const PLACES: [&str; 5] = ["include", "report.dir", "name", "account.name", "strategies[0].id"];

#[test]
fn no_payload_reaches_a_file_or_a_name() {
    let registry = registry();
    let mut tried = 0;
    for place in PLACES {
        for payload in payloads() {
            let quoted = payload.replace('\\', "\\\\");
            let set = format!("{place}=\"{quoted}\"");
            let text =
                if place == "include" { format!("{GOOD}include: \"{quoted}\"\n") } else { GOOD.to_owned() };
            let sets = if place == "include" { Vec::new() } else { vec![set] };
            let options = LoadOptions { sets, ..LoadOptions::default() };
            let result = load_str(&text, "set.yaml", &registry, &options);
            assert!(result.is_err(), "{place}: {payload}");
            tried += 1;
        }
    }
    assert!(tried >= 200, "{tried}");
}

#[cfg(unix)]
#[test]
fn pipes_folders_and_links_out_of_the_folder_are_not_included() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(outside.path(), "seed: 5\n").unwrap();
    let path = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink(outside.path(), path("link.yaml")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", path("zero.yaml")).unwrap();
    std::os::unix::fs::symlink(folder.path().parent().unwrap(), path("up")).unwrap();
    std::fs::create_dir(path("dir.yaml")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(path("pipe.yaml")).status();
    assert!(made.is_ok_and(|status| status.success()));
    let up = format!("up/{}", outside.path().file_name().unwrap().to_string_lossy());
    for name in ["link.yaml", "zero.yaml", "dir.yaml", "pipe.yaml", &up] {
        std::fs::write(path("set.yaml"), format!("{GOOD}include: {name}\n")).unwrap();
        let faults = load(&path("set.yaml"), &registry(), &LoadOptions::default()).unwrap_err();
        assert!(faults.to_string().contains("include: "), "{name}: {faults}");
    }
    assert!(load(&path("pipe.yaml"), &registry(), &LoadOptions::default()).is_err());
}

#[test]
fn includes_in_a_circle_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.yaml");
    std::fs::write(&path, format!("{GOOD}include: other.yaml\n")).unwrap();
    std::fs::write(folder.path().join("other.yaml"), "include: set.yaml\n").unwrap();
    let faults = load(&path, &registry(), &LoadOptions::default()).unwrap_err();
    let text = faults.to_string();
    assert!(text.contains("other.yaml:1:10: include: \"set.yaml\" includes itself"), "{text}");
}

#[test]
fn a_file_that_is_not_there_or_not_text_is_told_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.yaml");
    let faults = load(&path, &registry(), &LoadOptions::default()).unwrap_err();
    assert!(faults.to_string().contains("set.yaml: cannot be read: "), "{faults}");
    std::fs::write(&path, b"name: a\nfeed: \xff\n").unwrap();
    let faults = load(&path, &registry(), &LoadOptions::default()).unwrap_err();
    assert!(
        faults.to_string().contains("set.yaml:2:7: expected UTF-8 text, found the byte 0xff"),
        "{faults}"
    );
}

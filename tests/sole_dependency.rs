//! A crate with only `barhive` in its dependencies compiles, derives included, without the network.

use std::{fs, path::Path, process::Command};

#[test]
fn a_crate_that_depends_on_barhive_alone_compiles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("a folder");
    let read = |name: &str| fs::read_to_string(root.join(name)).expect(name);
    // The same profile and lock file as this workspace: what it has built need not be built again.
    let manifest = read("Cargo.toml");
    let profiles = manifest.find("\n[profile.dev]").map_or("", |at| &manifest[at..]);
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect(name);
    write(
        "Cargo.toml",
        &format!(
            "[package]\nname = \"embedder\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[[bin]]\nname = \"embedder\"\n\
             path = \"main.rs\"\n\n[dependencies]\nbarhive = {{ path = {root:?} }}\n\n[workspace]\n{profiles}"
        ),
    );
    write("Cargo.lock", &read("Cargo.lock"));
    write("main.rs", &read("examples/custom_cli.rs"));
    let test = std::env::current_exe().expect("a test is a program");
    let target = test.ancestors().nth(3).expect("target/PROFILE/deps/test");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["check", "--offline", "--quiet", "--target-dir"]).arg(target).current_dir(folder.path());
    let checked = cargo.env_remove("CARGO_TARGET_DIR").output().expect("cargo starts");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

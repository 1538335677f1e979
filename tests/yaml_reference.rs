//! `docs/yaml-reference.md` is what the schema says. `UPDATE_REFERENCE=1` writes it anew.

use barhive::Registry;

#[test]
fn the_yaml_reference_is_what_the_schema_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/yaml-reference.md");
    let text = barhive::config::reference_markdown(Registry::builtin().as_engine());
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(path, &text).expect("the reference can be written");
        return;
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == text,
        "docs/yaml-reference.md is not what the schema says: UPDATE_REFERENCE=1 writes it anew"
    );
}

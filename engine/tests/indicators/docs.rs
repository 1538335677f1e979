//! The table in the user's documentation is true.

use barhive_engine::indicator::{ParamKind, builtin};

#[test]
fn the_documentation_lists_every_indicator_with_its_parameters_and_outputs() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/indicators.md");
    let text = std::fs::read_to_string(path).expect("the documentation");
    let listed = text.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(listed, builtin().len());
    for def in builtin() {
        let params: Vec<String> = def
            .params
            .iter()
            .map(|param| match param.kind {
                ParamKind::Int { default, .. } => format!("`{}` ({default})", param.name),
                ParamKind::Float { default, .. } => format!("`{}` ({default})", param.name),
            })
            .collect();
        let params = if params.is_empty() { "none".to_owned() } else { params.join(", ") };
        let outputs: Vec<String> = def.outputs.iter().map(|output| format!("`{output}`")).collect();
        let row = format!("| `{}` | {params} | {} |", def.name, outputs.join(", "));
        assert!(text.contains(&row), "docs/indicators.md lacks {row}");
    }
}

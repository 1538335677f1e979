//! Paths in the parameters of a feed: found by the names of their keys.

use std::path::Path;

use crate::tree::{Node, Value};

/// Keys whose values are paths, in the parameters of every kind of feed.
const KEYS: [&str; 6] = ["path", "paths", "file", "files", "dir", "folder"];

/// Whether a key of a feed's parameters holds a path, or several.
pub(super) fn is_path(key: &str) -> bool {
    KEYS.contains(&key)
}

/// Makes the data paths of a set absolute, so that it means the same in whatever folder it lies.
pub(crate) fn make_absolute(root: &mut Node, base_dir: &Path) {
    if let Some(params) = root.get_mut("feed").and_then(|feed| feed.get_mut("params")) {
        absolute_below(params, base_dir);
    }
}

fn absolute_below(node: &mut Node, base_dir: &Path) {
    let Value::Mapping(entries) = &mut node.value else { return };
    for entry in entries {
        match &mut entry.value.value {
            Value::Mapping(_) => absolute_below(&mut entry.value, base_dir),
            _ if !is_path(&entry.key.text) => {}
            Value::Sequence(items) => items.iter_mut().for_each(|item| absolute(item, base_dir)),
            Value::Scalar(_) => absolute(&mut entry.value, base_dir),
        }
    }
}

fn absolute(node: &mut Node, base_dir: &Path) {
    let is_null = node.is_null();
    let Value::Scalar(scalar) = &mut node.value else { return };
    // Without a working directory, or with a name that is no text, the path stays as it was written.
    let path = std::path::absolute(base_dir.join(&*scalar.text));
    if !is_null && let Some(path) = path.ok().as_deref().and_then(Path::to_str) {
        scalar.text = path.into();
    }
}

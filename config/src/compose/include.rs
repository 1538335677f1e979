//! `include:` puts another file in place: under a mapping's own fields, or as items of a list.

use std::path::{Path, PathBuf};

use super::overlay;
use crate::{
    fault::FaultLog,
    source::{Folder, plain_path, take_text},
    tree::{Budget, Entry, Location, Node, Value, parse, quote},
};

/// Files that may include each other, one within the other.
const CHAIN_MAX: usize = 8;
/// Files that one configuration may read.
const FILES_MAX: usize = 256;

/// Reads files and puts includes in their place.
pub(crate) struct Includer<'a> {
    folder: &'a Folder,
    log: &'a FaultLog,
    /// How locations name files of the folder.
    prefix: &'a Path,
    budget: Budget,
    chain: Vec<PathBuf>,
    files: usize,
}

impl<'a> Includer<'a> {
    pub(crate) fn new(folder: &'a Folder, prefix: &'a Path, log: &'a FaultLog) -> Self {
        Self { folder, log, prefix, budget: Budget::default(), chain: Vec::new(), files: 0 }
    }

    /// The tree of a text whose includes start from the folder itself.
    pub(crate) fn parse(&mut self, name: &Path, file: u32, text: &str) -> Option<Node> {
        let mut root = parse(text, file, self.budget, self.log)?;
        // What one file may hold, all files together may hold.
        self.budget.nodes_max = self.budget.nodes_max.saturating_sub(root.size()).max(1);
        self.chain.push(name.to_path_buf());
        self.resolve(&mut root);
        self.chain.pop();
        Some(root)
    }

    fn resolve(&mut self, node: &mut Node) {
        match &mut node.value {
            Value::Scalar(_) => {}
            Value::Sequence(items) => self.resolve_items(items),
            Value::Mapping(entries) => {
                for entry in &mut *entries {
                    // Parameters belong to the part that they configure: `include` may be one of them.
                    if &*entry.key.text != "params" {
                        self.resolve(&mut entry.value);
                    }
                }
                if let Some(index) = entries.iter().position(|entry| &*entry.key.text == "include") {
                    let include = entries.remove(index);
                    let own = std::mem::replace(node, Node::empty(include.value.at));
                    *node = self.merge(own, include);
                }
            }
        }
    }

    /// Items `{include: file}` become the items of that file.
    fn resolve_items(&mut self, items: &mut Vec<Node>) {
        let mut resolved = Vec::with_capacity(items.len());
        for mut item in items.drain(..) {
            let is_include = matches!(item.entries(), [entry] if &*entry.key.text == "include");
            self.resolve(&mut item);
            match item.value {
                Value::Sequence(inner) if is_include => resolved.extend(inner),
                _ => resolved.push(item),
            }
        }
        *items = resolved;
    }

    /// A mapping over the files that it includes.
    fn merge(&mut self, own: Node, include: Entry) -> Node {
        let files = match &include.value.value {
            Value::Sequence(files) => files.as_slice(),
            _ => std::slice::from_ref(&include.value),
        };
        let alone = own.entries().is_empty();
        let mut base: Option<Node> = None;
        for file in files {
            let Some(root) = self.file(file) else { continue };
            let takes_its_place = alone && files.len() == 1;
            if !takes_its_place && !matches!(root.value, Value::Mapping(_)) {
                let message = format!("expected a file of fields, found a file with {}", root.describe());
                let hint = "fields can be added to a mapping only; a list is included by itself";
                self.log.add(file.at, "include", message, Some(hint.into()));
                continue;
            }
            base = Some(match base {
                Some(base) => overlay(base, root),
                None => root,
            });
        }
        match base {
            Some(base) if alone => base,
            Some(base) => overlay(base, own),
            None => own,
        }
    }

    fn file(&mut self, node: &Node) -> Option<Node> {
        let fault = |message: String, hint: Option<&str>| {
            self.log.add(node.at, "include", message, hint.map(str::to_owned));
            None
        };
        let Value::Scalar(text) = &node.value else {
            return fault(format!("expected the path of a file, found {}", node.describe()), None);
        };
        let here = self.chain.last().and_then(|path| path.parent()).unwrap_or(Path::new(""));
        let path = match plain_path(here, &text.text) {
            Ok(path) => path,
            Err(message) => return fault(message, None),
        };
        if self.chain.contains(&path) {
            return fault(format!("{} includes itself", quote(&path.to_string_lossy())), None);
        }
        if self.chain.len() >= CHAIN_MAX || self.files >= FILES_MAX {
            let message = format!("more than {CHAIN_MAX} includes within each other, or {FILES_MAX} in all");
            return fault(message, None);
        }
        let bytes = match self.folder.read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                let message = format!("{} cannot be read: {error}", quote(&path.to_string_lossy()));
                return fault(message, Some("paths are relative to the file that includes"));
            }
        };
        self.files += 1;
        let name = self.prefix.join(&path).to_string_lossy().into_owned();
        let (file, text) = take_text(bytes, name, self.log)?;
        self.parse(&path, file, &text)
    }
}

/// The place at which a text starts.
pub(crate) fn start_of(file: u32) -> Location {
    Location { file, line: 1, column: 1 }
}

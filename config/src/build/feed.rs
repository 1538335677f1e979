//! The feed: looked up, given its parameters, opened.

use std::{path::Path, sync::Arc};

use barhive_engine::{
    data::{FeedError, Source},
    registry::FeedContext,
};

use super::{Scene, paths::is_path};
use crate::{
    read::{Captured, Place},
    section::FeedSection,
    suggest,
    tree::{Value, quote},
};

/// Opens the source; `None` when there is a fault.
pub(super) fn open(scene: &Scene<'_, '_>, feed: Option<&Captured<FeedSection>>) -> Option<Arc<dyn Source>> {
    let reader = scene.reader;
    let known: Vec<&str> = scene.registry.feeds().map(|def| def.name.as_str()).collect();
    let choices = format!("write feed: {{kind: ..., params: ...}}; kinds: {}", suggest::list(&known));
    let Some(captured) = feed else {
        reader.missing(&scene.root, "feed", &choices);
        return None;
    };
    let place = reader.place(captured.place);
    let section = reader.open(captured)?;
    let Some(kind) = &section.kind else {
        reader.missing(&place, "kind", &choices);
        return None;
    };
    let Some(def) = scene.registry.find_feed(&kind.value) else {
        scene.unknown(kind, "kind of feed", &kind.value, &known);
        return None;
    };
    let params = match &section.params {
        Some(params) => reader.place(params.place),
        None if Scene::has(&place, "params") => return None,
        None => place.left_out("params"),
    };
    let opened = reader.read_with(&params, |deserializer| {
        def.read(&mut <dyn erased_serde::Deserializer<'_>>::erase(deserializer))
    })?;
    if !paths_are_plain(scene, &params) {
        return None;
    }
    match opened(&FeedContext { base_dir: scene.base_dir.to_path_buf() }) {
        Ok(source) => Some(source),
        Err(error) => {
            tell(scene, &params, &error);
            None
        }
    }
}

/// Shows what a feed complains of at the parameters that it names (`bars: expected ...`).
fn tell(scene: &Scene<'_, '_>, params: &Place<'_>, error: &FeedError) {
    let named = |text: &str| {
        let (path, message) = text.split_once(": ")?;
        let place = path.split('.').try_fold(params.clone(), |place, key| place.get(key))?;
        Some((place, message.to_owned()))
    };
    if let FeedError::Io { what, .. } = error {
        let told: Option<Vec<_>> = what.split("; ").map(named).collect();
        if let Some(told) = told {
            for (place, message) in told {
                scene.reader.fault(&place, message, None);
            }
            return;
        }
    }
    scene.reader.fault(params, error.to_string(), None);
}

/// Refuses paths that name a device, a pipe or a socket: reading one may hang or never end.
fn paths_are_plain(scene: &Scene<'_, '_>, place: &Place<'_>) -> bool {
    let mut plain = true;
    for entry in place.node.entries() {
        let Some(child) = place.get(&entry.key.text) else { continue };
        if matches!(child.node.value, Value::Mapping(_)) {
            plain &= paths_are_plain(scene, &child);
            continue;
        }
        if !is_path(&entry.key.text) {
            continue;
        }
        let items = child.items();
        for place in if items.is_empty() { vec![child] } else { items } {
            plain &= path_is_plain(scene, &place);
        }
    }
    plain
}

fn path_is_plain(scene: &Scene<'_, '_>, place: &Place<'_>) -> bool {
    let Value::Scalar(scalar) = &place.node.value else { return true };
    let path = scene.base_dir.join(Path::new(&*scalar.text));
    let system = ["/dev", "/proc", "/sys"].iter().any(|folder| path.starts_with(folder));
    let strange = path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir());
    if system || strange {
        let message = format!("expected a file or folder of data, found {}", quote(&scalar.text));
        scene.reader.fault(place, message, Some("devices, pipes and sockets are not read".into()));
    }
    !system && !strange
}

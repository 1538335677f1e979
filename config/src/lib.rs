//! The YAML configuration of barhive: schema, faults with locations, presets

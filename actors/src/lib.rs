//! The runtime of barhive: actix actors, shards and supervision around the engine

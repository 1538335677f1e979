//! The one idea behind every bounded curve: when there is no room for a bucket, neighbours merge in
//! pairs and every bucket spans twice as many points.

/// A summary of consecutive points.
pub(super) trait Bucket: Clone {
    /// Takes in the summary of the points that follow.
    fn absorb(&mut self, later: &Self);
}

/// At most `limit` buckets of equal width; only the last may be unfinished.
#[derive(Clone, Debug)]
pub(super) struct Buckets<B> {
    list: Vec<B>,
    /// Points per bucket: a power of two.
    width: u64,
    /// Points in the last bucket.
    filled: u64,
    limit: usize,
}

impl<B: Bucket> Buckets<B> {
    /// Room for `limit` buckets, made even and at least 2.
    pub(super) fn new(limit: usize) -> Self {
        Self { list: Vec::new(), width: 1, filled: 0, limit: (limit.max(2) + 1) & !1 }
    }

    pub(super) fn list(&self) -> &[B] {
        &self.list
    }

    /// Adds `count` points; `summary(from, to)` summarises points `from..to` of them.
    pub(super) fn extend(&mut self, count: usize, mut summary: impl FnMut(usize, usize) -> B) {
        let mut from = 0;
        while from < count {
            if self.list.is_empty() || self.filled == self.width {
                if self.list.len() == self.limit {
                    self.merge_pairs();
                }
                self.filled = 0;
            }
            let room = usize::try_from(self.width - self.filled).unwrap_or(usize::MAX);
            let to = from + room.min(count - from);
            let points = summary(from, to);
            match self.list.last_mut() {
                Some(last) if self.filled > 0 => last.absorb(&points),
                _ => self.list.push(points),
            }
            self.filled += (to - from) as u64;
            from = to;
        }
    }

    /// Forgets every point.
    pub(super) fn clear(&mut self) {
        self.list.clear();
        (self.width, self.filled) = (1, 0);
    }

    /// A copy in at most `limit` buckets, each of which merges the same number of these.
    pub(super) fn coarser(&self, limit: usize) -> Vec<B> {
        let together = self.list.len().div_ceil(limit.max(1)).max(1);
        self.list.chunks(together).filter_map(merged).collect()
    }

    fn merge_pairs(&mut self) {
        self.list = self.list.chunks(2).filter_map(merged).collect();
        self.width *= 2;
    }
}

fn merged<B: Bucket>(run: &[B]) -> Option<B> {
    let (first, rest) = run.split_first()?;
    let mut all = first.clone();
    rest.iter().for_each(|later| all.absorb(later));
    Some(all)
}

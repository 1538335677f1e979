//! Checksums of blocks of rows: any flipped bit is found before its value is used.

use std::fmt::Write;

use barhive_engine::data::BarColumns;

/// Rows per checksum. A column of a block is 64 KiB: it is checked and used while it is in the cache.
pub(crate) const BLOCK_ROWS: usize = 8192;
/// The columns of a series in the order in which they are stored.
pub(crate) const COLUMNS: [&str; 7] = ["ts_open", "ts_close", "open", "high", "low", "close", "volume"];
/// Where the open times are among [`COLUMNS`].
pub(crate) const TS_OPEN: usize = 0;
/// Where the close times are among [`COLUMNS`].
pub(crate) const TS_CLOSE: usize = 1;

/// The CRC32C of `bytes`: folded by carry-less multiplication in wide registers where the processor has
/// them, which for whole blocks is faster than its CRC instruction.
pub(crate) fn crc(bytes: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes) as u32
}

/// The checksums of one block, one per column.
pub(crate) type BlockSums = [u32; COLUMNS.len()];

/// The bytes of a column's rows as they are stored.
pub(crate) fn column_bytes(columns: &BarColumns, column: usize) -> &[u8] {
    match column {
        TS_OPEN => columns.ts_open_ns.inner(),
        TS_CLOSE => columns.ts_close_ns.inner(),
        2 => columns.open.inner(),
        3 => columns.high.inner(),
        4 => columns.low.inner(),
        5 => columns.close.inner(),
        _ => columns.volume.inner(),
    }
    .as_slice()
}

/// The bytes of rows `from..to` of a column; they lie within it.
pub(crate) fn row_bytes(columns: &BarColumns, column: usize, from: usize, to: usize) -> &[u8] {
    &column_bytes(columns, column)[from * 8..to * 8]
}

/// The checksums of every block of `columns`, whose first row starts a block.
pub(crate) fn block_sums(columns: &BarColumns) -> impl Iterator<Item = BlockSums> + '_ {
    (0..columns.len()).step_by(BLOCK_ROWS).map(|from| {
        let to = (from + BLOCK_ROWS).min(columns.len());
        std::array::from_fn(|column| crc(row_bytes(columns, column, from, to)))
    })
}

/// The checksums as text: eight hexadecimal digits each, block after block.
pub(crate) fn encode(blocks: &[BlockSums]) -> String {
    let mut text = String::with_capacity(blocks.len() * COLUMNS.len() * 8);
    for sum in blocks.iter().flatten() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{sum:08x}");
    }
    text
}

/// Reads what [`encode`] wrote; `None` for anything else.
pub(crate) fn decode(text: &str) -> Option<Vec<BlockSums>> {
    const BLOCK_DIGITS: usize = COLUMNS.len() * 8;
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        b'a'..=b'f' => Some(u32::from(byte - b'a') + 10),
        _ => None,
    };
    if !text.len().is_multiple_of(BLOCK_DIGITS) {
        return None;
    }
    let mut blocks = Vec::with_capacity(text.len() / BLOCK_DIGITS);
    for block in text.as_bytes().chunks_exact(BLOCK_DIGITS) {
        let mut sums = BlockSums::default();
        for (sum, digits) in sums.iter_mut().zip(block.chunks_exact(8)) {
            for byte in digits {
                *sum = *sum << 4 | digit(*byte)?;
            }
        }
        blocks.push(sums);
    }
    Some(blocks)
}

/// A hash of the rows: BLAKE3 over their number and their blocks' checksums.
///
/// Equal rows have equal hashes however they are cut into batches and files. It tells data sets apart;
/// it is no defence against somebody who forges one.
pub(crate) fn data_hash(rows: u64, blocks: &[BlockSums]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"barhive rows 1");
    hasher.update(&rows.to_le_bytes());
    for sum in blocks.iter().flatten() {
        hasher.update(&sum.to_le_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_the_standard_checksum() {
        assert_eq!(crc(b"123456789"), 0xe306_9283);
        let bytes: Vec<u8> = (0..10_000u32).map(|byte| byte as u8).collect();
        assert_eq!(crc(&bytes), crc32c::crc32c(&bytes));
    }

    #[test]
    fn checksums_survive_their_text_and_nothing_else_is_read() {
        let blocks = vec![[0, 1, u32::MAX, 0xdead_beef, 5, 6, 7], [7; 7]];
        let text = encode(&blocks);
        assert_eq!(decode(&text), Some(blocks));
        assert_eq!(decode(""), Some(vec![]));
        assert_eq!(decode(&text[1..]), None);
        assert_eq!(decode(&text.replace('d', "D")), None);
        assert_eq!(decode(&"é".repeat(28)), None);
    }
}

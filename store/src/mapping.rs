//! Mapped files as Arrow buffers: the one place with `unsafe`.
//!
//! Everything unsafe rests on one promise of this crate: a byte that has been handed out as part of a
//! view is never written again. Catalog files are complete before they get their name and are replaced
//! by renaming; rows of a tail below its published count are never rewritten. Somebody else who
//! overwrites or truncates such a file while it is mapped breaks the promise for every program that maps
//! files; checksums find the former, nothing can be done about the latter.
#![allow(unsafe_code, reason = "mapping a file and viewing it as numbers has no safe interface")]

use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    ptr::NonNull,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering, fence},
    },
};

use arrow_buffer::{ArrowNativeType, Buffer, ScalarBuffer};
use memmap2::{Mmap, MmapOptions, MmapRaw};

use crate::StoreError;

/// Opens a regular file for reading, and says how long it is.
///
/// Never waits: a pipe or device under the name is refused instead of being opened for good.
pub(crate) fn open_regular(path: &Path) -> Result<(File, usize), StoreError> {
    let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .map_err(StoreError::io(path, "open the file"))?;
    let metadata = file.metadata().map_err(StoreError::io(path, "read the file's size"))?;
    let refused = |found: String| StoreError::Format {
        path: path.to_owned(),
        expected: "a regular file that fits the address space".to_owned(),
        found,
    };
    if !metadata.is_file() {
        return Err(refused("something else under that name".to_owned()));
    }
    let len = metadata.len();
    match usize::try_from(len) {
        Ok(len) if isize::try_from(len).is_ok() => Ok((file, len)),
        _ => Err(refused(format!("{len} bytes"))),
    }
}

/// A whole file as one read-only buffer: mapped, or read into aligned memory where mapping is refused.
pub(crate) fn map_file(path: &Path) -> Result<Buffer, StoreError> {
    let (file, len) = open_regular(path)?;
    if len == 0 {
        return Ok(Buffer::default());
    }
    match map(&file, len) {
        Ok(buffer) => Ok(buffer),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, bytes = len, "mapping refused, reading into memory");
            read_aligned(file, len).map_err(StoreError::io(path, "read the file"))
        }
    }
}

/// A whole file in memory of this process's own, as [`map_file`] has it where mapping is refused.
pub(crate) fn read_file(path: &Path) -> Result<Buffer, StoreError> {
    let (file, len) = open_regular(path)?;
    read_aligned(file, len).map_err(StoreError::io(path, "read the file"))
}

fn map(file: &File, len: usize) -> io::Result<Buffer> {
    // SAFETY: the mapping is read-only and private to the views made below; the module's promise
    // (see above) keeps its bytes from changing while it lives.
    let map = unsafe { MmapOptions::new().len(len).map(file)? };
    advise_huge_pages(&map);
    buffer(map)
}

/// A mapping as a buffer that owns it.
fn buffer(map: Mmap) -> io::Result<Buffer> {
    let len = map.len();
    let start = NonNull::new(map.as_ptr().cast_mut()).ok_or(io::ErrorKind::InvalidData)?;
    // SAFETY: `start` is valid for reads of `len` bytes for as long as `map` lives, which the buffer
    // owns from here on; moving the map does not move its pages.
    Ok(unsafe { Buffer::from_custom_allocation(start, len, Arc::new(map)) })
}

/// Asks for pages of 2 MB: a file that comes from the disk is then cached and mapped in them, with a
/// thirtieth of the faults. Where that is refused nothing is lost but the speed.
fn advise_huge_pages(map: &Mmap) {
    #[cfg(target_os = "linux")]
    if map.len() >= 2 << 20 {
        let _ = map.advise(memmap2::Advice::HugePage);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = map;
}

/// Reads `len` bytes into pages of this process's own, which go back to the system with the buffer: an
/// allocator would keep them, and what a catalog reads may be most of a process.
fn read_aligned(mut file: File, len: usize) -> io::Result<Buffer> {
    if len == 0 {
        return Ok(Buffer::default());
    }
    let mut pages = MmapOptions::new().len(len).map_anon()?;
    file.read_exact(&mut pages)?;
    buffer(pages.make_read_only()?)
}

/// Why a region cannot be seen as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ViewError {
    /// The region ends before the view does.
    Short,
    /// The region does not start at a multiple of the number's alignment.
    Misaligned,
}

/// `rows` numbers from byte `offset` of `region`, as a view: nothing is copied.
pub(crate) fn view<T: ArrowNativeType>(
    region: &Buffer,
    offset: usize,
    rows: usize,
) -> Result<ScalarBuffer<T>, ViewError> {
    let bytes = rows.checked_mul(size_of::<T>()).ok_or(ViewError::Short)?;
    let end = offset.checked_add(bytes).ok_or(ViewError::Short)?;
    if end > region.len() {
        return Err(ViewError::Short);
    }
    let part = region.slice_with_length(offset, bytes);
    if part.as_ptr().align_offset(align_of::<T>()) != 0 {
        return Err(ViewError::Misaligned);
    }
    Ok(ScalarBuffer::from(part))
}

/// A file whose first bytes hold counters that one process advances and others watch.
#[derive(Debug)]
pub(crate) struct SharedMap {
    map: Arc<MmapRaw>,
    writable: bool,
}

impl SharedMap {
    /// Maps the first `len` bytes for reading.
    pub(crate) fn read_only(file: &File, len: usize) -> io::Result<Self> {
        let map = MmapOptions::new().len(len).map_raw_read_only(file)?;
        Ok(Self { map: Arc::new(map), writable: false })
    }

    /// Maps the first `len` bytes for reading and advancing counters.
    pub(crate) fn writable(file: &File, len: usize) -> io::Result<Self> {
        let map = MmapOptions::new().len(len).map_raw(file)?;
        Ok(Self { map: Arc::new(map), writable: true })
    }

    fn counter(&self, offset: usize) -> &AtomicU64 {
        assert!(offset.is_multiple_of(8) && offset + 8 <= self.map.len(), "a counter lies in the header");
        // SAFETY: the assertion puts the eight bytes inside the mapping, which starts at a page and
        // lives as long as `self`; all processes touch these bytes through atomics only. Stores are
        // refused below unless the mapping is writable, and relaxed loads of a word are allowed on
        // read-only memory.
        unsafe { AtomicU64::from_ptr(self.map.as_mut_ptr().add(offset).cast()) }
    }

    /// Reads a counter; what was written before it was advanced is visible afterwards.
    pub(crate) fn load(&self, offset: usize) -> u64 {
        let value = self.counter(offset).load(Ordering::Relaxed);
        // An acquire load is not promised to work on read-only memory; a fence after a relaxed one is.
        fence(Ordering::Acquire);
        value
    }

    /// Sets a counter after everything that this thread has written.
    pub(crate) fn store(&self, offset: usize, value: u64) {
        assert!(self.writable, "only the writer advances counters");
        self.counter(offset).store(value, Ordering::Release);
    }

    /// The bytes from `offset` on as a buffer, of which the caller only looks at what was published.
    ///
    /// `None` when the mapping ends there or before.
    pub(crate) fn buffer(&self, offset: usize) -> Option<Buffer> {
        let len = self.map.len().checked_sub(offset).filter(|len| *len > 0)?;
        // SAFETY: `offset` is below the mapping's length, so the pointer stays inside it.
        let start = NonNull::new(unsafe { self.map.as_mut_ptr().add(offset) })?;
        // SAFETY: `start` is valid for reads of `len` bytes for as long as the map lives, which the
        // buffer shares. A buffer is a pointer and a length: no reference to the rows that are not
        // published yet exists until somebody slices and reads them, which the tail never does.
        Some(unsafe { Buffer::from_custom_allocation(start, len, self.map.clone()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn a_view_shows_the_file_without_copying() {
        let bytes: Vec<u8> = (0..4u64).flat_map(u64::to_le_bytes).collect();
        let file = file(&bytes);
        let region = map_file(file.path()).unwrap();
        let numbers = view::<i64>(&region, 8, 3).unwrap();
        assert_eq!(&numbers[..], &[1, 2, 3]);
        assert_eq!(numbers.inner().as_ptr(), region.as_ptr().wrapping_add(8));
        drop(region);
        assert_eq!(numbers[2], 3, "a view keeps its mapping alive");
    }

    #[test]
    fn misaligned_and_short_regions_are_errors() {
        let region = map_file(file(&[0; 32]).path()).unwrap();
        assert_eq!(view::<f64>(&region, 4, 1).unwrap_err(), ViewError::Misaligned);
        assert_eq!(view::<f64>(&region, 8, 4).unwrap_err(), ViewError::Short);
        assert_eq!(view::<f64>(&region, usize::MAX, 1).unwrap_err(), ViewError::Short);
        assert_eq!(view::<f64>(&region, 0, usize::MAX).unwrap_err(), ViewError::Short);
    }

    #[test]
    fn where_mapping_is_refused_the_file_is_read_into_aligned_memory() {
        let bytes: Vec<u8> = (0..=255).collect();
        let file = file(&bytes);
        let read = read_aligned(File::open(file.path()).unwrap(), bytes.len()).unwrap();
        assert_eq!(read.as_slice(), &bytes);
        assert!(view::<f64>(&read, 0, 32).is_ok());
    }

    #[test]
    fn a_file_is_read_where_no_mapping_is_wanted() {
        let read = read_file(file(&[7; 100]).path()).unwrap();
        assert_eq!(read.as_slice(), [7; 100]);
        assert!(read_file(file(&[]).path()).unwrap().is_empty());
        assert!(read_file(Path::new("/dev/zero")).unwrap_err().to_string().contains("regular file"));
    }

    #[test]
    fn only_regular_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        assert!(map_file(folder.path()).unwrap_err().to_string().contains("regular file"));
        assert!(map_file(&folder.path().join("none")).unwrap_err().to_string().contains("cannot open"));
        assert!(map_file(Path::new("/dev/zero")).unwrap_err().to_string().contains("regular file"));
    }

    #[test]
    fn a_counter_advanced_in_one_mapping_is_seen_in_another() {
        let file = file(&[0; 4096]);
        let writer = SharedMap::writable(&file.as_file().try_clone().unwrap(), 4096).unwrap();
        let reader = SharedMap::read_only(file.as_file(), 4096).unwrap();
        writer.store(64, 7);
        assert_eq!(reader.load(64), 7);
        assert!(reader.buffer(4096).is_none());
    }
}

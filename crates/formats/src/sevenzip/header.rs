//! The header of a 7z archive: what is packed how, and under which names.
//!
//! Every count is checked against the bytes that are left, because everything
//! that is counted takes at least one of them.

use crate::reader::{Reader, Truncated};

/// 7-Zip itself takes no more.
const CODERS: u64 = 32;
/// As many members as any file may have, and as many of anything else.
const MOST: u64 = 200_000;

#[derive(Debug, Clone, Default)]
pub(super) struct Coder {
    pub(super) method: Vec<u8>,
    pub(super) properties: Vec<u8>,
    pub(super) size: u64,
}

/// One run of packed data and how it is unpacked.
#[derive(Debug, Clone, Default)]
pub(super) struct Folder {
    /// In the order in which the bytes go through them.
    pub(super) coders: Vec<Coder>,
    /// The coders have several inputs, so their order is not a chain.
    pub(super) is_graph: bool,
    /// How many packed streams it takes.
    pub(super) inputs: u64,
    pub(super) crc: Option<u32>,
    /// Sizes of the files it holds.
    pub(super) sizes: Vec<u64>,
    pub(super) crcs: Vec<Option<u32>>,
}

impl Folder {
    pub(super) fn size(&self) -> u64 {
        self.coders.last().map_or(0, |coder| coder.size)
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Streams {
    /// Where the packed streams begin, from the end of the signature header.
    pub(super) start: u64,
    pub(super) packed: Vec<u64>,
    pub(super) folders: Vec<Folder>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) has_stream: bool,
    pub(super) is_folder: bool,
    pub(super) attributes: u32,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Header {
    pub(super) streams: Streams,
    pub(super) files: Vec<File>,
}

/// What the decoded header begins with.
pub(super) enum Kind {
    Plain(Header),
    /// The header itself is packed.
    Packed(Streams),
}

pub(super) fn read(bytes: &[u8]) -> Result<Kind, Truncated> {
    let mut reader = Reader::new(bytes);
    match reader.u8()? {
        0x17 => Ok(Kind::Packed(streams(&mut reader)?)),
        0x01 => Ok(Kind::Plain(header(&mut reader)?)),
        _ => Err(Truncated),
    }
}

fn header(reader: &mut Reader<'_>) -> Result<Header, Truncated> {
    let mut header = Header::default();
    loop {
        match reader.u8()? {
            0x00 => return Ok(header),
            0x02 => {
                while reader.u8()? != 0 {
                    let len = number(reader)?;
                    reader.skip(len)?;
                }
            }
            0x03 => {
                streams(reader)?;
            }
            0x04 => header.streams = streams(reader)?,
            0x05 => header.files = files(reader)?,
            _ => return Err(Truncated),
        }
    }
}

/// 7z's numbers: the first byte tells how many follow.
fn number(reader: &mut Reader<'_>) -> Result<u64, Truncated> {
    let first = reader.u8()?;
    let more = first.leading_ones();
    let mut value = 0_u64;
    for place in 0..more.min(8) {
        let byte = u64::from(reader.u8()?);
        value |= byte.checked_shl(place.saturating_mul(8)).unwrap_or(0);
    }
    let high = u64::from(first) & (0x7f_u64.checked_shr(more).unwrap_or(0));
    Ok(value | high.checked_shl(more.saturating_mul(8)).unwrap_or(0))
}

/// A count of things that take at least a byte each.
fn count(reader: &mut Reader<'_>) -> Result<u64, Truncated> {
    let count = number(reader)?;
    if count > reader.remaining().min(MOST) {
        return Err(Truncated);
    }
    Ok(count)
}

fn bits(reader: &mut Reader<'_>, count: u64) -> Result<Vec<bool>, Truncated> {
    let bytes = reader.take(count.div_ceil(8))?;
    let bits = bytes
        .iter()
        .flat_map(|byte| (0..8).map(move |place| byte & (0x80_u8 >> place) != 0));
    Ok(bits.take(usize::try_from(count).unwrap_or(0)).collect())
}

fn all_or_bits(reader: &mut Reader<'_>, count: u64) -> Result<Vec<bool>, Truncated> {
    if reader.u8()? == 0 {
        bits(reader, count)
    } else {
        Ok(vec![true; usize::try_from(count).map_err(|_| Truncated)?])
    }
}

fn digests(reader: &mut Reader<'_>, count: u64) -> Result<Vec<Option<u32>>, Truncated> {
    all_or_bits(reader, count)?
        .into_iter()
        .map(|defined| defined.then(|| reader.u32_le()).transpose())
        .collect()
}

fn streams(reader: &mut Reader<'_>) -> Result<Streams, Truncated> {
    let mut out = Streams::default();
    let mut substreams = false;
    loop {
        match reader.u8()? {
            0x00 => break,
            0x06 => packed(reader, &mut out)?,
            0x07 => out.folders = folders(reader)?,
            0x08 => {
                sub_streams(reader, &mut out.folders)?;
                substreams = true;
            }
            _ => return Err(Truncated),
        }
    }
    if !substreams {
        for folder in &mut out.folders {
            folder.sizes = vec![folder.size()];
            folder.crcs = vec![folder.crc];
        }
    }
    Ok(out)
}

fn packed(reader: &mut Reader<'_>, out: &mut Streams) -> Result<(), Truncated> {
    out.start = number(reader)?;
    let streams = count(reader)?;
    loop {
        match reader.u8()? {
            0x00 => return Ok(()),
            0x09 => {
                for _ in 0..streams {
                    let size = number(reader)?;
                    out.packed.push(size);
                }
            }
            0x0a => {
                digests(reader, streams)?;
            }
            _ => return Err(Truncated),
        }
    }
}

fn folders(reader: &mut Reader<'_>) -> Result<Vec<Folder>, Truncated> {
    if reader.u8()? != 0x0b {
        return Err(Truncated);
    }
    let folders = count(reader)?;
    // Anything but zero says that the folders are told elsewhere.
    if reader.u8()? != 0 {
        return Err(Truncated);
    }
    let mut out = Vec::new();
    let mut outputs = Vec::new();
    for _ in 0..folders {
        let (folder, coders) = folder(reader)?;
        out.push(folder);
        outputs.push(coders);
    }
    if reader.u8()? != 0x0c {
        return Err(Truncated);
    }
    for (folder, order) in out.iter_mut().zip(outputs) {
        let mut sizes = Vec::new();
        for _ in &order {
            sizes.push(number(reader)?);
        }
        for (coder, place) in folder.coders.iter_mut().zip(order) {
            coder.size = sizes.get(place).copied().ok_or(Truncated)?;
        }
    }
    loop {
        match reader.u8()? {
            0x00 => return Ok(out),
            0x0a => {
                let crcs = digests(reader, folders)?;
                for (folder, crc) in out.iter_mut().zip(crcs) {
                    folder.crc = crc;
                }
            }
            _ => return Err(Truncated),
        }
    }
}

/// A folder with its coders in the order of the data, and where each of them
/// stood in the file.
fn folder(reader: &mut Reader<'_>) -> Result<(Folder, Vec<usize>), Truncated> {
    let coders = count(reader)?;
    if coders == 0 || coders > CODERS {
        return Err(Truncated);
    }
    let mut told = Vec::new();
    let mut inputs = 0_u64;
    let mut is_graph = false;
    for _ in 0..coders {
        let flags = reader.u8()?;
        let method = reader.take(u64::from(flags & 0x0f))?.to_vec();
        let mut ins = 1;
        if flags & 0x10 != 0 {
            ins = number(reader)?;
            is_graph |= ins != 1 || number(reader)? != 1;
        }
        inputs = inputs
            .checked_add(ins)
            .filter(|n| *n <= CODERS)
            .ok_or(Truncated)?;
        let properties = if flags & 0x20 != 0 {
            let len = number(reader)?;
            reader.take(len)?.to_vec()
        } else {
            Vec::new()
        };
        if flags & 0x80 != 0 {
            return Err(Truncated);
        }
        told.push(Coder {
            method,
            properties,
            size: 0,
        });
    }
    let bonds = coders.saturating_sub(1);
    let mut bound = Vec::new();
    for _ in 0..bonds {
        bound.push((number(reader)?, number(reader)?));
    }
    let packed = inputs
        .checked_sub(bonds)
        .filter(|n| *n > 0)
        .ok_or(Truncated)?;
    if packed > 1 {
        for _ in 0..packed {
            number(reader)?;
        }
    }
    let order = if is_graph {
        (0..told.len()).collect()
    } else {
        chain(told.len(), &bound)?
    };
    let coders = order
        .iter()
        .map(|place| told.get(*place).cloned().ok_or(Truncated))
        .collect::<Result<_, _>>()?;
    let folder = Folder {
        coders,
        is_graph,
        inputs: packed,
        ..Folder::default()
    };
    Ok((folder, order))
}

/// Follows the bonds (input, output) from the coder that takes packed bytes.
fn chain(coders: usize, bound: &[(u64, u64)]) -> Result<Vec<usize>, Truncated> {
    let wide = |place: usize| u64::try_from(place).unwrap_or(u64::MAX);
    let mut current = (0..coders)
        .find(|place| bound.iter().all(|(input, _)| *input != wide(*place)))
        .ok_or(Truncated)?;
    let mut order = vec![current];
    while let Some((input, _)) = bound.iter().find(|(_, output)| *output == wide(current)) {
        current = usize::try_from(*input).map_err(|_| Truncated)?;
        if current >= coders || order.contains(&current) {
            return Err(Truncated);
        }
        order.push(current);
    }
    if order.len() == coders {
        Ok(order)
    } else {
        Err(Truncated)
    }
}

fn sub_streams(reader: &mut Reader<'_>, folders: &mut [Folder]) -> Result<(), Truncated> {
    let mut counts = vec![1_u64; folders.len()];
    let mut kind = reader.u8()?;
    if kind == 0x0d {
        let mut total = 0_u64;
        for slot in &mut counts {
            *slot = number(reader)?;
            total = total.saturating_add(*slot);
        }
        // Every stream but one per folder takes a size, and one name later.
        let most = reader.remaining().saturating_add(wide_len(folders));
        if total > most.min(MOST) {
            return Err(Truncated);
        }
        kind = reader.u8()?;
    }
    for (folder, count) in folders.iter_mut().zip(&counts) {
        let mut left = folder.size();
        let explicit = count.saturating_sub(1);
        if explicit > 0 && kind != 0x09 {
            return Err(Truncated);
        }
        for _ in 0..explicit {
            let size = number(reader)?;
            left = left.checked_sub(size).ok_or(Truncated)?;
            folder.sizes.push(size);
        }
        if *count > 0 {
            folder.sizes.push(left);
        }
    }
    if kind == 0x09 {
        kind = reader.u8()?;
    }
    let known = |folder: &Folder| folder.sizes.len() == 1 && folder.crc.is_some();
    let missing = folders
        .iter()
        .filter(|folder| !known(folder))
        .fold(0_u64, |n, folder| {
            n.saturating_add(wide_count(&folder.sizes))
        });
    let mut crcs = Vec::new();
    while kind != 0 {
        if kind != 0x0a {
            return Err(Truncated);
        }
        crcs = digests(reader, missing)?;
        kind = reader.u8()?;
    }
    let mut crcs = crcs.into_iter();
    for folder in folders {
        folder.crcs = if known(folder) {
            vec![folder.crc]
        } else {
            folder.sizes.iter().map(|_| crcs.next().flatten()).collect()
        };
    }
    Ok(())
}

fn wide_len(folders: &[Folder]) -> u64 {
    u64::try_from(folders.len()).unwrap_or(u64::MAX)
}

fn wide_count(sizes: &[u64]) -> u64 {
    u64::try_from(sizes.len()).unwrap_or(u64::MAX)
}

fn files(reader: &mut Reader<'_>) -> Result<Vec<File>, Truncated> {
    let total = count(reader)?;
    let len = usize::try_from(total).map_err(|_| Truncated)?;
    let mut files = vec![File::default(); len];
    let mut empty = vec![false; len];
    let mut empty_files = Vec::new();
    loop {
        let kind = number(reader)?;
        if kind == 0 {
            break;
        }
        let size = number(reader)?;
        let body = reader.take(size)?;
        let mut body = Reader::new(body);
        match kind {
            0x0e => empty = bits(&mut body, total)?,
            0x0f => {
                let count = empty.iter().filter(|empty| **empty).count();
                empty_files = bits(&mut body, u64::try_from(count).unwrap_or(0))?;
            }
            0x11 => names(&mut body, &mut files)?,
            0x15 => {
                let defined = all_or_bits(&mut body, total)?;
                body.skip(1)?;
                for (file, defined) in files.iter_mut().zip(defined) {
                    if defined {
                        file.attributes = body.u32_le()?;
                    }
                }
            }
            _ => {}
        }
    }
    let mut empty_files = empty_files.into_iter();
    for (file, empty) in files.iter_mut().zip(empty) {
        file.has_stream = !empty;
        file.is_folder = empty && !empty_files.next().unwrap_or(false);
    }
    Ok(files)
}

fn names(body: &mut Reader<'_>, files: &mut [File]) -> Result<(), Truncated> {
    if body.u8()? != 0 {
        return Err(Truncated);
    }
    for file in files {
        let mut units = Vec::new();
        loop {
            match body.u16_le()? {
                0 => break,
                unit => units.push(unit),
            }
        }
        file.name = String::from_utf16_lossy(&units);
    }
    Ok(())
}

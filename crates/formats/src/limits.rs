//! What reading one file may cost. No limit is ever taken from the file.

/// Spent limits become gaps, so they never turn an unread file into a clean one.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Containers within containers.
    pub depth: u32,
    /// Members over all containers of one file.
    pub members: u64,
    /// Bytes that decompression may hold at one time.
    pub live_bytes: u64,
    /// Bytes that decompression may yield over one file, beyond
    /// `expansion_ratio` times its size.
    pub expanded_bytes: u64,
    pub expansion_ratio: u64,
    /// Entries in any one list of facts.
    pub facts: usize,
    /// Steps of an abstract machine or tree walk over one file, beyond eight
    /// per byte.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 16,
            members: 200_000,
            live_bytes: 192 << 20,
            expanded_bytes: 48 << 20,
            expansion_ratio: 200,
            facts: 50_000,
            steps: 4_000_000,
        }
    }
}

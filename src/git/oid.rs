//! Object ids of either hash, as plain values.

use std::fmt;

/// The hash that names a repository's objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectFormat {
    /// 20 bytes, 40 hex digits.
    Sha1,
    /// 32 bytes, 64 hex digits.
    Sha256,
}

impl ObjectFormat {
    /// Length of a binary object id in bytes.
    pub fn raw_len(self) -> usize {
        match self {
            ObjectFormat::Sha1 => 20,
            ObjectFormat::Sha256 => 32,
        }
    }

    /// Length of a hexadecimal object id in digits.
    pub fn hex_len(self) -> usize {
        self.raw_len() * 2
    }
}

/// An object id. The null id never becomes an `Oid` by [`Oid::from_hex`]: it stands for "no object", which
/// callers say with `Option` or [`crate::git::Change`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Oid {
    bytes: [u8; 32],
    len: u8,
}

impl Oid {
    /// Reads a binary id of 20 or 32 bytes; `None` for any other length.
    pub fn from_bytes(raw: &[u8]) -> Option<Oid> {
        if raw.len() != 20 && raw.len() != 32 {
            return None;
        }
        let mut bytes = [0; 32];
        bytes.get_mut(..raw.len())?.copy_from_slice(raw);
        Some(Oid { bytes, len: u8::try_from(raw.len()).ok()? })
    }

    /// Reads lower-case hexadecimal of exactly the format's length, as git writes it. `None` for anything else,
    /// the null id included.
    pub fn from_hex(hex: &[u8], format: ObjectFormat) -> Option<Oid> {
        if hex.len() != format.hex_len() {
            return None;
        }
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut bytes = [0; 32];
        for (slot, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            let &[high, low] = pair else { return None };
            *slot = digit(high)? << 4 | digit(low)?;
        }
        let oid = Oid { bytes, len: u8::try_from(format.raw_len()).ok()? };
        (!oid.is_null()).then_some(oid)
    }

    /// The binary id, 20 or 32 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&self.bytes)
    }

    /// The hash that this id belongs to.
    pub fn format(&self) -> ObjectFormat {
        if self.len == 32 { ObjectFormat::Sha256 } else { ObjectFormat::Sha1 }
    }

    /// Whether every byte is zero.
    pub fn is_null(&self) -> bool {
        self.bytes == [0; 32]
    }

    /// The first seven hex digits, for people.
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(7);
        text
    }
}

impl std::hash::Hash for Oid {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // An id is a hash already, so a part of it tells ids apart as well as all of it. The hasher's own secret stays: whoever
        // pushes can choose the part, but not where it lands.
        let [a, b, c, d, e, f, g, h, ..] = self.bytes;
        state.write_u64(u64::from_ne_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oid({self})")
    }
}

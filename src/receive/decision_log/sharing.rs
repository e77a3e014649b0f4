//! Who besides the creating account may read and write the log: git's `core.sharedRepository`.

use std::fs::File;
use std::io;
use std::path::Path;

/// The account that is to own what the log creates. Where the hook runs as root, that is the repository's: else the first push by
/// root would leave a log that no other account can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The user's number.
    pub user: u32,
    /// The group's number.
    pub group: u32,
}

impl Owner {
    /// The owner of this directory, if this process is root's and may give files away.
    ///
    /// # Errors
    ///
    /// The directory cannot be looked at.
    #[cfg(unix)]
    pub fn of(dir: &Path) -> io::Result<Option<Owner>> {
        use std::os::unix::fs::MetadataExt;
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let metadata = std::fs::metadata(dir)?;
        Ok(Some(Owner { user: metadata.uid(), group: metadata.gid() }))
    }
}

/// The meaning of `core.sharedRepository`, as `git help config` defines it. On a server where several accounts push
/// to one repository, the log must be as shared as the repository is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharing {
    /// `umask` or `false`: the account's umask alone decides. Git's default.
    #[default]
    Umask,
    /// `group` or `true`: readable and writable for the group.
    Group,
    /// `all`, `world` or `everybody`: as `Group`, and readable for everybody.
    Everybody,
    /// `0xxx`: exactly these bits, whatever the umask; execute bits are ignored, and set for directories where the
    /// read bit is.
    Exactly(u32),
}

impl Sharing {
    /// Reads the value of `core.sharedRepository`. `None` for a value on which git itself dies: a word it does not
    /// know, or a mode that denies the owner reading or writing.
    pub fn parse(value: &str) -> Option<Sharing> {
        // Git compares these words with case, and the boolean ones without.
        match value {
            "umask" => return Some(Sharing::Umask),
            "group" => return Some(Sharing::Group),
            "all" | "world" | "everybody" => return Some(Sharing::Everybody),
            _ => {}
        }
        match value.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => return Some(Sharing::Group),
            "" | "false" | "no" | "off" => return Some(Sharing::Umask),
            _ => {}
        }
        if !value.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        match u32::from_str_radix(value, 8).ok()? {
            0 => Some(Sharing::Umask),
            1 => Some(Sharing::Group),
            2 => Some(Sharing::Everybody),
            mode if mode & 0o600 == 0o600 => Some(Sharing::Exactly(mode & 0o666)),
            _ => None,
        }
    }

    /// The permission bits for a file that was created with `mode`.
    pub fn file_mode(self, mode: u32) -> u32 {
        match self {
            Sharing::Umask => mode,
            Sharing::Group => mode | 0o660,
            Sharing::Everybody => mode | 0o664,
            Sharing::Exactly(bits) => (mode & !0o777) | (bits & 0o666),
        }
    }

    /// The permission bits for a directory that was created with `mode`: those of a file, to be entered where it may
    /// be read, and handing its group on when the group gains anything.
    pub fn dir_mode(self, mode: u32) -> u32 {
        if self == Sharing::Umask {
            return mode;
        }
        let mode = self.file_mode(mode);
        let mode = mode | (mode & 0o444) >> 2;
        if mode & 0o060 == 0 { mode } else { mode | 0o2000 }
    }
}

/// Shares a file that was just created. As with git's own files, only creation shares: what an administrator changed
/// later stays. A file system without permissions, or a file that another account owns, is no reason to refuse: what
/// counts is whether it can be opened.
#[cfg(unix)]
pub(super) fn share_file(sharing: Sharing, owner: Option<Owner>, file: &File) -> io::Result<()> {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    if let Some(owner) = owner {
        std::os::unix::fs::fchown(file, Some(owner.user), Some(owner.group))?;
    }
    let Ok(metadata) = file.metadata() else { return Ok(()) };
    let old = metadata.permissions().mode() & 0o7777;
    let new = sharing.file_mode(old);
    if new != old {
        let _ = file.set_permissions(Permissions::from_mode(new));
    }
    Ok(())
}

/// As [`share_file`], for a directory.
#[cfg(unix)]
pub(super) fn share_dir(sharing: Sharing, owner: Option<Owner>, dir: &Path) -> io::Result<()> {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    if let Some(owner) = owner {
        std::os::unix::fs::lchown(dir, Some(owner.user), Some(owner.group))?;
    }
    let Ok(metadata) = fs::metadata(dir) else { return Ok(()) };
    let old = metadata.permissions().mode() & 0o7777;
    let new = sharing.dir_mode(old);
    if new != old {
        let _ = fs::set_permissions(dir, Permissions::from_mode(new));
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn share_file(_: Sharing, _: Option<Owner>, _: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn share_dir(_: Sharing, _: Option<Owner>, _: &Path) -> io::Result<()> {
    Ok(())
}

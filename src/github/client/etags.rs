//! Answers kept on disk, so that what did not change costs nothing of GitHub's limit.
//!
//! An entry is used only when GitHub says "not modified" to its ETag. One that is damaged is as good as none.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::answer::Answer;

/// A folder of answers.
#[derive(Debug, Clone)]
pub(super) struct Etags {
    folder: PathBuf,
}

/// An answer as it is kept: everything that reading it takes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    key: String,
    etag: String,
    link: Option<String>,
    body_sha256: String,
    body: String,
}

impl Etags {
    /// Opens a folder, and makes it if it is not there. Nobody but its owner may look into it.
    pub(super) fn open(folder: &Path) -> std::io::Result<Etags> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
        Ok(Etags { folder: folder.to_owned() })
    }

    /// What an answer is kept under. Tokens see different things, and so do media types.
    pub(super) fn key(origin: &str, identity: &str, path: &str, accept: &str) -> String {
        sha256(format!("{origin}\n{identity}\n{path}\n{accept}").as_bytes())
    }

    /// The ETag and the answer that is kept, unless it is damaged.
    pub(super) fn load(&self, key: &str) -> Option<(String, Answer)> {
        let entry: Entry = serde_json::from_slice(&std::fs::read(self.path(key)).ok()?).ok()?;
        if entry.key != key || entry.body_sha256 != sha256(entry.body.as_bytes()) {
            tracing::debug!(key, "the kept answer is damaged and not used");
            return None;
        }
        let headers = entry.link.map(|link| ("link".to_owned(), link)).into_iter().collect();
        Some((entry.etag, Answer { status: 200, headers, body: entry.body.into_bytes(), moved_to: None }))
    }

    /// Keeps an answer, if it has an ETag. What can't be kept is not: a cache that fails must not fail the run.
    pub(super) fn store(&self, key: &str, answer: &Answer) {
        let Some(etag) = answer.header("etag") else { return };
        // Only a part, for want of single sign-on: next time it would be taken for everything.
        if answer.header("x-github-sso").is_some() {
            return;
        }
        let Ok(body) = String::from_utf8(answer.body.clone()) else { return };
        let entry = Entry {
            key: key.to_owned(),
            etag: etag.to_owned(),
            link: answer.header("link").map(str::to_owned),
            body_sha256: sha256(body.as_bytes()),
            body,
        };
        if let Err(error) = self.write(key, &entry) {
            tracing::debug!(%error, "the answer could not be kept");
        }
    }

    /// Written beside and renamed: whoever reads sees all of it or nothing. The temporary file is its owner's alone.
    fn write(&self, key: &str, entry: &Entry) -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&serde_json::to_vec(entry)?)?;
        file.persist(self.path(key)).map_err(|error| error.error)?;
        Ok(())
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.json"))
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Answer {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Answer {
            status: 200,
            headers: vec![header("etag", "W/\"1\""), header("link", "<x>; rel=\"next\"")],
            body: b"[1]".to_vec(),
            moved_to: None,
        }
    }

    #[test]
    fn keeps_and_finds() {
        let folder = tempfile::tempdir().unwrap();
        let etags = Etags::open(&folder.path().join("a/b")).unwrap();
        let key = Etags::key("https://x", "me", "/y", "json");
        assert!(etags.load(&key).is_none());
        etags.store(&key, &answer());
        let (etag, kept) = etags.load(&key).unwrap();
        assert_eq!((etag.as_str(), kept.body.as_slice(), kept.next_page()), ("W/\"1\"", b"[1]".as_slice(), Some("x")));
        assert_ne!(key, Etags::key("https://x", "you", "/y", "json"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(folder.path().join("a/b")), 0o700);
            assert_eq!(mode(etags.path(&key)), 0o600);
        }
    }

    #[test]
    fn damage_is_a_miss() {
        let folder = tempfile::tempdir().unwrap();
        let etags = Etags::open(folder.path()).unwrap();
        let key = Etags::key("https://x", "me", "/y", "json");
        etags.store(&key, &answer());
        let text = std::fs::read_to_string(etags.path(&key)).unwrap();
        for damaged in [text.replace("[1]", "[2]"), text[..text.len() / 2].to_owned(), String::new()] {
            std::fs::write(etags.path(&key), damaged).unwrap();
            assert!(etags.load(&key).is_none());
        }
        let other = Etags::key("https://x", "me", "/z", "json");
        std::fs::write(etags.path(&other), text).unwrap();
        assert!(etags.load(&other).is_none(), "an entry under another name is another entry");
    }
}

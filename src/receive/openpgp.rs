//! The fingerprint of an OpenPGP key of which git says only the id.
//!
//! A key with a chosen id can be made, a key with a chosen fingerprint cannot. git has found a signature to be good by some key with
//! that id in the keyring of the account that it runs as, so if the keyring holds just one such key, that is the one.

use std::process::{Command, Stdio};

use super::environment::Environment;
use crate::push::{Cause, Undecided};

/// The fingerprint of the one key with that id in `gpg`'s keyring, which may be a subkey.
///
/// # Errors
/// `gpg` cannot be run, or knows no such key, or several.
pub(super) fn fingerprint(key_id: &str, environment: &Environment) -> Result<String, Undecided> {
    const INSTEAD: &str = "or let the pusher sign with an SSH key (`gpg.format = ssh`), of which git says the fingerprint";
    let unknown = |why: String| {
        Undecided::new(format!("the push certificate names the OpenPGP key id `{key_id}`, and {why}")).cause(Cause::Server)
    };
    let mut command = Command::new("gpg");
    command.env_clear().env("LC_ALL", "C").stdin(Stdio::null());
    // Where git's own run of `gpg` has found its keyring.
    for name in ["PATH", "HOME", "GNUPGHOME"] {
        if let Some(value) = environment.get(name) {
            command.env(name, value);
        }
    }
    command.args(["--batch", "--no-tty", "--with-colons", "--fixed-list-mode", "--with-subkey-fingerprint", "--list-keys"]);
    let output = command
        .output()
        .map_err(|error| unknown(format!("its fingerprint cannot be asked for: cannot run `gpg`: {error}")).help(INSTEAD))?;
    let mut found = with_id(&String::from_utf8_lossy(&output.stdout), key_id);
    match (found.pop(), found.is_empty(), output.status.success()) {
        (Some(fingerprint), true, true) => Ok(fingerprint),
        (Some(_), false, _) => {
            Err(unknown("the keyring has several keys with that id".to_owned()).help("remove all but one from `gpg`'s keyring"))
        }
        _ => Err(unknown("`gpg` does not know its fingerprint".to_owned()).help(INSTEAD)),
    }
}

/// The fingerprints of the keys and subkeys with that id, each once, in a listing with colons: a `fpr` line follows its key's.
fn with_id(listing: &str, key_id: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut wanted = false;
    for line in listing.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        match (fields.first().copied(), fields.get(4), fields.get(9)) {
            (Some("pub" | "sub"), Some(id), _) => wanted = id.eq_ignore_ascii_case(key_id),
            (Some("fpr"), _, Some(fingerprint)) if wanted => {
                wanted = false;
                let fingerprint = fingerprint.to_ascii_uppercase();
                let is_whole = fingerprint.len() >= 40 && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit());
                if is_whole && !found.contains(&fingerprint) {
                    found.push(fingerprint);
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::with_id;

    const LISTING: &str = "\
tru::1:1796096557:0:3:1:5
pub:u:255:22:807AA3BD43578377:1796096557:::u:::cSC:::::ed25519:::0:
fpr:::::::::0AB01A257D25A9CD3D0B9326807AA3BD43578377:
uid:u::::1796096557::FAAB8DF3E4D5305A24975D1769B3ABF5A7DB806B::Dev <dev@example.org>::::::::::0:
sub:u:255:22:515B7EB3B0CCAFFE:1796096557::::::s:::::ed25519::
fpr:::::::::2116C505838FCF759A786056515B7EB3B0CCAFFE:
";

    #[test]
    fn a_key_or_subkey_is_found_by_its_id() {
        assert_eq!(with_id(LISTING, "807AA3BD43578377"), ["0AB01A257D25A9CD3D0B9326807AA3BD43578377"]);
        assert_eq!(with_id(LISTING, "515b7eb3b0ccaffe"), ["2116C505838FCF759A786056515B7EB3B0CCAFFE"]);
        for id in ["", "43578377", "0AB01A257D25A9CD", "69B3ABF5A7DB806B"] {
            assert!(with_id(LISTING, id).is_empty(), "{id}");
        }
        let other = LISTING.replace("2116C505838FCF759A786056", "FFFFC505838FCF759A786056");
        assert_eq!(with_id(&format!("{LISTING}{other}"), "515B7EB3B0CCAFFE").len(), 2);
        assert_eq!(with_id(&format!("{LISTING}{LISTING}"), "515B7EB3B0CCAFFE").len(), 1);
    }
}

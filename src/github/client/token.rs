//! A token, which shows itself to nobody.

use std::fmt;

use sha2::{Digest, Sha256};

/// A token. It has no `Display`, and its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token as it came, without the line end that files have.
    ///
    /// # Errors
    /// It is empty or has characters that no token has; the message does not repeat it.
    pub fn new(text: &str) -> Result<Token, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            Err("the token is empty")
        } else if text.chars().all(|c| c.is_ascii_graphic()) {
            Ok(Token(text.to_owned()))
        } else {
            Err("the token has spaces, line ends or other characters that no token has")
        }
    }

    /// The token itself, for the `Authorization` header and nothing else.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is one of an app's installation, as GitHub Actions has.
    /// <https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github#githubs-token-formats>
    pub(super) fn is_of_installation(&self) -> bool {
        self.0.starts_with("ghs_")
    }

    /// Whether it was given chosen permissions, and maybe chosen repositories, which it does not tell.
    pub(super) fn is_fine_grained(&self) -> bool {
        self.0.starts_with("github_pat_")
    }

    /// What stands for it where caches must be kept apart.
    pub(super) fn identity(&self) -> String {
        Sha256::digest(format!("refwarden token {}", self.0).as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A text in which the token is no longer readable.
    pub(super) fn redact(&self, text: &str) -> String {
        text.replace(&self.0, "<token>")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(<hidden>)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hides() {
        let token = Token::new("ghp_secret\n").unwrap();
        assert_eq!(format!("{token:?}"), "Token(<hidden>)");
        assert_eq!(token.redact("x ghp_secret y"), "x <token> y");
        assert!(!token.identity().contains("secret"));
        for bad in ["", " \n", "a b", "a\nb", "ä"] {
            assert!(Token::new(bad).is_err());
        }
    }
}

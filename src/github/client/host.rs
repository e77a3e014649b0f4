//! Where GitHub is: github.com, a subdomain of ghe.com, or a server of one's own.

use std::fmt;

use url::Url;

/// Where GitHub's API is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host {
    /// Scheme, host and port, without a slash at the end. The token goes nowhere else.
    origin: String,
    /// What stands before every REST path.
    rest: String,
    /// GraphQL's path. A server of one's own has it beside `/api/v3`, not below it.
    graphql: String,
}

/// Why an address is not one of GitHub's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadHost {
    /// The address.
    pub url: String,
    /// What is wrong with it, and what to write.
    pub why: String,
}

impl fmt::Display for BadHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no address of GitHub's API: {}", self.url, self.why)
    }
}

impl std::error::Error for BadHost {}

impl Host {
    /// github.com.
    pub fn github_com() -> Host {
        Host { origin: "https://api.github.com".to_owned(), rest: String::new(), graphql: "/graphql".to_owned() }
    }

    /// An address as people write it: `github.com`, `https://api.github.com`, `octocorp.ghe.com`,
    /// `https://github.example.org`, `https://github.example.org/api/v3`.
    ///
    /// # Errors
    /// It is none, or it is not encrypted and leads off this computer.
    pub fn parse(text: &str) -> Result<Host, BadHost> {
        // Someone may have put a token into it.
        let shown = text.rsplit_once('@').map_or(text, |(_, rest)| rest).to_owned();
        let bad = |why: &str| BadHost { url: shown.clone(), why: why.to_owned() };
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let url = Url::parse(&with_scheme).map_err(|error| bad(&error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("leave the user and the password out, tokens belong into the environment"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("leave out what follows the path"));
        }
        let name = url.host_str().ok_or_else(|| bad("the host is missing"))?;
        let loopback = is_loopback(&url);
        match url.scheme() {
            "https" => {}
            "http" if loopback => {}
            "http" => return Err(bad("plain http would show the token to everyone on the way, write `https://`")),
            _ => return Err(bad("write `https://`")),
        }
        let path = url.path().trim_end_matches('/');
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let hosted = |name: &str| Host {
            origin: format!("{}://{name}{port}", url.scheme()),
            rest: String::new(),
            graphql: "/graphql".to_owned(),
        };
        if path.is_empty() {
            if matches!(name, "github.com" | "www.github.com" | "api.github.com") {
                return Ok(Host::github_com());
            }
            if let Some(sub) = name.strip_suffix(".ghe.com") {
                return Ok(hosted(&format!("api.{}.ghe.com", sub.strip_prefix("api.").unwrap_or(sub))));
            }
            if loopback {
                return Ok(hosted(name));
            }
        }
        let before = match path.strip_suffix("/api/v3") {
            Some(before) => before,
            None if path.is_empty() => "",
            None => return Err(bad("write the host alone, or with `/api/v3`")),
        };
        Ok(Host {
            origin: format!("{}://{name}{port}", url.scheme()),
            rest: format!("{before}/api/v3"),
            graphql: format!("{before}/api/graphql"),
        })
    }

    /// Whether it is a server of one's own, neither github.com nor ghe.com.
    pub fn is_server(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// A REST path with what the host puts before it.
    pub(super) fn rest(&self, path: &str) -> String {
        format!("{}{path}", self.rest)
    }

    /// GraphQL's path.
    pub(super) fn graphql(&self) -> &str {
        &self.graphql
    }

    /// The path and query of an address on this host; `None` for an address elsewhere, which gets neither a request
    /// nor a token. `from` is what a relative address is relative to.
    pub(super) fn local(&self, address: &str, from: &str) -> Option<String> {
        let base = Url::parse(&format!("{}{from}", self.origin)).ok()?;
        let url = base.join(address).ok()?;
        if url.origin() != base.origin() || !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        Some(match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.rest)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, String) {
        let host = Host::parse(text).unwrap();
        (host.rest("/x"), format!("{}{}", host.origin(), host.graphql()))
    }

    #[test]
    fn hosts() {
        for text in ["github.com", "https://github.com", "https://api.github.com/", "api.github.com"] {
            assert_eq!(Host::parse(text).unwrap(), Host::github_com(), "{text}");
        }
        for (text, is_server) in [("github.com", false), ("octocorp.ghe.com", false), ("git.example.org", true)] {
            assert_eq!(Host::parse(text).unwrap().is_server(), is_server, "{text}");
        }
        assert_eq!(parsed("https://octocorp.ghe.com"), ("/x".into(), "https://api.octocorp.ghe.com/graphql".into()));
        assert_eq!(parsed("api.octocorp.ghe.com"), ("/x".into(), "https://api.octocorp.ghe.com/graphql".into()));
        for text in ["https://git.example.org", "git.example.org/api/v3", "https://git.example.org/api/v3/"] {
            assert_eq!(parsed(text), ("/api/v3/x".into(), "https://git.example.org/api/graphql".into()), "{text}");
        }
        assert_eq!(parsed("http://127.0.0.1:81"), ("/x".into(), "http://127.0.0.1:81/graphql".into()));
        assert_eq!(parsed("http://[::1]:81/api/v3"), ("/api/v3/x".into(), "http://[::1]:81/api/graphql".into()));
    }

    #[test]
    fn plain_http_stays_here() {
        for text in ["http://127.0.0.1", "http://127.9.9.9:8080", "http://[::1]", "http://localhost:3000/api/v3"] {
            assert!(Host::parse(text).is_ok(), "{text}");
        }
        for text in ["http://github.com", "http://127.0.0.1.example.org", "http://localhost.example.org", "http://10.0.0.1"] {
            assert!(Host::parse(text).unwrap_err().why.contains("plain http"), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest_without_showing_a_token() {
        for text in
            ["", "ftp://x", "https://", "https://x/y", "https://x/api/v3?a", "https://ghp_secret@x", "https://a:ghp_secret@x"]
        {
            let error = Host::parse(text).unwrap_err();
            assert!(!error.to_string().contains("ghp_secret"), "{error}");
        }
    }

    #[test]
    fn other_origins_are_elsewhere() {
        let host = Host::parse("https://git.example.org").unwrap();
        assert_eq!(host.local("https://git.example.org/api/v3/x?page=2", "/"), Some("/api/v3/x?page=2".into()));
        assert_eq!(host.local("/api/v3/y", "/api/v3/x"), Some("/api/v3/y".into()));
        for address in ["http://git.example.org/x", "https://git.example.org:444/x", "https://evil.example/x", "//evil.example/x"]
        {
            assert_eq!(host.local(address, "/"), None, "{address}");
        }
    }
}

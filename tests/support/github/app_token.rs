//! What an App signs itself (RFC 7519): read, not verified, for the bed does not know the App's key. Base64 is here too.

use serde_json::Value;

use super::state::State;

/// The slug of the App that signed, if the claims are such as GitHub takes: at most ten minutes ahead, and issued by an App.
/// <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>
pub fn app_of(state: &State, token: &str, now: u64) -> Option<String> {
    let claims = decode(token.split('.').nth(1)?)?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let issuer = claims["iss"].as_str().map(str::to_owned).or_else(|| Some(claims["iss"].as_u64()?.to_string()))?;
    let expires = claims["exp"].as_u64()?;
    if expires < now || expires > now + 660 || claims["iat"].as_u64()? > now + 60 {
        return None;
    }
    state.apps.values().find(|app| app.id.to_string() == issuer || app.slug == issuer).map(|app| app.slug.clone())
}

/// Base64 of either alphabet, padded or not.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for c in text.bytes().filter(|c| !c.is_ascii_whitespace() && *c != b'=') {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    Some(bytes)
}

/// Base64 as GitHub sends contents: lines of 60.
pub fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for (index, chunk) in bytes.chunks(3).enumerate() {
        if index > 0 && index % 15 == 0 {
            text.push('\n');
        }
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            text.push(if place <= chunk.len() { char::from(ALPHABET[(bits >> (18 - 6 * place) & 63) as usize]) } else { '=' });
        }
    }
    text + "\n"
}

//! Files, CODEOWNERS errors and releases.

use serde_json::{Map, Value, json};

use super::super::app_token;
use super::super::call::{Answer, Handled, not_found};
use super::super::openapi::route::encode;
use super::super::state::Repository;
use super::super::state::repository::object_name;
use super::Visit;
use super::branches;
use super::view::lay;

pub fn get(visit: &mut Visit<'_>) -> Handled {
    let repository = visit.repository()?;
    let path = visit.parameter("path").trim_matches('/');
    let reference = match visit.call.query("ref") {
        Some(reference) => reference.trim_start_matches("refs/heads/"),
        None => "HEAD",
    };
    branches::exists(repository, reference)?;
    if let Some(text) = repository.file(reference, path) {
        return Ok(Answer::json(file(visit, repository, reference, path, text)));
    }
    let entries = repository.folder(reference, path).ok_or_else(not_found)?;
    let listed = entries.into_iter().map(|(name, is_folder)| {
        let inner = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        let size = repository.file(reference, &inner).map_or(0, str::len);
        let more = json!({ "type": if is_folder { "dir" } else { "file" }, "size": size });
        lay(entry(visit, repository, reference, &inner), more)
    });
    Ok(Answer::json(listed.collect()))
}

fn entry(visit: &Visit<'_>, repository: &Repository, reference: &str, path: &str) -> Value {
    let links = visit.links();
    let url = links.repository_url(repository);
    let sha = object_name(&format!("{path} {}", repository.file(reference, path).unwrap_or_default()));
    let (shown, reference) = (encode(path), encode(reference));
    let own = format!("{url}/contents/{shown}?ref={reference}");
    let git = format!("{url}/git/blobs/{sha}");
    let html = format!("{}/{}/blob/{reference}/{shown}", links.html, repository.full_name());
    json!({
        "name": path.rsplit('/').next(),
        "path": path,
        "sha": sha,
        "url": own,
        "git_url": git,
        "html_url": html,
        "download_url": format!("{}/raw/{}/{reference}/{shown}", links.html, repository.full_name()),
        "_links": { "git": git, "html": html, "self": own },
    })
}

/// Over 1 MB the content is left out. <https://docs.github.com/en/rest/repos/contents#get-repository-content>
fn file(visit: &Visit<'_>, repository: &Repository, reference: &str, path: &str, text: &str) -> Value {
    let large = text.len() > 1 << 20;
    let content = if large { String::new() } else { app_token::encode(text.as_bytes()) };
    let encoding = if large { "none" } else { "base64" };
    let more = json!({ "type": "file", "size": text.len(), "encoding": encoding, "content": content });
    lay(entry(visit, repository, reference, path), more)
}

pub fn codeowners_errors(visit: &mut Visit<'_>) -> Handled {
    let repository = visit.repository()?;
    let reference = visit.call.query("ref").unwrap_or("HEAD");
    branches::exists(repository, reference)?;
    let places = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];
    if !places.iter().any(|path| repository.file(reference, path).is_some()) {
        return Err(not_found());
    }
    Ok(Answer::json(json!({ "errors": repository.codeowners_errors })))
}

pub fn releases(visit: &mut Visit<'_>) -> Handled {
    let repository = visit.repository()?;
    visit.list(repository.releases.iter().rev(), |release| render(visit, repository, release))
}

fn render(visit: &Visit<'_>, repository: &Repository, release: &Map<String, Value>) -> Value {
    let links = visit.links();
    let url = format!("{}/releases/{}", links.repository_url(repository), release["id"]);
    let tag = encode(release["tag_name"].as_str().unwrap_or_default());
    let addresses = json!({
        "url": url,
        "html_url": format!("{}/{}/releases/tag/{tag}", links.html, repository.full_name()),
        "assets_url": format!("{url}/assets"),
        "upload_url": format!("{url}/assets{{?name,label}}"),
        "tarball_url": format!("{}/tarball/{tag}", links.repository_url(repository)),
        "zipball_url": format!("{}/zipball/{tag}", links.repository_url(repository)),
        "author": links.owner(visit.state, &repository.owner),
        "assets": [],
    });
    lay(addresses, Value::Object(release.clone()))
}

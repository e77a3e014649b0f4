//! From a request to its answer: token, gate, cache, redirects, and asking again.

use http::Method;

use crate::github::cost::Class;

use super::Client;
use super::answer::Answer;
use super::etags::Etags;
use super::patience::{self, Budget, Judgement, Stops};
use super::refused::Refused;
use super::token::Token;
use super::tokens::Who;
use super::transport::{ACCEPT, Broken, Outgoing};

/// What to ask.
#[derive(Debug, Clone)]
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    /// Path and query, with what the host puts before them.
    pub(super) path: String,
    pub(super) body: Option<String>,
    pub(super) who: Who<'a>,
    pub(super) class: Class,
    pub(super) budget: Budget,
    pub(super) repeat: Repeat,
}

/// What may be asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It reads.
    Always,
    /// It reads, and whoever asks would rather ask for less than ask again when the server could not cope.
    UnlessTooHeavy,
    /// It changes something: nobody knows whether it happened.
    Never,
}

/// How many redirects lead from one request.
const REDIRECTS: usize = 5;

impl Client {
    /// Asks until there is an answer, follows where it leads, and takes no answer but a success.
    pub(super) async fn ask(&self, mut ask: Ask<'_>) -> Result<Answer, Refused> {
        let named = format!("{} {}", ask.method, ask.path);
        let mut moved_to = None;
        for _ in 0..=REDIRECTS {
            let mut answer = self.ask_here(&ask, &named).await?;
            if ask.method != Method::GET || !matches!(answer.status, 301 | 302 | 307 | 308) {
                if answer.is_success() {
                    answer.moved_to = moved_to;
                    return Ok(answer);
                }
                return Err(self.without_token(&ask, Refused::answered(&named, &answer)).await);
            }
            let Some(location) = answer.header("location") else {
                return Err(Refused::failed(&named, "a redirect that leads nowhere"));
            };
            let Some(path) = self.inner.host.local(location, &ask.path) else {
                return Err(Refused::failed(&named, "a redirect to another host, where the token must not go"));
            };
            // 302 is how GitHub shows a stranger something else, like public members only: that is no answer.
            if answer.status == 302 {
                let refused = Refused::failed(&named, format!("GitHub shows only `{path}` instead"));
                return Err(Refused { status: Some(302), cause: crate::github::Cause::NotPermitted, ..refused });
            }
            tracing::debug!(from = ask.path, to = path, "redirected");
            moved_to = Some(path.clone());
            ask.path = path;
        }
        Err(Refused::failed(&named, format!("more than {REDIRECTS} redirects")))
    }

    /// Asks one address, and again while that helps.
    async fn ask_here(&self, ask: &Ask<'_>, named: &str) -> Result<Answer, Refused> {
        let kept = self.kept(ask);
        let mut spent: Option<Token> = None;
        let mut attempt = 0;
        loop {
            let token = match ask.who {
                Who::For(owner) => Some(self.token(owner, spent.as_ref()).await?),
                Who::App => None,
            };
            let (etag, kept_answer) = match &kept {
                Some((_, Some((etag, answer)))) => (Some(etag.clone()), Some(answer)),
                _ => (None, None),
            };
            let outgoing = Outgoing { method: ask.method.clone(), path: ask.path.clone(), body: ask.body.clone(), etag };
            let sent = {
                let permit = self.inner.gate.enter(ask.budget).await;
                let _permit = permit.map_err(|_| self.too_long(named, "GitHub's limit is reached"))?;
                self.inner.meter.count(ask.class, |tally| {
                    tally.requests += 1;
                    tally.retries += u64::from(attempt > 0);
                });
                self.inner.transport.send(ask.who.by(token.as_ref()), &outgoing).await
            };
            attempt += 1;
            let (why, after, stops) = match sent {
                Ok(answer) if answer.status == 304 => {
                    self.inner.meter.count(ask.class, |tally| tally.from_cache += 1);
                    let unasked = || Refused::failed(named, "`not modified`, although nothing was kept");
                    return kept_answer.cloned().ok_or_else(unasked);
                }
                Ok(answer) if answer.is_success() && !answer.is_whole() => {
                    let why = "the answer breaks off".to_owned();
                    if ask.repeat == Repeat::Never || attempt >= self.inner.options.attempts {
                        return Err(Refused::failed(named, why));
                    }
                    (why, patience::back_off(attempt - 1), Stops::This)
                }
                // A token may end while a run lasts. An app gets another one, once.
                Ok(answer) if answer.status == 401 && self.renews(ask.who) && spent.is_none() => {
                    spent = token;
                    continue;
                }
                Ok(answer) => match patience::judge(&answer, attempt - 1, jiff::Timestamp::now().as_second()) {
                    Judgement::Take => {
                        if let (Some((key, _)), Some(etags), 200) = (&kept, &self.inner.etags, answer.status) {
                            etags.store(key, &answer);
                        }
                        return Ok(answer);
                    }
                    Judgement::AskAgain { after, stops } => {
                        // Everybody else waits, too, whether or not this request is asked again.
                        let affordable = self.inner.gate.stop(ask.budget, stops, after);
                        if !ask.repeat.allows(&answer) || attempt >= self.inner.options.attempts {
                            return Ok(answer);
                        }
                        let refused = Refused::answered(named, &answer);
                        affordable.map_err(|_| self.too_long(named, &refused.message))?;
                        (format!("{} {}", answer.status, refused.message), after, stops)
                    }
                },
                Err(broken) => {
                    if !broken.again || ask.repeat.forbids(&broken) || attempt >= self.inner.options.attempts {
                        return Err(Refused::failed(named, broken.why));
                    }
                    (broken.why, patience::back_off(attempt - 1), Stops::This)
                }
            };
            tracing::debug!(request = named, why, wait = ?after, "asking again");
            if stops == Stops::This {
                let noise = u64::from(self.inner.options.clock.now().subsec_nanos());
                self.inner.options.clock.sleep(patience::spread(after, noise)).await;
            }
        }
    }

    /// What is kept of this answer: its key, and the answer if there is one.
    fn kept(&self, ask: &Ask<'_>) -> Option<(String, Option<(String, Answer)>)> {
        let etags = self.inner.etags.as_ref().filter(|_| ask.method == Method::GET)?;
        let Who::For(owner) = ask.who else { return None };
        let key = Etags::key(self.inner.host.origin(), &self.identity(owner), &ask.path, ACCEPT);
        let kept = etags.load(&key);
        Some((key, kept))
    }

    fn renews(&self, who: Who<'_>) -> bool {
        matches!(who, Who::For(_)) && matches!(self.inner.credentials, super::Credentials::App(_))
    }

    fn too_long(&self, named: &str, why: &str) -> Refused {
        let most = self.inner.options.max_wait.as_secs();
        Refused::failed(named, format!("{why}; waiting for it would take longer than the {most} seconds that this run may wait"))
            .help("allow a longer wait, or run again later; a cache makes the second run cheaper")
    }

    /// Some servers repeat what they were sent.
    async fn without_token(&self, ask: &Ask<'_>, mut refused: Refused) -> Refused {
        if let (Who::For(_), super::Credentials::Token(token)) = (ask.who, &self.inner.credentials) {
            refused.message = token.redact(&refused.message);
        }
        refused
    }
}

impl Repeat {
    fn allows(self, answer: &Answer) -> bool {
        match self {
            Repeat::Always => true,
            Repeat::UnlessTooHeavy => !matches!(answer.status, 502 | 504),
            Repeat::Never => false,
        }
    }

    fn forbids(self, broken: &Broken) -> bool {
        match self {
            Repeat::Always => false,
            Repeat::UnlessTooHeavy => broken.why.contains("took longer"),
            Repeat::Never => true,
        }
    }
}

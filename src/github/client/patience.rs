//! What to do with an answer that is no answer: take it, or wait and ask again. Pure.

use std::time::Duration;

use super::answer::Answer;

/// Which of GitHub's budgets a request is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Budget {
    Rest,
    GraphQl,
}

/// Whom a limit stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stops {
    /// Only this request.
    This,
    /// Every request of the same budget: GitHub's primary limit.
    Budget,
    /// Every request: GitHub's secondary limits.
    Everything,
}

/// What to do with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It is an answer.
    Take,
    /// Ask again, after this long.
    AskAgain { after: Duration, stops: Stops },
}

/// How long to wait for GitHub when it doesn't say; GitHub's documentation asks for a minute at least.
const A_MINUTE: Duration = Duration::from_secs(60);

/// What to do with an answer to the `attempt`-th try, counted from 0. `now` is this computer's time, in seconds since
/// 1970; it is used only when the server does not tell its own.
///
/// <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#handle-rate-limit-errors-appropriately>
pub(super) fn judge(answer: &Answer, attempt: u32, now: i64) -> Judgement {
    let limited = match answer.status {
        429 => true,
        403 => answer.header("retry-after").is_some() || answer.number("x-ratelimit-remaining") == Some(0) || says_limit(answer),
        // GraphQL answers 200 when its budget is spent.
        200 => answer.number("x-ratelimit-remaining") == Some(0) && says_limit(answer),
        _ => false,
    };
    if limited {
        if let Some(after) = retry_after(answer) {
            return Judgement::AskAgain { after, stops: Stops::Everything };
        }
        if answer.number("x-ratelimit-remaining") == Some(0)
            && let Some(reset) = answer.number("x-ratelimit-reset")
        {
            let there = answer.server_time().map_or(now, jiff::Timestamp::as_second);
            // One second more: both are whole seconds.
            let after = Duration::from_secs(u64::try_from(reset.saturating_sub(there)).unwrap_or(0).saturating_add(1));
            return Judgement::AskAgain { after, stops: Stops::Budget };
        }
        return Judgement::AskAgain { after: A_MINUTE.saturating_mul(1 << attempt.min(6)), stops: Stops::Everything };
    }
    if matches!(answer.status, 500 | 502 | 503 | 504) {
        let after = retry_after(answer).unwrap_or_else(|| back_off(attempt));
        return Judgement::AskAgain { after, stops: Stops::This };
    }
    Judgement::Take
}

/// How long to wait before trying again what failed for no stated reason: half a second, one, two, four.
pub(super) fn back_off(attempt: u32) -> Duration {
    Duration::from_millis(500).saturating_mul(1 << attempt.min(5))
}

/// Spreads requests that would otherwise come at once: up to a quarter more. `noise` is any number.
pub(super) fn spread(wait: Duration, noise: u64) -> Duration {
    let percent = u32::try_from(noise % 25).unwrap_or(0);
    wait.saturating_add(wait.saturating_mul(percent) / 100)
}

fn says_limit(answer: &Answer) -> bool {
    // Only the beginning of a body is looked at: these answers are short.
    let text = String::from_utf8_lossy(answer.body.get(..2000).unwrap_or(&answer.body)).to_lowercase();
    text.contains("rate limit") || text.contains("rate_limited") || text.contains("abuse detection")
}

fn retry_after(answer: &Answer) -> Option<Duration> {
    answer.number("retry-after").and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        Answer {
            status,
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.as_bytes().to_vec(),
            moved_to: None,
        }
    }

    fn wait(seconds: u64, stops: Stops) -> Judgement {
        Judgement::AskAgain { after: Duration::from_secs(seconds), stops }
    }

    #[test]
    fn limits() {
        let secondary = answer(403, &[("retry-after", "7")], r#"{"message":"You have exceeded a secondary rate limit."}"#);
        assert_eq!(judge(&secondary, 0, 0), wait(7, Stops::Everything));
        assert_eq!(judge(&answer(429, &[], ""), 1, 0), wait(120, Stops::Everything));
        let primary =
            [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1000060"), ("date", "Mon, 12 Jan 1970 13:46:40 GMT")];
        assert_eq!(judge(&answer(403, &primary, "{}"), 0, 5), wait(61, Stops::Budget), "the server's clock counts");
        assert_eq!(judge(&answer(403, &primary[..2], "{}"), 0, 1_000_050), wait(11, Stops::Budget));
        let graphql = answer(200, &primary, r#"{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded"}]}"#);
        assert_eq!(judge(&graphql, 0, 0), wait(61, Stops::Budget));
    }

    #[test]
    fn what_is_no_limit() {
        assert_eq!(judge(&answer(403, &[("x-ratelimit-remaining", "10")], r#"{"message":"Forbidden"}"#), 0, 0), Judgement::Take);
        assert_eq!(judge(&answer(200, &[("x-ratelimit-remaining", "0")], "{}"), 0, 0), Judgement::Take);
        assert_eq!(judge(&answer(404, &[], ""), 0, 0), Judgement::Take);
        assert_eq!(judge(&answer(502, &[], ""), 0, 0), Judgement::AskAgain { after: back_off(0), stops: Stops::This });
        assert_eq!(judge(&answer(503, &[("retry-after", "3")], ""), 0, 0), wait(3, Stops::This));
    }

    #[test]
    fn waits_grow_and_spread() {
        assert!(back_off(3) == Duration::from_secs(4) && back_off(99) == Duration::from_secs(16));
        for noise in 0..100 {
            let spread = spread(Duration::from_secs(4), noise);
            assert!((Duration::from_secs(4)..Duration::from_secs(5)).contains(&spread));
        }
    }
}

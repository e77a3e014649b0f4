//! The program itself is killed, at random requests: what it left is gone on with, or taken back, by a new one.

use std::sync::mpsc;

use super::fleet;
use super::program::Desk;
use crate::support::github::{Bed, Profile};

/// The same numbers in every run. <https://prng.di.unimi.it/splitmix64.c>
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

const LIMITS: &[&str] = &["--allow-weaken", "--max-percent", "100", "--max-changes", "1000"];
const KILLS: usize = 10;

fn begin(desk: &Desk<'_>) {
    desk.bed.forget_requests();
    desk.apply(LIMITS).is(0);
}

/// Kills it while a request is under way: before that was carried out, or before its answer.
fn kill(desk: &Desk<'_>, bed: &Bed, number: u64, is_handled: bool) {
    let (told, hears) = mpsc::channel();
    bed.watch(move |moment| {
        let dies = moment.number == number && moment.is_handled == is_handled;
        if dies {
            told.send(()).unwrap();
        }
        !dies
    });
    let mut program = desk.start(&[&["apply", "plan.json", "--yes"], LIMITS].concat());
    hears.recv().unwrap();
    program.kill().unwrap();
    assert!(!program.wait().unwrap().success());
    bed.unwatched();
}

#[test]
fn the_program_is_killed_and_another_one_goes_on_or_back() {
    for (seed, policy) in (1..).zip(fleet::texts()) {
        let bed = fleet::plant(Profile::Dotcom, true, 10);
        let desk = Desk::new(&bed, &policy);
        let (saved, start) = (bed.settings(), bed.snapshot());
        desk.plan().is(1);
        begin(&desk);
        let (planned, requests) = (bed.settings(), u64::try_from(bed.requests().len()).unwrap());
        assert_ne!(saved, planned);
        let mut random = Random(seed);
        let mut begun = 0;
        for round in 0..KILLS {
            bed.restore(&start);
            std::fs::remove_dir_all(desk.path("refwarden-backup")).unwrap_or_default();
            let (number, is_handled) = (random.below(requests) + 1, random.below(2) == 1);
            kill(&desk, &bed, number, is_handled);
            let what = format!("killed at {number} of {requests}, handled: {is_handled}");
            let back = round % 2 == 1;
            let Some(run) = desk.newest_run() else {
                // It had not come to writing.
                desk.run(&["apply", "--resume", "--yes"]).refuses(2, "there is no run");
                assert_eq!(bed.settings(), saved, "{what}");
                begin(&desk);
                assert_eq!(bed.settings(), planned, "{what}");
                continue;
            };
            let ran = if back {
                desk.run(&["apply", "--rollback", &run, "--yes"])
            } else {
                desk.run(&["apply", "--resume", "--yes", "--allow-weaken", "--max-changes", "1000", "--max-percent", "100"])
            };
            begun += 1;
            assert_eq!(ran.code, Some(0), "{what}: {}{}", ran.out, ran.err);
            assert_eq!(bed.settings(), if back { saved.clone() } else { planned.clone() }, "{what}");
        }
        assert!(begun >= KILLS / 3, "most of them are in the middle of writing");
    }
}

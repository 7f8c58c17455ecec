//! The expect engine against a shell that plays the machine.

use std::fs;

use super::*;
use crate::{here, pattern::regex};

const SHORT: Duration = Duration::from_millis(300);

/// A process that runs `script` with its streams as the console.
fn shell(name: &str, script: &str) -> Session {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    let mut session = Session::start(name, command).unwrap();
    session.set_timeout(Duration::from_secs(20));
    session
}

fn log(name: &str) -> std::path::PathBuf {
    crate::build::transcripts().join(format!("{}.log", file_name(name)))
}

#[test]
fn finds_text_that_comes_in_pieces() {
    let mut session = shell(
        here!(),
        "printf 'noise mar'; sleep 0.2; printf 'ker tail'; sleep 60",
    );
    let found = session.expect("marker").unwrap();
    assert_eq!(found.before, "noise ");
    session.expect(" tail").unwrap();
}

#[test]
fn text_is_consumed_once() {
    let mut session = shell(here!(), "printf 'one two one'; sleep 60");
    session.expect("one").unwrap();
    assert_eq!(session.expect("one").unwrap().before, " two ");
    let error = session.expect_for("one", SHORT).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout { .. }), "{error}");
    session.failed = false;
}

#[test]
fn a_timeout_is_kept_and_names_what_was_wanted() {
    let name = here!();
    let mut session = shell(name, "echo the last line; sleep 60");
    session.expect("last").unwrap();
    let begin = Instant::now();
    let error = session.expect_for("never", SHORT).unwrap_err().to_string();
    assert!(begin.elapsed() >= SHORT, "gave up early");
    assert!(begin.elapsed() < Duration::from_secs(10), "waited on");
    let seconds = scaled(SHORT).as_secs_f32();
    let wanted = format!("no \"never\" within {seconds:.1} s");
    assert!(error.contains(&wanted), "{error}");
    assert!(error.contains("the last line"), "{error}");
    assert!(error.contains(&log(name).display().to_string()), "{error}");
    session.failed = false;
}

#[test]
fn an_end_is_told_from_a_timeout() {
    let mut session = shell(here!(), "echo out; echo because >&2; exit 3");
    let begin = Instant::now();
    let error = session.expect("never").unwrap_err().to_string();
    assert!(begin.elapsed() < Duration::from_secs(10), "waited on");
    assert!(error.contains("closed"), "{error}");
    assert!(error.contains("exit status: 3"), "{error}");
    assert!(error.contains("because"), "{error}");
    session.failed = false;
}

#[test]
fn text_before_the_end_still_counts() {
    let mut session = shell(here!(), "printf 'all done'");
    session.expect_exit(Duration::from_secs(20)).unwrap();
    session.expect("done").unwrap();
}

#[test]
fn forbidden_text_ends_a_wait_at_once() {
    let mut session = shell(here!(), "echo Kernel panic; sleep 60");
    session.forbid("Kernel panic");
    let begin = Instant::now();
    let error = session.expect("login:").unwrap_err().to_string();
    assert!(begin.elapsed() < Duration::from_secs(10), "waited on");
    assert!(error.contains("\"Kernel panic\" came"), "{error}");
    session.failed = false;
}

#[test]
fn forbidden_text_after_the_match_is_for_the_next_wait() {
    let mut session = shell(here!(), "printf 'good bad good'; sleep 60");
    session.forbid("bad");
    session.expect("good").unwrap();
    assert!(session.expect("good").is_err());
    session.allow_all();
    session.expect("good").unwrap();
    session.failed = false;
}

#[test]
fn the_first_of_several_wins() {
    let mut session = shell(here!(), "printf 'b then a'; sleep 60");
    let (index, found) = session.expect_any(&["a".into(), "b".into()]).unwrap();
    assert_eq!((index, found.text.as_str()), (1, "b"));
}

#[test]
fn groups_and_line_starts() {
    let mut session = shell(
        here!(),
        "printf 'x => no\\r\\nsize=1a2b\\r\\n=> '; sleep 60",
    );
    let found = session.expect(regex("size=([0-9a-f]+)")).unwrap();
    assert_eq!(found.group(1), "1a2b");
    assert_eq!(found.group(2), "");
    assert_eq!(session.expect_prompt().unwrap(), "\n");
}

#[test]
fn a_prompt_in_the_middle_of_a_line_is_none() {
    // The search begins right before the arrow: the line's start is elsewhere.
    let mut session = shell(here!(), "printf 'x=> '; sleep 60");
    session.expect("x").unwrap();
    assert!(session.expect_prompt_for(SHORT).is_err());
    session.failed = false;
}

/// Plays a loader's prompt: echoes what it reads, answers two commands.
const LOADER: &str = r#"
cr=$(printf '\r'); status=0
printf '=> '
while IFS= read -r line; do
  line=${line%"$cr"}
  printf '%s\r\n' "$line"
  case $line in
    'echo $?') printf '%s\r\n' "$status"; status=0 ;;
    bad) printf 'no\r\n'; status=1 ;;
    good) printf 'a\r\nb\r\n'; status=0 ;;
  esac
  printf '=> '
done
"#;

#[test]
fn commands_have_output_and_status() {
    // `tr` stands for the line discipline: the harness ends lines with CR.
    let mut command = Command::new("sh");
    let script = format!(
        "stdbuf -o0 tr '\\r' '\\n' | sh -c '{}'",
        LOADER.replace('\'', "'\\''")
    );
    command.args(["-c", &script]);
    let mut session = Session::start(here!(), command).unwrap();
    session.expect_prompt().unwrap();
    let good = session.run("good").unwrap();
    assert_eq!((good.text.as_str(), good.status), ("a\nb\n", 0));
    assert_eq!(session.run_err("bad").unwrap(), "no\n");
    let error = session.run_ok("bad").unwrap_err().to_string();
    assert!(error.contains("\"bad\" ended with status 1: no"), "{error}");
    assert_eq!(session.run_ok("good").unwrap(), "a\nb\n");
    session.failed = false;
}

#[test]
fn sending_to_a_machine_that_does_not_read_does_not_block() {
    let mut session = shell(here!(), "echo up; sleep 60");
    session.expect("up").unwrap();
    session.send(&"x".repeat(1 << 20));
    assert!(session.expect_for("never", SHORT).is_err());
    session.failed = false;
}

#[test]
fn a_good_end_leaves_no_file_and_no_process() {
    let name = here!();
    let mut session = shell(name, "echo $$; exec sleep 600");
    let id = session.expect(regex("([0-9]+)\n")).unwrap();
    assert!(log(name).exists());
    drop(session);
    assert!(!log(name).exists());
    assert!(!fs::exists(format!("/proc/{}", id.group(1))).unwrap());
}

#[test]
fn a_failed_wait_leaves_the_transcript() {
    let name = here!();
    let mut session = shell(name, "echo said; echo complained >&2; sleep 60");
    session.expect("said").unwrap();
    session
        .stderr
        .wait(Instant::now() + Duration::from_secs(20), |text| {
            text.contains("complained").then_some(())
        })
        .unwrap();
    assert!(session.expect_for("never", SHORT).is_err());
    drop(session);
    let text = fs::read_to_string(log(name)).unwrap();
    assert!(text.starts_with("said\n"), "{text}");
    assert!(text.contains("complained"), "{text}");
    fs::remove_file(log(name)).unwrap();
}

#[test]
fn a_panicking_test_leaves_the_transcript() {
    let name = here!();
    let result = thread::spawn(|| {
        let mut session = shell(here!(), "echo said; sleep 60");
        session.expect("said").unwrap();
        panic!("on purpose");
    })
    .join();
    assert!(result.is_err());
    assert_eq!(fs::read_to_string(log(name)).unwrap(), "said\n");
    fs::remove_file(log(name)).unwrap();
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let error = Session::start(here!(), Command::new("no-such-program"))
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("no-such-program"), "{error}");
}

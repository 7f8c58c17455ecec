//! Commands at a loader's prompt: their echo, their output, their status.

use std::time::Duration;

use super::Session;
use crate::{
    error::{Error, ErrorKind, Result},
    pattern::regex,
};

/// What a command at the prompt printed, and its `$?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The lines between the command's echo and the next prompt, ended by `\n`.
    pub text: String,
    /// `$?`.
    pub status: u8,
}

impl Session {
    /// Waits for the prompt: `=> ` at a line's start. Returns what came before it.
    ///
    /// # Errors
    /// As [`Session::expect`].
    pub fn expect_prompt(&mut self) -> Result<String> {
        self.expect_prompt_for(self.timeout)
    }

    /// Waits for the prompt, for `timeout`.
    ///
    /// # Errors
    /// As [`Session::expect`].
    pub fn expect_prompt_for(&mut self, timeout: Duration) -> Result<String> {
        let found = self.expect_for(regex("(?m)^=> "), timeout)?;
        Ok(found.before.replace('\r', ""))
    }

    /// Runs a command at the prompt and asks for its status.
    ///
    /// # Errors
    /// The command is not echoed, or no prompt follows, or `$?` is no number.
    pub fn run(&mut self, command: &str) -> Result<Output> {
        self.run_for(command, self.timeout)
    }

    /// Runs a command that may take `timeout`.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn run_for(&mut self, command: &str, timeout: Duration) -> Result<Output> {
        let text = self.line(command, timeout)?;
        let status = self.line("echo $?", self.timeout)?;
        match status.trim().parse() {
            Ok(status) => Ok(Output { text, status }),
            Err(_) => Err(self.fail(ErrorKind::Check(format!(
                "after \"{command}\", $? is {status:?}"
            )))),
        }
    }

    /// Runs a command that must succeed, and returns what it printed.
    ///
    /// # Errors
    /// As [`Session::run`]; or `$?` is not 0.
    pub fn run_ok(&mut self, command: &str) -> Result<String> {
        let output = self.run(command)?;
        if output.status == 0 {
            return Ok(output.text);
        }
        Err(self.wrong_status(command, output))
    }

    /// Runs a command that must fail with status 1, and returns what it printed.
    ///
    /// # Errors
    /// As [`Session::run`]; or `$?` is not 1.
    pub fn run_err(&mut self, command: &str) -> Result<String> {
        let output = self.run(command)?;
        if output.status == 1 {
            return Ok(output.text);
        }
        Err(self.wrong_status(command, output))
    }

    /// Sends a line, waits for its echo, and returns what came before the next prompt.
    fn line(&mut self, line: &str, timeout: Duration) -> Result<String> {
        self.send_line(line);
        self.expect(format!("{line}\r\n"))?;
        self.expect_prompt_for(timeout)
    }

    fn wrong_status(&mut self, command: &str, output: Output) -> Error {
        self.fail(ErrorKind::Status {
            command: command.to_owned(),
            output: output.text,
            status: output.status,
        })
    }
}

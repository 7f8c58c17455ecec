//! QEMU's monitor, over the machine protocol (QMP) on a Unix socket.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, ErrorKind, Result},
    session::scaled,
};

/// How long the monitor may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection to a machine's monitor; connects when it is first used.
#[derive(Debug)]
pub struct Monitor {
    socket: PathBuf,
    connection: Option<BufReader<UnixStream>>,
}

impl Monitor {
    /// Describes the monitor that QEMU will open at `socket`.
    pub(crate) fn at(socket: PathBuf) -> Self {
        Self {
            socket,
            connection: None,
        }
    }

    /// Runs a command of the human monitor (`info registers`) and returns what it prints.
    ///
    /// # Errors
    /// QEMU is gone, or refuses it.
    pub fn human(&mut self, command: &str) -> Result<String> {
        let arguments = format!(r#"{{"command-line":{}}}"#, quote(command));
        let text = self.execute("human-monitor-command", &arguments)?;
        Ok(unquote(&text))
    }

    /// Runs a QMP command; `arguments` is a JSON object. Returns the JSON that it returns.
    ///
    /// # Errors
    /// QEMU is gone, or refuses it.
    pub fn execute(&mut self, command: &str, arguments: &str) -> Result<String> {
        if self.connection.is_none() {
            self.connection = Some(connect(&self.socket)?);
            self.exchange(r#"{"execute":"qmp_capabilities"}"#)?;
        }
        self.exchange(&format!(
            r#"{{"execute":{},"arguments":{arguments}}}"#,
            quote(command)
        ))
    }

    /// Reads physical memory of the stopped or running machine.
    ///
    /// # Errors
    /// QEMU is gone, or refuses it.
    pub fn read_memory(&mut self, address: u64, size: u64) -> Result<Vec<u8>> {
        let path = self.socket.with_extension("memory");
        let name = quote(&path.display().to_string());
        let arguments = format!(r#"{{"val":{address},"size":{size},"filename":{name}}}"#);
        self.execute("pmemsave", &arguments)?;
        fs::read(&path).map_err(|error| Error::io(format!("reading {}", path.display()), error))
    }

    /// Sends one line and returns the value of the answer's `return`; skips events.
    fn exchange(&mut self, line: &str) -> Result<String> {
        let Some(connection) = &mut self.connection else {
            return Err(refused("not connected"));
        };
        let io = |error| Error::io(format!("QEMU's monitor: {line}"), error);
        writeln!(connection.get_mut(), "{line}").map_err(io)?;
        loop {
            let mut answer = String::new();
            if connection.read_line(&mut answer).map_err(io)? == 0 {
                return Err(refused("closed"));
            }
            let answer = answer.trim_end();
            if let Some(value) = answer.strip_prefix(r#"{"return": "#) {
                return Ok(value.strip_suffix('}').unwrap_or(value).to_owned());
            }
            if answer.starts_with(r#"{"error""#) {
                return Err(refused(answer));
            }
        }
    }
}

/// Waits for QEMU to open the socket.
fn connect(socket: &Path) -> Result<BufReader<UnixStream>> {
    let deadline = Instant::now() + scaled(PATIENCE);
    let stream = loop {
        match UnixStream::connect(socket) {
            Ok(stream) => break stream,
            Err(_) if Instant::now() < deadline => thread::sleep(Duration::from_millis(20)),
            Err(error) => {
                return Err(Error::io(
                    format!("connecting to {}", socket.display()),
                    error,
                ));
            }
        }
    };
    stream
        .set_read_timeout(Some(scaled(PATIENCE)))
        .map_err(|error| Error::io("QEMU's monitor", error))?;
    Ok(BufReader::new(stream))
}

fn refused(why: &str) -> Error {
    ErrorKind::Monitor(why.to_owned()).into()
}

/// Writes text as a JSON string.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// Reads a JSON string; what is none is returned as it is.
fn unquote(json: &str) -> String {
    let inner = json
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let Some(inner) = inner else {
        return json.to_owned();
    };
    let mut text = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('u') => {
                let digits: String = characters.by_ref().take(4).collect();
                let code = u32::from_str_radix(&digits, 16)
                    .ok()
                    .and_then(char::from_u32);
                text.push(code.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => text.push(other),
            None => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_strings_go_there_and_back() {
        for text in ["", "a b", "q\"b\\s/", "line\r\nline\ttab \u{1b}[K"] {
            assert_eq!(unquote(&quote(text)), text);
        }
        assert_eq!(unquote(r#""a\r\nb\u0041""#), "a\r\nbA");
        assert_eq!(unquote("{}"), "{}");
    }
}

//! Where candidates come from.

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

use super::{MAX_CANDIDATES, usage::Kind, words::Words};
use crate::{
    commands,
    console::editor::Candidate,
    context::Context,
    storage::{self, VolumeName, default_volume},
};

/// Characters that mean something to the shell.
const SPECIAL: &str = " \t\"'\\$;|&#<>()*?[]{}!";

/// Collects what goes on with a word.
pub(super) struct Sources<'w> {
    word: &'w str,
    quote: Option<char>,
    found: Vec<Candidate>,
}

impl<'w> Sources<'w> {
    pub(super) fn new(words: &'w Words) -> Self {
        Self {
            word: &words.current,
            quote: words.quote,
            found: Vec::new(),
        }
    }

    /// Returns the candidates, sorted and each once.
    pub(super) fn take(self) -> Vec<Candidate> {
        self.found
    }

    /// Adds what a place in a command takes; `arguments` are the words before.
    pub(super) fn add(&mut self, cx: &mut Context<'_>, kind: Kind, arguments: &[String]) {
        match kind {
            Kind::Word(word) => self.offer(self.word, word, true),
            Kind::Command => self.commands(),
            Kind::Variable => self.names(cx),
            Kind::Interface => self.interfaces(cx),
            Kind::Device => self.devices(cx, arguments),
            Kind::File => self.files(cx, arguments),
            Kind::TreePath => self.tree_paths(cx),
        }
    }

    pub(super) fn commands(&mut self) {
        for name in commands::names_with_prefix(self.word) {
            self.offer(self.word, name, true);
        }
    }

    fn names(&mut self, cx: &Context<'_>) {
        for (name, _) in cx.env.iter() {
            self.offer(self.word, name, true);
        }
    }

    /// Variables behind a `$`.
    pub(super) fn variables(&mut self, cx: &Context<'_>, typed: &str, braced: bool) {
        for (name, _) in cx.env.iter() {
            let Some(rest) = name.strip_prefix(typed) else {
                continue;
            };
            let brace = if braced { "}" } else { "" };
            self.push(Candidate {
                name: name.to_owned(),
                rest: [rest, brace].concat(),
                ends: false,
            });
        }
    }

    fn interfaces(&mut self, cx: &Context<'_>) {
        for disk in &cx.machine.disks {
            self.offer(self.word, disk.interface, true);
        }
    }

    /// Numbers of disks; behind `DEV:` of partitions.
    fn devices(&mut self, cx: &mut Context<'_>, arguments: &[String]) {
        let Some(interface) = arguments.last() else {
            return;
        };
        let mut names = Vec::new();
        for disk in &mut cx.machine.disks {
            if disk.interface != *interface {
                continue;
            }
            names.push(format!("{:x}", disk.index));
            if let Ok(table) = storage::partition::list(&mut *disk.device) {
                let numbers = table.partitions.iter().map(|partition| partition.number);
                names.extend(numbers.map(|number| format!("{:x}:{number:x}", disk.index)));
            }
        }
        for name in &names {
            self.offer(self.word, name, true);
        }
    }

    fn files(&mut self, cx: &mut Context<'_>, arguments: &[String]) {
        let named = arguments.windows(2).find_map(|pair| match pair {
            [interface, device] => {
                let mut disks = cx.machine.disks.iter();
                disks.find(|disk| disk.interface == *interface)?;
                Some((interface.clone(), device.clone()))
            }
            _ => None,
        });
        let Some((interface, device)) = named.or_else(|| default_volume(&cx.env)) else {
            return;
        };
        let volume = VolumeName {
            interface: &interface,
            device: &device,
        };
        let (directory, typed) = match self.word.rsplit_once('/') {
            Some(("", typed)) => ("/", typed),
            Some((directory, typed)) => (directory, typed),
            None => ("/", self.word),
        };
        for entry in storage::list(&mut cx.machine.disks, volume, directory).unwrap_or_default() {
            let mut name = entry.name;
            if entry.directory {
                name.push('/');
            }
            self.offer(typed, &name, !entry.directory);
        }
    }

    fn tree_paths(&mut self, cx: &Context<'_>) {
        let Some(tree) = &cx.tree else { return };
        let Some((parent, typed)) = self.word.rsplit_once('/') else {
            if self.word.is_empty() {
                self.offer("", "/", false);
            }
            return;
        };
        let parent = if parent.is_empty() { "/" } else { parent };
        let Some(node) = tree.find(parent) else {
            return;
        };
        for child in tree.children(node) {
            self.offer(typed, tree.name(child), true);
        }
    }

    /// Adds `name` if it goes on with `typed`.
    fn offer(&mut self, typed: &str, name: &str, ends: bool) {
        let Some(rest) = name.strip_prefix(typed) else {
            return;
        };
        let mut quoted = String::new();
        for letter in rest.chars() {
            let special = match self.quote {
                None => SPECIAL.contains(letter),
                Some('"') => "\"\\$".contains(letter),
                // Nothing can be quoted in single quotes.
                Some(_) if letter == '\'' => return,
                Some(_) => false,
            };
            if special {
                quoted.push('\\');
            }
            quoted.push(letter);
        }
        self.push(Candidate {
            name: name.to_owned(),
            rest: quoted,
            ends: ends && self.quote.is_none(),
        });
    }

    fn push(&mut self, candidate: Candidate) {
        let at = self
            .found
            .partition_point(|other| other.name < candidate.name);
        let known = self
            .found
            .get(at)
            .is_some_and(|other| other.name == candidate.name);
        if !known && self.found.len() < MAX_CANDIDATES {
            self.found.insert(at, candidate);
        }
    }
}

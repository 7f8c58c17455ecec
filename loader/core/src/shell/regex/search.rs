//! Runs a program over a text: all ways at once, a character at a time (Thompson, Pike).

use alloc::{vec, vec::Vec};

use super::{Captures, GROUPS, Instruction, MAX_SUBJECT, Regex};

type Slots = [usize; 2 * GROUPS];

/// No position.
const NOWHERE: usize = usize::MAX;

/// Ways through the program, preferred ones first; each instruction is in it once at most.
struct Ways {
    list: Vec<(usize, Slots)>,
    seen: Vec<bool>,
}

impl Ways {
    fn new(length: usize) -> Self {
        Self {
            list: Vec::with_capacity(length),
            seen: vec![false; length],
        }
    }

    fn clear(&mut self) {
        self.list.clear();
        self.seen.fill(false);
    }
}

/// Where in the text a step is taken.
#[derive(Clone, Copy)]
struct Place {
    at: usize,
    end: usize,
}

pub(super) fn search(regex: &Regex, text: &str, from: usize) -> Option<Captures> {
    let text = text
        .get(..text.floor_char_boundary(MAX_SUBJECT))
        .unwrap_or(text);
    let mut now = Ways::new(regex.program.len());
    let mut next = Ways::new(regex.program.len());
    let mut stack = Vec::new();
    let mut found = None;
    let mut letters = text.get(from..)?.chars();
    let mut at = from;
    loop {
        let place = Place {
            at,
            end: text.len(),
        };
        if found.is_none() {
            // The least preferred: what began further left comes first.
            follow(regex, &mut now, 0, [NOWHERE; 2 * GROUPS], place, &mut stack);
        }
        let letter = letters.next();
        let after = Place {
            at: at + letter.map_or(0, char::len_utf8),
            ..place
        };
        for (instruction, slots) in &now.list {
            match (regex.program.get(*instruction), letter) {
                (Some(Instruction::Match), _) => {
                    found = Some(*slots);
                    // What is left is less preferred.
                    break;
                }
                (Some(Instruction::Take(set)), Some(letter)) if set.contains(letter) => {
                    follow(regex, &mut next, instruction + 1, *slots, after, &mut stack);
                }
                _ => {}
            }
        }
        if letter.is_none() || (found.is_some() && next.list.is_empty()) {
            return found.map(|slots| captures(&slots));
        }
        core::mem::swap(&mut now, &mut next);
        next.clear();
        at = after.at;
    }
}

/// Adds every instruction that is reached from `start` without taking a character.
fn follow(
    regex: &Regex,
    ways: &mut Ways,
    start: usize,
    slots: Slots,
    place: Place,
    stack: &mut Vec<(usize, Slots)>,
) {
    stack.clear();
    stack.push((start, slots));
    while let Some((mut at, mut slots)) = stack.pop() {
        // Each instruction is looked at once, so loops of nothing end.
        while let Some(seen @ false) = ways.seen.get_mut(at) {
            *seen = true;
            match regex.program.get(at) {
                Some(Instruction::Jump(target)) => at = *target,
                Some(Instruction::Split(first, second)) => {
                    stack.push((*second, slots));
                    at = *first;
                }
                Some(Instruction::Save(slot)) => {
                    if let Some(slot) = slots.get_mut(*slot) {
                        *slot = place.at;
                    }
                    at += 1;
                }
                Some(Instruction::Start) if place.at == 0 => at += 1,
                Some(Instruction::End) if place.at == place.end => at += 1,
                Some(Instruction::Start | Instruction::End) | None => break,
                Some(Instruction::Take(_) | Instruction::Match) => {
                    ways.list.push((at, slots));
                    break;
                }
            }
        }
    }
}

fn captures(slots: &Slots) -> Captures {
    let mut captures = Captures::default();
    for (capture, slots) in captures.iter_mut().zip(slots.chunks_exact(2)) {
        if let [start, end] = *slots
            && start != NOWHERE
            && end != NOWHERE
        {
            *capture = Some((start, end));
        }
    }
    captures
}

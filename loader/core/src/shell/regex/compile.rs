//! A pattern into a program, by recursive descent.

use alloc::{vec, vec::Vec};
use core::{iter::Peekable, str::Chars};

use super::{GROUPS, Instruction, MAX_DEPTH, MAX_PROGRAM, Regex, RegexError, Set};

pub(super) fn compile(pattern: &str) -> Result<Regex, RegexError> {
    if pattern.len() > MAX_PROGRAM {
        return Err(RegexError::TooLong);
    }
    let mut compiler = Compiler {
        rest: pattern.chars().peekable(),
        groups: 0,
        depth: 0,
    };
    let mut program = vec![Instruction::Save(0)];
    append(&mut program, compiler.alternatives()?)?;
    if compiler.rest.next().is_some() {
        return Err(RegexError::Unbalanced);
    }
    program.push(Instruction::Save(1));
    program.push(Instruction::Match);
    Ok(Regex {
        program,
        groups: compiler.groups,
    })
}

/// A piece of a program: it ends at its end, and its targets count from its start.
type Piece = Vec<Instruction>;

/// Adds a piece, its targets moved.
fn append(program: &mut Piece, piece: Piece) -> Result<(), RegexError> {
    let base = program.len();
    if base + piece.len() + 4 > MAX_PROGRAM {
        return Err(RegexError::TooLong);
    }
    program.extend(piece.into_iter().map(|instruction| match instruction {
        Instruction::Split(first, second) => Instruction::Split(first + base, second + base),
        Instruction::Jump(target) => Instruction::Jump(target + base),
        other => other,
    }));
    Ok(())
}

struct Compiler<'a> {
    rest: Peekable<Chars<'a>>,
    groups: usize,
    depth: u8,
}

impl Compiler<'_> {
    /// `sequence { '|' sequence }`
    fn alternatives(&mut self) -> Result<Piece, RegexError> {
        let mut all = vec![self.sequence()?];
        while self.rest.next_if_eq(&'|').is_some() {
            all.push(self.sequence()?);
        }
        // From the last to the first: `Split(1, else); this; Jump(end); else`.
        let mut program = all.pop().unwrap_or_default();
        while let Some(this) = all.pop() {
            let mut piece = vec![Instruction::Split(1, this.len() + 2)];
            append(&mut piece, this)?;
            let end = piece.len() + 1 + program.len();
            piece.push(Instruction::Jump(end));
            append(&mut piece, program)?;
            program = piece;
        }
        Ok(program)
    }

    /// `{ atom [ '*' | '+' | '?' | '*?' | '+?' ] }`
    fn sequence(&mut self) -> Result<Piece, RegexError> {
        let mut program = Piece::new();
        while let Some(letter) = self.rest.next_if(|letter| !matches!(letter, '|' | ')')) {
            let mut piece = self.atom(letter)?;
            let anchor = matches!(letter, '^' | '$');
            while let Some(sign) = self.rest.next_if(|next| matches!(next, '*' | '+' | '?')) {
                if anchor {
                    return Err(RegexError::NothingToRepeat(sign));
                }
                let lazy = sign != '?' && self.rest.next_if_eq(&'?').is_some();
                piece = repeat(piece, sign, lazy)?;
            }
            append(&mut program, piece)?;
        }
        Ok(program)
    }

    fn atom(&mut self, letter: char) -> Result<Piece, RegexError> {
        let set = match letter {
            '^' => return Ok(vec![Instruction::Start]),
            '$' => return Ok(vec![Instruction::End]),
            '(' => return self.group(),
            '*' | '+' | '?' => return Err(RegexError::NothingToRepeat(letter)),
            '[' => self.brackets()?,
            '.' => Set::Any,
            '\\' => self.escape(),
            letter => Set::One(letter),
        };
        Ok(vec![Instruction::Take(set)])
    }

    fn group(&mut self) -> Result<Piece, RegexError> {
        if self.groups + 1 >= GROUPS || self.depth >= MAX_DEPTH {
            return Err(RegexError::TooManyGroups);
        }
        self.groups += 1;
        let slot = 2 * self.groups;
        self.depth += 1;
        let mut piece = vec![Instruction::Save(slot)];
        append(&mut piece, self.alternatives()?)?;
        self.depth -= 1;
        if self.rest.next() != Some(')') {
            return Err(RegexError::Parenthesis);
        }
        piece.push(Instruction::Save(slot + 1));
        Ok(piece)
    }

    /// The set of a bracket. `]` ends it even as the first, as in U-Boot.
    fn brackets(&mut self) -> Result<Set, RegexError> {
        let negated = self.rest.next_if_eq(&'^').is_some();
        let mut sets: Vec<Set> = Vec::new();
        loop {
            let set = match self.rest.next() {
                None => return Err(RegexError::Bracket),
                Some(']') => return Ok(Set::Several { negated, sets }),
                Some('\\') => self.escape(),
                Some(letter) => Set::One(letter),
            };
            sets.push(set);
            self.range(&mut sets);
        }
    }

    /// Makes the last set a range, if `-` and a character follow.
    fn range(&mut self, sets: &mut [Set]) {
        let mut ahead = self.rest.clone();
        if let (Some('-'), Some(last), Some(Set::One(first))) =
            (ahead.next(), ahead.next(), sets.last().cloned())
            && !matches!(last, ']' | '\\')
        {
            self.rest = ahead;
            if let Some(set) = sets.last_mut() {
                *set = Set::Range(first, last);
            }
        }
    }

    fn escape(&mut self) -> Set {
        match self.rest.next() {
            Some('s') => Set::Space,
            Some('S') => Set::NotSpace,
            Some('d') => Set::Digit,
            Some('n') => Set::One('\n'),
            Some('r') => Set::One('\r'),
            Some('t') => Set::One('\t'),
            Some(other) => Set::One(other),
            None => Set::One('\\'),
        }
    }
}

fn repeat(piece: Piece, sign: char, lazy: bool) -> Result<Piece, RegexError> {
    let split = |enter, leave| match lazy {
        true => Instruction::Split(leave, enter),
        false => Instruction::Split(enter, leave),
    };
    let length = piece.len();
    let mut program = Piece::new();
    match sign {
        '+' => {
            append(&mut program, piece)?;
            program.push(split(0, length + 1));
        }
        '*' => {
            program.push(split(1, length + 2));
            append(&mut program, piece)?;
            program.push(Instruction::Jump(0));
        }
        _ => {
            program.push(split(1, length + 1));
            append(&mut program, piece)?;
        }
    }
    Ok(program)
}

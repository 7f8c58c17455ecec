//! What the checker says: one line for each fact, read by the test harness.

use std::{fs::File, io::Write};

/// The file of verdicts.
pub struct Report {
    out: File,
    /// Handoffs so far.
    pub handoffs: u32,
    doubts: Vec<String>,
}

impl Report {
    /// Writes to a file.
    pub fn new(out: File) -> Self {
        Self {
            out,
            handoffs: 0,
            doubts: Vec::new(),
        }
    }

    /// Writes a line.
    pub fn note(&mut self, line: &str) {
        // A report that cannot be written lacks its verdicts, which reads as inconclusive.
        let _ = writeln!(self.out, "{line}");
    }

    /// Makes the run inconclusive.
    pub fn doubt(&mut self, why: String) {
        if !self.doubts.contains(&why) {
            self.note(&format!("doubt {why}"));
            self.doubts.push(why);
        }
    }

    /// The run is over.
    pub fn end(&mut self) {
        let last = if self.handoffs == 0 {
            "end INCONCLUSIVE no handoff was seen".to_owned()
        } else if self.doubts.is_empty() {
            format!("end handoffs {}", self.handoffs)
        } else {
            format!("end INCONCLUSIVE {}", self.doubts.join("; "))
        };
        self.note(&last);
        let _ = self.out.flush();
    }
}

//! The commands: one file each, a descriptor and a handler.

mod access;
mod askenv;
mod base;
mod bdinfo;
mod boot;
mod bootelf;
mod bootz;
mod cache;
mod cat;
mod cmp;
mod coninfo;
mod cp;
mod date;
mod dm;
mod echo;
mod editenv;
mod env;
mod error;
mod exception;
mod exit;
mod fatmkdir;
mod fatrm;
mod fatsize;
mod fdt;
mod fstype;
mod go;
mod gzwrite;
mod hash;
mod help;
mod hyp;
mod iminfo;
mod inflate;
mod itest;
mod kexec;
mod license;
mod load;
mod log;
mod lookup;
mod r#loop;
mod ls;
mod md;
mod meminfo;
mod mm;
mod mmc;
mod ms;
mod mtest;
mod mw;
mod operand;
mod panic;
mod part;
mod poweroff;
mod printenv;
pub mod reference;
mod reset;
mod run;
mod save;
mod saveenv;
mod setenv;
mod setexpr;
mod showvar;
mod size;
mod size_text;
mod sleep;
mod source;
mod test;
mod time;
mod truth;
mod unzip;
mod version;
mod virtio;
mod wdt;

use alloc::format;
use core::num::IntErrorKind;

pub use access::Remembered;
pub use error::{CommandError, Failure};
pub use lookup::{find, names_with_prefix, print_usage};

use crate::context::Context;

/// What `help` groups commands by in the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Variables and the shell.
    Environment,
    /// Information.
    Info,
    /// Memory.
    Memory,
    /// Files and devices.
    Storage,
    /// The device tree.
    Tree,
    /// Booting.
    Boot,
    /// Everything else.
    Misc,
}

/// A command's descriptor. `help` and docs/commands.md are generated from it.
pub struct Command {
    /// The name typed.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// Where the reference lists it.
    pub group: Group,
    /// One line, as `help` shows it.
    pub summary: &'static str,
    /// The argument forms, one a line, without the name: what `help NAME` shows. A line that
    /// starts with a blank explains the form above it.
    pub usage: &'static str,
    /// A line that works, for the reference and its test.
    pub example: &'static str,
    /// The code. `arguments` starts with the name as typed.
    pub run: fn(&mut Context<'_>, &[&str]) -> Result<(), CommandError>,
}

/// Parses a number as U-Boot does: hexadecimal, `0x` optional.
///
/// # Errors
/// Names the text that is not a number, or one that 64 bits do not hold.
pub fn parse_hex(text: &str) -> Result<u64, CommandError> {
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .unwrap_or(text);
    u64::from_str_radix(digits, 16).map_err(|error| {
        CommandError::message(match error.kind() {
            IntErrorKind::PosOverflow => format!("\"{text}\" does not fit 64 bits"),
            _ => format!("\"{text}\" is not a hexadecimal number"),
        })
    })
}

#[cfg(test)]
mod examples_tests;

/// Every command, sorted by name.
pub static COMMANDS: &[&Command] = &[
    &askenv::ASKENV,
    &base::BASE,
    &bdinfo::BDINFO,
    &boot::BOOT,
    &boot::BOOTD,
    &bootelf::BOOTELF,
    &bootz::BOOTZ,
    &cache::CACHE,
    &cat::CAT,
    &cmp::CMP,
    &coninfo::CONINFO,
    &cp::CP,
    &hash::CRC32,
    &date::DATE,
    &cache::DCACHE,
    &dm::DM,
    &echo::ECHO,
    &editenv::EDITENV,
    &env::ENV,
    &exception::EXCEPTION,
    &exit::EXIT,
    &truth::FALSE,
    &fatmkdir::FATMKDIR,
    &fatrm::FATRM,
    &fatsize::FATSIZE,
    &fdt::FDT,
    &fstype::FSTYPE,
    &fstype::FSTYPES,
    &go::GO,
    &env::GREPENV,
    &gzwrite::GZWRITE,
    &hash::HASH,
    &help::HELP,
    &hyp::HYP,
    &cache::ICACHE,
    &iminfo::IMINFO,
    &itest::ITEST,
    &kexec::KEXEC,
    &license::LICENSE,
    &load::LOAD,
    &log::LOG,
    &r#loop::LOOP,
    &ls::LS,
    &md::MD,
    &hash::MD5SUM,
    &meminfo::MEMINFO,
    &mm::MM,
    &mmc::MMC,
    &ms::MS,
    &mtest::MTEST,
    &mw::MW,
    &mm::NM,
    &panic::PANIC,
    &part::PART,
    &poweroff::POWEROFF,
    &printenv::PRINTENV,
    &reset::RESET,
    &run::RUN,
    &save::SAVE,
    &saveenv::SAVEENV,
    &setenv::SETENV,
    &setexpr::SETEXPR,
    &hash::SHA1SUM,
    &hash::SHA256SUM,
    &showvar::SHOWVAR,
    &size::SIZE,
    &sleep::SLEEP,
    &source::SOURCE,
    &test::TEST,
    &time::TIME,
    &truth::TRUE,
    &unzip::UNZIP,
    &version::VERSION,
    &virtio::VIRTIO,
    &wdt::WDT,
];

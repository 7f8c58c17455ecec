//! Describes a machine and starts it.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    build,
    card::Card,
    error::Result,
    monitor::Monitor,
    scratch::Scratch,
    session::{Session, file_name},
    slots::Slot,
};

/// What the machine starts first.
#[derive(Clone, Debug)]
pub enum FirstStage {
    /// Debian's U-Boot from the machine's flash; it looks for `boot.scr` on the card.
    UBoot,
    /// QEMU enters this image itself, by Linux's boot protocol.
    Kernel {
        /// The image, in zImage format.
        image: PathBuf,
        /// The command line, `/chosen/bootargs`.
        append: Option<String>,
        /// An initrd.
        initrd: Option<PathBuf>,
        /// A device tree in the place of QEMU's own.
        dtb: Option<PathBuf>,
    },
}

/// A machine of QEMU's `virt` board, not started yet.
#[derive(Debug)]
pub struct Machine {
    name: String,
    virtualization: bool,
    secure: bool,
    cpu: String,
    cpus: u32,
    memory_mib: u32,
    first_stage: FirstStage,
    card: Option<Card>,
    icount: bool,
    arguments: Vec<OsString>,
}

impl Machine {
    /// Describes a `virt` board with virtualization extensions, 2 Cortex-A15, 512 MiB, U-Boot
    /// and no card. The name is that of the transcript: see [`crate::here`].
    pub fn virt(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            virtualization: true,
            secure: false,
            cpu: "cortex-a15".to_owned(),
            cpus: 2,
            memory_mib: 512,
            first_stage: FirstStage::UBoot,
            card: None,
            icount: false,
            arguments: Vec::new(),
        }
    }

    /// Takes the virtualization extensions away: the first stage starts in SVC.
    pub fn without_virtualization(mut self) -> Self {
        self.virtualization = false;
        self
    }

    /// Adds the security extensions: the first stage starts in secure SVC, on one processor.
    /// QEMU offers no PSCI then and starts all of them at the reset vector, where U-Boot, which
    /// parks none, mostly faults.
    pub fn secure(mut self) -> Self {
        self.secure = true;
        self.cpus = 1;
        self
    }

    /// Chooses the processor, `cortex-a7`.
    pub fn cpu(mut self, model: &str) -> Self {
        self.cpu = model.to_owned();
        self
    }

    /// Chooses the number of processors.
    pub fn cpus(mut self, cpus: u32) -> Self {
        self.cpus = cpus;
        self
    }

    /// Chooses the memory's size in MiB.
    pub fn memory(mut self, mib: u32) -> Self {
        self.memory_mib = mib;
        self
    }

    /// Inserts a card: virtio disk 0.
    pub fn card(mut self, card: Card) -> Self {
        self.card = Some(card);
        self
    }

    /// Has QEMU enter this image itself.
    pub fn kernel(mut self, image: &Path) -> Self {
        self.first_stage = FirstStage::Kernel {
            image: image.to_owned(),
            append: None,
            initrd: None,
            dtb: None,
        };
        self
    }

    /// Chooses the first stage.
    pub fn first_stage(mut self, first_stage: FirstStage) -> Self {
        self.first_stage = first_stage;
        self
    }

    /// Gives the command line, where QEMU enters the image itself; without effect elsewhere.
    pub fn append(mut self, line: &str) -> Self {
        if let FirstStage::Kernel { append, .. } = &mut self.first_stage {
            *append = Some(line.to_owned());
        }
        self
    }

    /// Makes one instruction one virtual nanosecond, and sleeping free; runs one CPU at a time.
    pub fn counted(mut self) -> Self {
        self.icount = true;
        self
    }

    /// Adds an argument of QEMU's.
    pub fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Starts the machine, when there is a free place for it.
    ///
    /// # Errors
    /// The first stage has not been built, or QEMU is not installed.
    pub fn start(self) -> Result<Session> {
        let slot = Slot::take()?;
        let scratch = Scratch::new()?;
        let socket = scratch.file("qmp");
        let command = self.command(&socket)?;
        let mut session = Session::start(&self.name, command)?;
        session.monitor = Some(Monitor::at(socket));
        session.belongings.push(Box::new(scratch));
        session.belongings.push(Box::new(self.card));
        session.belongings.push(Box::new(slot));
        Ok(session)
    }

    /// Returns QEMU's command line.
    fn command(&self, socket: &Path) -> Result<Command> {
        let mut command = Command::new("qemu-system-arm");
        let on = |flag: bool| if flag { "on" } else { "off" };
        command
            // Shows up in the host's list of processes.
            .args(["-name", &file_name(&self.name)])
            .arg("-machine")
            .arg(format!(
                "virt,virtualization={},secure={}",
                on(self.virtualization),
                on(self.secure)
            ))
            .args(["-cpu", &self.cpu])
            .args(["-smp", &self.cpus.to_string()])
            .args(["-m", &format!("{}M", self.memory_mib)])
            // No network, no default devices' ROMs: they come in a package of their own.
            .args(["-nodefaults", "-nic", "none", "-display", "none"])
            // Ctrl-C is a byte for the guest, not a signal for QEMU.
            .args(["-chardev", "stdio,id=console,signal=off"])
            .args(["-serial", "chardev:console", "-monitor", "none"])
            .arg("-qmp")
            .arg(format!("unix:{},server=on,wait=off", socket.display()));
        if let Some(card) = &self.card {
            command
                .args(["-drive", &card.drive()])
                .args(["-device", "virtio-blk-device,drive=card"]);
        }
        if self.icount {
            command.args(["-icount", "shift=0,sleep=off"]);
        }
        match &self.first_stage {
            FirstStage::UBoot => {
                command
                    .arg("-bios")
                    .arg(build::file("firmware/u-boot.bin")?);
            }
            FirstStage::Kernel {
                image,
                append,
                initrd,
                dtb,
            } => {
                command.arg("-kernel").arg(image);
                if let Some(append) = append {
                    command.arg("-append").arg(append);
                }
                if let Some(initrd) = initrd {
                    command.arg("-initrd").arg(initrd);
                }
                if let Some(dtb) = dtb {
                    command.arg("-dtb").arg(dtb);
                }
            }
        }
        command.args(&self.arguments);
        Ok(command)
    }
}

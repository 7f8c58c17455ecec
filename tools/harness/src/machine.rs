//! Describes a machine and starts it.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    arrival::Watcher,
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

/// Which of QEMU's machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Board {
    /// `virt`: the card is a virtio disk.
    Virt,
    /// `orangepi-pc`: the chip's own processors, at most 1 GiB, the card in its slot.
    OrangePiPc,
    /// `vexpress-a15`: at most 2 processors, the card in its slot.
    VexpressA15,
    /// One of QEMU's by its name: the chip's own processors, the card in its slot, entered directly.
    Direct(&'static str),
}

/// A machine of QEMU's, not started yet.
#[derive(Debug)]
pub struct Machine {
    name: String,
    board: Board,
    virtualization: bool,
    secure: bool,
    cpu: String,
    cpus: u32,
    memory_mib: u32,
    first_stage: FirstStage,
    card: Option<Card>,
    card_on_virtio: bool,
    uboot_go: bool,
    console: &'static str,
    emulator: PathBuf,
    arguments: Vec<OsString>,
}

impl Machine {
    /// Describes a `virt` board with virtualization extensions, 2 Cortex-A15, 512 MiB, U-Boot
    /// and no card. The name is that of the transcript: see [`crate::here`].
    pub fn virt(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            board: Board::Virt,
            virtualization: true,
            secure: false,
            cpu: "cortex-a15".to_owned(),
            cpus: 2,
            memory_mib: 512,
            first_stage: FirstStage::UBoot,
            card: None,
            card_on_virtio: false,
            uboot_go: false,
            // Ctrl-C is a byte for the guest, not a signal for QEMU.
            console: "stdio,id=console,signal=off",
            emulator: PathBuf::from(HOSTS),
            arguments: Vec::new(),
        }
    }

    /// Describes an Orange Pi PC: 4 Cortex-A7, 1 GiB, and no card, without which nothing starts.
    pub fn orangepi_pc(name: &str) -> Self {
        Self {
            board: Board::OrangePiPc,
            cpus: 4,
            memory_mib: 1024,
            ..Self::virt(name)
        }
    }

    /// Describes an Orange Pi PC on which QEMU enters Baton with the board's tree of Debian's: no
    /// first stage, and no card needed.
    ///
    /// # Errors
    /// The tree or Baton has not been built.
    pub fn orangepi_pc_direct(name: &str) -> Result<Self> {
        let dtb = build::file("kernel/dtbs/sun8i-h3-orangepi-pc.dtb")?;
        Ok(Self::orangepi_pc(name).first_stage(FirstStage::Kernel {
            image: build::file("baton.zimg")?,
            append: None,
            initrd: None,
            dtb: Some(dtb),
        }))
    }

    /// Describes a Versatile Express with two Cortex-A15 and 1 GiB, on which QEMU enters Baton with
    /// the board's tree of Debian's. Give its card and command line.
    ///
    /// # Errors
    /// The tree or Baton has not been built.
    pub fn vexpress_a15(name: &str) -> Result<Self> {
        let tree = "kernel/dtbs/vexpress-v2p-ca15-tc1.dtb";
        Self::entered(name, Board::VexpressA15, tree)
    }

    /// Describes a Raspberry Pi 2 with four Cortex-A7 and 1 GiB, on which QEMU enters Baton with
    /// the board's tree of Debian's; our stub stands for the firmware's, and takes all processors
    /// to HYP before. Give its card and command line.
    ///
    /// # Errors
    /// The tree, the stub or Baton has not been built.
    pub fn raspi2b(name: &str) -> Result<Self> {
        let machine = Self::raspi2b_without_stub(name)?;
        let mut stub = OsString::from("loader,cpu-num=0,file=");
        stub.push(build::file("payloads/armstub.elf")?);
        let others = (1..machine.cpus).map(|cpu| format!("loader,addr=0x800,cpu-num={cpu}"));
        let loaders = std::iter::once(stub).chain(others.map(OsString::from));
        Ok(loaders.fold(machine, |machine, loader| {
            machine.argument("-device").argument(loader)
        }))
    }

    /// The same with QEMU's own start alone.
    ///
    /// # Errors
    /// As [`Machine::raspi2b`].
    pub fn raspi2b_without_stub(name: &str) -> Result<Self> {
        let tree = "kernel/dtbs/bcm2836-rpi-2-b.dtb";
        Ok(Self::entered(name, Board::Direct("raspi2b"), tree)?.cpus(4))
    }

    /// Describes an i.MX 7Dual SABRE board with two Cortex-A7 and 1 GiB, on which QEMU enters Baton
    /// with the board's tree of Debian's. Give its card and command line.
    ///
    /// # Errors
    /// The tree or Baton has not been built.
    pub fn imx7d_sdb(name: &str) -> Result<Self> {
        let board = Board::Direct("mcimx7d-sabre");
        Self::entered(name, board, "kernel/dtbs/imx7d-sdb.dtb")
    }

    /// A board that QEMU enters Baton on, with a tree of the build folder.
    fn entered(name: &str, board: Board, tree: &str) -> Result<Self> {
        let tree = build::file(tree)?;
        let machine = Self {
            board,
            memory_mib: 1024,
            ..Self::virt(name)
        };
        Ok(machine.kernel(&build::file("baton.zimg")?).dtb(&tree))
    }

    /// Describes a Versatile Express with one Cortex-A9, which has neither HYP nor generic timer nor
    /// long descriptors, and 512 MiB; QEMU enters Baton with Debian's tree.
    ///
    /// # Errors
    /// The tree or Baton has not been built.
    pub fn vexpress_a9(name: &str) -> Result<Self> {
        let tree = "kernel/dtbs/vexpress-v2p-ca9.dtb";
        let machine = Self::entered(name, Board::Direct("vexpress-a9"), tree)?;
        Ok(machine.cpus(1).memory(512))
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

    /// Has one processor where the board lets one choose: the Orange Pi's chip has its four, of which
    /// three are off until a kernel starts them.
    pub(crate) fn one_cpu(mut self) -> Self {
        if self.board != Board::OrangePiPc {
            self.cpus = 1;
        }
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

    /// Inserts a card as a virtio disk where the board has a slot of its own: Debian's test system
    /// has no driver for every slot. (The Versatile Express has virtio transports in QEMU.)
    pub fn virtio_card(mut self, card: Card) -> Self {
        self.card_on_virtio = true;
        self.card(card)
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

    /// Gives another tree, where QEMU enters the image itself; without effect elsewhere.
    pub fn dtb(mut self, tree: &Path) -> Self {
        if let FirstStage::Kernel { dtb, .. } = &mut self.first_stage {
            *dtb = Some(tree.to_owned());
        }
        self
    }

    /// Takes a U-Boot whose `go` works, in the place of the host's Debian's. U-Boot 2023.01 waits
    /// before it jumps until the UART can *not* take a character (`pl01x_serial_pending` answers
    /// "not full" where "not empty" is asked), which on QEMU's PL011, never full, is for ever.
    pub fn with_working_go(mut self) -> Self {
        self.uboot_go = true;
        self
    }

    /// Gives the console a pseudo terminal of its own, for other programs than the harness to
    /// open. The session then hears QEMU say which: `redirected to PATH (label console)`.
    pub fn with_pty(mut self) -> Self {
        self.console = "pty,id=console";
        self
    }

    /// Runs on another QEMU than the host's.
    pub(crate) fn emulator(mut self, path: &Path) -> Self {
        path.clone_into(&mut self.emulator);
        self
    }

    /// Runs on the newer QEMU that is built for the cache checker: it has devices that Debian 12's
    /// has not.
    ///
    /// # Errors
    /// It has not been fetched.
    pub fn on_newer_qemu(self) -> Result<Self> {
        let qemu = build::file(NEWER_QEMU)?;
        Ok(self.emulator(&qemu))
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn memory_size_mib(&self) -> u32 {
        self.memory_mib
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
        self.start_with(slot, scratch, &[])
    }

    /// Starts the machine stopped, with one processor, counting instructions, and returns its gdb
    /// stub's socket.
    pub(crate) fn start_for_counting(mut self) -> Result<(Session, PathBuf)> {
        self.cpus = 1;
        let slot = Slot::take()?;
        let scratch = Scratch::new()?;
        let socket = scratch.file("gdb");
        let stub = format!("unix:{},server=on,wait=off", socket.display());
        let counting = ["-icount", "shift=0,sleep=off", "-S", "-gdb", &stub];
        let session = self.start_with(slot, scratch, &counting)?;
        Ok((session, socket))
    }

    /// Starts the machine with one processor, so that an image's arrival can be watched.
    ///
    /// # Errors
    /// As [`Machine::start`].
    pub fn start_watched(mut self) -> Result<(Session, Watcher)> {
        self.cpus = 1;
        let slot = Slot::take()?;
        let scratch = Scratch::new()?;
        let socket = scratch.file("gdb");
        let stub = format!("unix:{},server=on,wait=off", socket.display());
        let session = self.start_with(slot, scratch, &["-gdb", &stub])?;
        Ok((session, Watcher { socket }))
    }

    fn start_with(self, slot: Slot, scratch: Scratch, more: &[&str]) -> Result<Session> {
        let socket = scratch.file("qmp");
        let mut command = self.command()?;
        command
            .arg("-qmp")
            .arg(format!("unix:{},server=on,wait=off", socket.display()))
            .args(more);
        let mut session = Session::start(&self.name, command)?;
        session.monitor = Some(Monitor::at(socket));
        session.belongings.push(Box::new(scratch));
        session.belongings.push(Box::new(self.card));
        session.belongings.push(Box::new(slot));
        Ok(session)
    }

    /// Returns QEMU's command line.
    fn command(&self) -> Result<Command> {
        let mut command = Command::new(&self.emulator);
        let on = |flag: bool| if flag { "on" } else { "off" };
        command
            // Shows up in the host's list of processes.
            .args(["-name", &file_name(&self.name)])
            .args(["-smp", &self.cpus.to_string()])
            .args(["-m", &format!("{}M", self.memory_mib)])
            // No network, no default devices' ROMs: they come in a package of their own.
            .args(["-nodefaults", "-nic", "none", "-display", "none"])
            .args(["-chardev", self.console])
            .args(["-serial", "chardev:console", "-monitor", "none"]);
        match self.board {
            Board::Virt => {
                command
                    .args(["-cpu", &self.cpu])
                    .arg("-machine")
                    .arg(format!(
                        "virt,virtualization={},secure={}",
                        on(self.virtualization),
                        on(self.secure)
                    ));
                self.first_stage_arguments(&mut command)?;
            }
            Board::Direct(machine) => {
                // Some have a sound chip, and not every host a sound card.
                command
                    .args(["-machine", machine])
                    .args(["-audiodev", "none,id=silence"]);
                self.first_stage_arguments(&mut command)?;
            }
            Board::OrangePiPc => {
                command.args(["-machine", "orangepi-pc"]);
                // Its boot ROM is QEMU's own.
                if let FirstStage::Kernel { .. } = self.first_stage {
                    self.first_stage_arguments(&mut command)?;
                }
            }
            Board::VexpressA15 => {
                command
                    .arg("-machine")
                    .arg(format!(
                        "vexpress-a15,virtualization={},secure={}",
                        on(self.virtualization),
                        on(self.secure)
                    ))
                    // The board has a sound chip, and not every host a sound card.
                    .args(["-audiodev", "none,id=silence"]);
                if self.emulator != Path::new(HOSTS) {
                    // QEMU 10 wants to be told whose it is; 7.2 has no such property.
                    command.args(["-machine", "audiodev=silence"]);
                }
                self.first_stage_arguments(&mut command)?;
            }
        }
        let card = self.card.as_ref().map(Card::drive);
        if self.board != Board::Virt && !self.card_on_virtio {
            // Without a card there is a slot all the same.
            let card = card.map_or(String::new(), |drive| format!(",{drive}"));
            command.args(["-drive", &format!("if=sd,id=card{card}")]);
        } else if let Some(card) = card {
            command
                .args(["-drive", &format!("if=none,id=card,{card}")])
                .args(["-device", "virtio-blk-device,drive=card"]);
        }
        command.args(&self.arguments);
        Ok(command)
    }

    fn first_stage_arguments(&self, command: &mut Command) -> Result<()> {
        match &self.first_stage {
            FirstStage::UBoot => {
                let uboot = if self.uboot_go { UBOOT_GO } else { UBOOT };
                command.arg("-bios").arg(build::file(uboot)?);
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
        Ok(())
    }
}

/// The host's QEMU.
const HOSTS: &str = "qemu-system-arm";
/// U-Boot in the build folder.
const UBOOT: &str = "firmware/u-boot.bin";
/// A later U-Boot, whose `go` works.
const UBOOT_GO: &str = "firmware/u-boot-go.bin";
/// See [`Machine::on_newer_qemu`].
const NEWER_QEMU: &str = "qemu10/qemu-system-arm";

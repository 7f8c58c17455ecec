//! `tools/linux/baton-kexec` on the host, with folders in the place of Linux's and programs that only
//! say how they were called: what it does when the last step goes wrong, or is systemd's. What it
//! does in a real Debian is in `tests/baton_kexec.rs`.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::scratch::Scratch;

/// What the script looks at that is Linux's.
const PLACES: [&str; 5] = ["/sys/", "/proc/", "/run/", "/boot", "/dev/"];

/// A system with three CPUs, of which the first stays, and a Baton in `/boot`.
struct Linux {
    scratch: Scratch,
}

impl Linux {
    fn new() -> Self {
        let linux = Self {
            scratch: Scratch::new().unwrap(),
        };
        let mut image = vec![0; 0x100];
        image[0x24..0x28].copy_from_slice(&0x016f_2818_u32.to_le_bytes());
        image[0x2c..0x30].copy_from_slice(&0x100_u32.to_le_bytes());
        image[0x60..0x64].copy_from_slice(b"BTON");
        linux.write("boot/baton.zimg", &image);
        linux.write("sys/kernel/kexec_loaded", b"0\n");
        linux.write("sys/firmware/fdt", b"");
        linux.write("sys/devices/system/cpu/online", b"0-2\n");
        for cpu in 1..3 {
            linux.write(&switch(cpu), b"1\n");
        }
        linux.write("proc/cmdline", b"console=ttyAMA0\n");
        linux.write("proc/sys/kernel/kexec_load_disabled", b"0\n");
        // Programs: each says its name and its words, with what the CPUs are at that moment.
        for (name, more) in [
            ("kexec", ""),
            ("systemctl", ""),
            ("sync", ""),
            ("id", "echo 0"),
        ] {
            linux.program(name, more);
        }
        linux.program("dmesg", "echo 'CPU: All CPU(s) started in HYP mode.'");
        linux
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.file(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn program(&self, name: &str, more: &str) {
        let (log, cpus) = (self.path("log"), self.path("sys/devices/system/cpu"));
        let script = format!(
            "#!/bin/sh\necho \"{name} $* cpus $(cat {0}/cpu1/online {0}/cpu2/online 2>/dev/null | tr -d '\\n')\" \
             >>{1}\n{more}\n",
            cpus.display(),
            log.display()
        );
        self.write(&format!("bin/{name}"), script.as_bytes());
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.path(&format!("bin/{name}")), mode).unwrap();
    }

    /// Runs the script, and returns its status, what it said, and which of our programs it ran.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
        let script = root.unwrap().join("tools/linux/baton-kexec");
        let mut text = fs::read_to_string(script).unwrap();
        for place in PLACES {
            // But what is thrown away.
            let here = format!(
                "{}{place}",
                self.path("").display().to_string().trim_end_matches('/')
            );
            text = text.replace(place, &here);
        }
        let thrown_away = format!("{}null", self.path("dev/").display());
        let text = text.replace(&thrown_away, "/dev/null");
        self.write("baton-kexec", text.as_bytes());
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("sh")
            .arg(self.path("baton-kexec"))
            .args(arguments)
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .output()
            .unwrap();
        let mut said = String::from_utf8(output.stdout).unwrap();
        said += &String::from_utf8(output.stderr).unwrap();
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let log = log
            .lines()
            .filter(|line| !line.starts_with("id ") && !line.starts_with("dmesg "));
        let log = log.map(|line| format!("{line}\n")).collect();
        (output.status.code().unwrap_or(-1), said, log)
    }

    fn switched(&self, cpu: u32) -> String {
        fs::read_to_string(self.path(&switch(cpu))).unwrap()
    }

    fn loaded(&self, cpus: &str) -> String {
        format!(
            "kexec -l {} --command-line=console=ttyAMA0 cpus {cpus}\n",
            self.path("boot/baton.zimg").display()
        )
    }
}

fn switch(cpu: u32) -> String {
    format!("sys/devices/system/cpu/cpu{cpu}/online")
}

/// The CPUs that went off before it come on again, and nothing is started.
#[test]
fn a_cpu_that_does_not_go_offline_stops_it() {
    let linux = Linux::new();
    // What cannot be written to.
    fs::remove_file(linux.path(&switch(2))).unwrap();
    fs::create_dir(linux.path(&switch(2))).unwrap();
    let (status, said, log) = linux.run(&["--go"]);
    assert_eq!(status, 5, "{said}");
    let wanted =
        "baton-kexec: CPU 2 does not go offline; all of them run, and Baton stays loaded\n";
    assert!(said.ends_with(wanted), "{said}");
    assert_eq!(linux.switched(1), "1\n");
    assert_eq!(log, format!("{}sync  cpus 1\n", linux.loaded("1")));
}

/// `kexec -e` runs with all others off. If it comes back, they are on again.
#[test]
fn a_kexec_that_comes_back_is_told() {
    let linux = Linux::new();
    let (status, said, log) = linux.run(&["--go"]);
    assert_eq!(status, 1, "{said}");
    assert!(
        said.ends_with("baton-kexec: kexec -e came back; Linux goes on\n"),
        "{said}"
    );
    let wanted = format!("{}sync  cpus 11\nkexec -e cpus 00\n", linux.loaded("11"));
    assert_eq!(log, wanted);
    assert_eq!(
        (linux.switched(1), linux.switched(2)),
        ("1\n".to_owned(), "1\n".to_owned())
    );
}

/// Where systemd runs it is asked, and told about CPUs by nobody: the kernel stops them.
#[test]
fn systemd_is_asked_where_it_runs() {
    let linux = Linux::new();
    fs::create_dir_all(linux.path("run/systemd/system")).unwrap();
    let (status, said, log) = linux.run(&["--go"]);
    assert_eq!((status, said.as_str()), (0, ""));
    let wanted = format!(
        "{}sync  cpus 11\nsystemctl kexec cpus 11\n",
        linux.loaded("11")
    );
    assert_eq!(log, wanted);
    // Its refusal is ours.
    linux.program("systemctl", "exit 3");
    assert_eq!(linux.run(&["--go"]).0, 3);
    // Only said.
    fs::remove_file(linux.path("log")).unwrap();
    let (status, said, log) = linux.run(&["--go", "--dry-run"]);
    assert!(
        status == 0 && said.ends_with("would run: systemctl kexec\n"),
        "{said}"
    );
    assert_eq!(log, "sync  cpus 11\n");
    // And not where one says so.
    let (status, _, log) = linux.run(&["--go", "--now"]);
    assert_eq!(status, 1);
    assert!(log.ends_with("kexec -e cpus 00\n"), "{log}");
}

#[test]
fn a_kexec_that_cannot_load_is_the_last() {
    let linux = Linux::new();
    linux.program("kexec", "exit 1");
    let (status, said, log) = linux.run(&["--go"]);
    assert_eq!(status, 1);
    assert!(said.contains("kexec could not load "), "{said}");
    assert_eq!(log, linux.loaded("11"));
}

//! Scripts as people have them: on the card, in images, in variables.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "these are tests, outside of `#[test]` though"
)]

use baton_core::machine::Disk;
use hadris_fat::{FatKind, FatOptions, embedded, sync::format};
use hadris_fs::OpenOptions;
use platform_fake::{FakeConsole, FakeDisk, Step};

use crate::bench::{Bench, RAM};

/// Makes a FAT volume, without a partition table.
fn card(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut image = vec![0; 256 << 10];
    let options = FatOptions::new()
        .with_kind(FatKind::Fat12)
        .with_cluster_size(512);
    format(&mut image, &options).unwrap();
    let mut token = embedded::MountToken::new();
    let mut fat: embedded::sync::Fat<'_, _> =
        embedded::sync::Fat::mount(&mut image, &mut token).unwrap();
    let root = fat.root();
    fat.create_dir(root, "boot").unwrap();
    for (name, content) in files {
        let options = OpenOptions::new().write().create_new();
        let file = fat.open(root, name, options).unwrap();
        let mut rest = *content;
        while !rest.is_empty() {
            let written = fat.write(&file, rest).unwrap();
            rest = &rest[written..];
        }
        fat.close(file).unwrap();
    }
    fat.unmount().unwrap();
    image
}

/// Types lines at a machine with these cards, the first of which is the boot volume.
fn on_cards(cards: &[&[u8]], lines: &str) -> String {
    let mut bench = Bench::new(FakeConsole::default());
    for line in lines.lines() {
        bench.console.then(Step::Await(b"=> ".to_vec()));
        bench.console.type_bytes(format!("{line}\r"));
    }
    let shown = bench.play(|cx| {
        for (index, card) in (0..).zip(cards) {
            cx.machine.disks.push(Disk {
                interface: "virtio",
                index,
                path: "/virtio".into(),
                device: Box::new(FakeDisk::new(card.to_vec())),
            });
        }
        cx.env.set("devtype", "virtio");
        cx.env.set("devnum", "0");
    });
    // Without the lines typed, and the times of loads.
    let shown = shown.replace("\r\n", "\n");
    let output = shown.lines().filter(|line| {
        let load = line.contains(" bytes read in ");
        !load && !line.starts_with("=> ")
    });
    output.map(|line| line.to_owned() + "\n").collect()
}

/// Wraps scripts as `mkimage -T script` does; image::script's tests compare with mkimage.
fn wrap(scripts: &[&str]) -> Vec<u8> {
    let mut data = Vec::new();
    for script in scripts {
        data.extend(u32::try_from(script.len()).unwrap().to_be_bytes());
    }
    data.extend([0; 4]);
    for script in scripts {
        data.extend_from_slice(script.as_bytes());
        data.resize(data.len().next_multiple_of(4), 0);
    }
    let mut image = vec![0; 64];
    image[..4].copy_from_slice(&0x2705_1956_u32.to_be_bytes());
    image[12..16].copy_from_slice(&u32::try_from(data.len()).unwrap().to_be_bytes());
    image[24..28].copy_from_slice(&crc32fast::hash(&data).to_be_bytes());
    image[30] = 6;
    let sum = crc32fast::hash(&image);
    image[4..8].copy_from_slice(&sum.to_be_bytes());
    image.extend(data);
    image
}

#[test]
fn source_runs_files_and_memory() {
    let text =
        "# a comment\r\necho text $name\r\nfor i in 1 2\r\ndo echo $i\r\ndone\r\nexit 3\necho no\n";
    let card = card(&[
        ("boot.txt", text.as_bytes()),
        ("boot.scr", &wrap(&["echo one", "echo two; false"])),
        (
            "nested.txt",
            b"echo outer; source boot.txt; echo $?; source nosuch || echo none",
        ),
        ("empty.txt", b""),
    ]);
    let shown = on_cards(
        &[&card],
        "name=x\nsource boot.txt; echo $?\nsource boot.scr && source boot.scr:0; source boot.scr:1; echo $?\n\
         source nested.txt; echo $?\nsource empty.txt; echo $?\n\
         load virtio 0 40000000 boot.scr; source 40000000; source 0x40000000:1; source\n\
         load virtio 0 40100000 boot.txt; source ${fileaddr}",
    );
    assert_eq!(
        shown,
        "text x\n1\n2\n3\n\
         one\none\ntwo\n1\n\
         outer\ntext x\n1\n2\n3\nno such file or directory: nosuch - try 'ls'\n  at nested.txt, line 1\nnone\n0\n\
         0\n\
         ## Executing script at 40000000\none\n## Executing script at 40000000\ntwo\n## Executing script at 40000000\none\n\
         ## Executing script at 40100000\ntext x\n1\n2\n"
    );
}

#[test]
fn source_refuses_with_reasons() {
    let good = wrap(&["echo one"]);
    let changed = |at: usize| {
        let mut image = good.clone();
        image[at] ^= 1;
        image
    };
    let big = "#".repeat(0x1_0001);
    let card = card(&[
        ("header.scr", &changed(9)),
        ("data.scr", &changed(75)),
        ("cut.scr", &good[..70]),
        ("none.scr", &wrap(&[])),
        ("binary", b"\x7fELF\0\0"),
        ("fit.itb", &[0xd0, 0x0d, 0xfe, 0xed, 0, 0]),
        ("big.txt", big.as_bytes()),
        ("good.scr", &good),
    ]);
    let shown = on_cards(
        &[&card],
        "source header.scr; source data.scr; source cut.scr; source none.scr; source binary\n\
         source big.txt; source good.scr:7; source good.scr:x; source boot\n\
         setenv verify n; source data.scr; setenv verify; source data.scr\n\
         source 40000000; source 90000000\nsource; echo $?",
    );
    assert_eq!(
        shown,
        "Bad header crc\nBad data crc\nthe image is cut off: 0x46 of 0x50 bytes\nEmpty Script\n\
         Wrong image format for \"source\" command\n\
         the script has 65537 bytes, more than 65536\nno script 7 in the image\n\"x\" is not a hexadecimal number\nboot is a directory - try 'ls'\n\
         Unknown command 'echn' - try 'help'\n  at data.scr, line 1\nBad data crc\n\
         ## Executing script at 40000000\nWrong image format for \"source\" command\n\
         ## Executing script at 90000000\n[0x90000000-0x9000003f] is not in RAM\n\
         name a file or an address: nothing has been loaded\n1\n"
    );
}

#[test]
fn errors_in_a_script_name_it_and_the_line() {
    let card = card(&[
        (
            "a.txt",
            b"echo a\n\nnosuch\nif true; then\n  setenv a=b c\nfi\nsource b.txt\nrun x\nsleep\n",
        ),
        ("b.txt", b"echo b\nif true; then\necho c\n"),
        ("bad.txt", b"echo a\necho 'b\n"),
    ]);
    let shown = on_cards(
        &[&card],
        "setenv x 'true; nosuch'\nsource a.txt\nsource bad.txt; nosuch",
    );
    let (before, usage) = shown.split_once("sleep - delay").unwrap();
    assert_eq!(
        before,
        "a\nUnknown command 'nosuch' - try 'help'\n  at a.txt, line 3\n\
         ## Error: illegal character '='in variable name \"a=b\"\n  at a.txt, line 5\n\
         b.txt: syntax error at line 4, column 1: expected 'elif', 'else' or 'fi' for the 'if' at line 2, column 1, found the end\n  at a.txt, line 7\n\
         Unknown command 'nosuch' - try 'help'\n  at a.txt, line 8\n"
    );
    assert!(
        usage.ends_with(
            "\n  at a.txt, line 9\nbad.txt: syntax error at line 2, column 6: ' without a closing '\nUnknown command 'nosuch' - try 'help'\n"
        ),
        "{usage}"
    );
}

/// Variables and a script in the manner of U-Boot's distribution boot, written for this test.
const TARGETS: &str = "\
setenv boot_targets 'virtio0 usb0 virtio1'
setenv scriptaddr 40080000
setenv boot_prefixes '/ /boot/'
setenv boot_scripts 'boot.scr.uimg boot.scr'
setenv boot_a_script 'load ${devtype} ${devnum}:${distro_bootpart} ${scriptaddr} ${prefix}${script}; source ${scriptaddr}'
setenv scan_for_scripts 'for script in ${boot_scripts}; do if test -e ${devtype} ${devnum}:${distro_bootpart} ${prefix}${script}; then echo Found U-Boot script ${prefix}${script}; run boot_a_script; echo SCRIPT FAILED: continuing...; fi; done'
setenv scan_dev 'echo Scanning ${devtype} ${devnum}:${distro_bootpart}...; for prefix in ${boot_prefixes}; do run scan_for_scripts; done'
setenv virtio_boot 'setenv devtype virtio; setenv distro_bootpart 0; run scan_dev'
setenv bootcmd_virtio0 'setenv devnum 0; run virtio_boot'
setenv bootcmd_virtio1 'setenv devnum 1; run virtio_boot'
setenv bootcmd_usb0 'if test -n \"${usb_there}\"; then echo usb; else echo no usb; false; fi'
setenv distro_bootcmd 'for target in ${boot_targets}; do run bootcmd_${target} || echo ${target} did not boot; done'
run distro_bootcmd";

const BOOT_SCRIPT: &str = r#"# written for this test, in the manner of boards' boot.scr
if test "${devtype}" = "virtio" -a ! "${devnum}" = 9; then
	setenv rootdev "/dev/vd${devnum}"
fi
setenv overlays 'uart1 i2c2'   # as on some boards
setexpr fdt_high_end ${scriptaddr} + 0x10000
setexpr board sub "^([a-z]+)[0-9]*-.*" "\\1" imx6-sabre
for overlay_file in ${overlays}; do
	if test -e ${devtype} ${devnum}:${distro_bootpart} ${prefix}${overlay_file}.dtbo; then
		echo "Applying ${overlay_file}.dtbo"
	else
		echo "no ${overlay_file}" ; setenv overlay_error \
'true'
	fi
done
if test "${overlay_error}" = "true" ; then
	echo "Error applying DT overlays, restoring original DT"
fi
setenv bootargs "console=${console:-ttyAMA0,115200} root=${rootdev} ${extra}ro quiet"
itest ${fdt_high_end} -gt 0x40000000 && echo end ${fdt_high_end} of ${board}
while test "${tries}" != xx; do
	tries=x${tries}
done
echo bootargs: "${bootargs}" after ${tries}
if load ${devtype} ${devnum}:${distro_bootpart} 40100000 ${prefix}zImage; then echo would boot ${filesize}; fi
exit 1
"#;

#[test]
fn a_boot_in_the_manner_of_distributions() {
    let empty = card(&[]);
    let full = card(&[
        ("boot.scr", &wrap(&[BOOT_SCRIPT])),
        ("i2c2.dtbo", b""),
        ("zImage", &[0; 600]),
    ]);
    let shown = on_cards(&[&empty, &full], TARGETS);
    let expected = "Scanning virtio 0:0...
virtio0 did not boot
no usb
usb0 did not boot
Scanning virtio 1:0...
Found U-Boot script /boot.scr
## Executing script at 40080000
no uart1
Applying i2c2.dtbo
Error applying DT overlays, restoring original DT
end 40090000 of imx
bootargs: console=ttyAMA0,115200 root=/dev/vd1 ro quiet after xx
would boot 258
SCRIPT FAILED: continuing...
virtio1 did not boot
";
    assert_eq!(shown, expected);
}

#[test]
fn a_script_may_load_over_itself() {
    let script = format!("load virtio 0 {RAM:x} other.scr\necho still here\n");
    let card = card(&[
        ("boot.scr", &wrap(&[&script])),
        ("other.scr", &wrap(&["echo other"])),
    ]);
    let shown = on_cards(
        &[&card],
        &format!("load virtio 0 {RAM:x} boot.scr; source {RAM:x}; source {RAM:x}"),
    );
    assert!(
        shown.ends_with("still here\n## Executing script at 40000000\nother\n"),
        "{shown}"
    );
}

//! Images as `mkimage` makes them.

use alloc::{
    string::{String, ToString},
    vec,
    vec::Vec,
};

use platform_fake::FakeMemory;

use super::*;
use crate::{commands::hash::Algorithm, devicetree::testing::compile};

const AT: u64 = 0x4000_1000;

/// Puts bytes into memory and describes them.
fn described(bytes: &[u8]) -> (bool, String) {
    let mut memory = FakeMemory::new(0x4000_0000, 0x10_0000);
    memory.fill(AT, bytes);
    let mut out = String::new();
    let good = describe(&memory, AT, &mut out).unwrap();
    (good, out)
}

/// Makes a legacy image: kind 2 is a kernel.
fn legacy(kind: u8, data: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 64];
    let words = [
        (0, 0x2705_1956),
        (2, 1_577_934_245),
        (3, u32::try_from(data.len()).unwrap()),
        (4, 0x4020_8000),
        (5, 0x4020_8040),
        (6, crc32fast::hash(data)),
    ];
    for (index, word) in words {
        header[4 * index..][..4].copy_from_slice(&u32::to_be_bytes(word));
    }
    header[28..32].copy_from_slice(&[5, 2, kind, 0]);
    header[32..37].copy_from_slice(b"Linux");
    let crc = crc32fast::hash(&header);
    header[4..8].copy_from_slice(&crc.to_be_bytes());
    header.extend_from_slice(data);
    header
}

#[test]
fn a_kernel() {
    let image = legacy(2, &[7; 2000]);
    let (good, text) = described(&image);
    assert!(good);
    assert_eq!(
        text,
        "   Legacy image found\n   Image Name:   Linux\n   \
         Created:      2020-01-02   3:04:05 UTC\n   \
         Image Type:   ARM Linux Kernel Image (uncompressed)\n   \
         Data Size:    2000 Bytes = 2 KiB\n   Load Address: 40208000\n   \
         Entry Point:  40208040\n   Verifying Checksum ... OK\n"
    );
    let mut broken = image.clone();
    broken[100] = 8;
    let (good, text) = described(&broken);
    assert!(
        !good && text.ends_with("Verifying Checksum ...    Bad Data CRC\n"),
        "{text}"
    );
    broken[33] = b'?';
    assert_eq!(
        described(&broken),
        (
            false,
            "   Legacy image found\n   Bad Header Checksum\n".into()
        )
    );
    // Data that leave memory.
    let mut long = legacy(2, &[]);
    long[12..16].copy_from_slice(&0x7fff_0000_u32.to_be_bytes());
    long[4..8].fill(0);
    let crc = crc32fast::hash(&long);
    long[4..8].copy_from_slice(&crc.to_be_bytes());
    let mut memory = FakeMemory::new(0x4000_0000, 0x10_0000);
    memory.fill(AT, &long);
    let error = describe(&memory, AT, &mut String::new()).unwrap_err();
    assert!(error.to_string().ends_with("is not in RAM"));
}

#[test]
fn a_script() {
    let mut data = Vec::new();
    for word in [7_u32, 5, 0] {
        data.extend_from_slice(&word.to_be_bytes());
    }
    data.extend_from_slice(b"echo hi\0other");
    let (good, text) = described(&legacy(6, &data));
    assert!(good);
    let contents = "   Contents:\n      Image 0: 7 Bytes = 7 Bytes\n      \
         Image 1: 5 Bytes = 5 Bytes\n       Offset = 0x40001054\n   Verifying";
    assert!(text.contains(contents), "{text}");
    // Sizes beyond the data, and no end of them.
    for sizes in [[0xffff_ffff_u32, 0], [9, 9]] {
        let data: Vec<u8> = sizes.iter().flat_map(|size| size.to_be_bytes()).collect();
        let (good, text) = described(&legacy(6, &data));
        assert!(good && text.contains("Contents:\n   Verifying"), "{text}");
    }
}

fn fit(value: &str) -> Vec<u8> {
    compile(&alloc::format!(
        r#"/dts-v1/;
/ {{
    description = "A FIT";
    timestamp = <1577934245>;
    images {{
        kernel-1 {{
            description = "Linux";
            data = "kernel";
            type = "kernel";
            arch = "arm";
            os = "linux";
            compression = "none";
            load = <0x40208000>;
            entry = <0x40208040>;
            hash-1 {{ algo = "sha1"; value = [{value}]; }};
        }};
        fdt-1 {{ data = [00 01]; type = "flat_dt"; arch = "arm"; compression = "gzip"; }};
    }};
    configurations {{
        default = "conf-1";
        conf-1 {{ description = "Board"; kernel = "kernel-1"; fdt = "fdt-1", "fdt-2"; }};
    }};
}};"#
    ))
}

#[test]
fn a_fit() {
    let mut state = Algorithm::find("sha1").unwrap().start();
    state.update(b"kernel\0");
    let value = state.finish().to_string();
    let (good, text) = described(&fit(&value));
    assert!(good, "{text}");
    let start = text.find("Data Start:   0x400").unwrap();
    let address = &text[start + 14..start + 24];
    assert!(
        text.starts_with(&alloc::format!(
            "   FIT image found\n   FIT description: A FIT\n   \
         Created:         2020-01-02   3:04:05 UTC\n    Image 0 (kernel-1)\n     \
         Description:  Linux\n     Created:      2020-01-02   3:04:05 UTC\n     \
         Type:         Kernel Image\n     Compression:  uncompressed\n     \
         Data Start:   {address}\n     Data Size:    7 Bytes = 7 Bytes\n     \
         Architecture: ARM\n     OS:           Linux\n     Load Address: 0x40208000\n     \
         Entry Point:  0x40208040\n     Hash algo:    sha1\n     Hash value:   {value}\n    \
         Image 1 (fdt-1)\n     Description:  unavailable\n"
        )),
        "{text}"
    );
    assert!(text.ends_with(
        "    Default Configuration: 'conf-1'\n    Configuration 0 (conf-1)\n     \
         Description:  Board\n     Kernel:       kernel-1\n     FDT:          fdt-1\n                   \
         fdt-2\n## Checking hash(es) for FIT Image at 40001000 ...\n   \
         Hash(es) for Image 0 (kernel-1): sha1+ \n   Hash(es) for Image 1 (fdt-1): \n"
    ), "{text}");
    let (good, text) = described(&fit(&value.replace(&value[..2], "00")));
    assert!(!good);
    assert!(text.ends_with(
        "(kernel-1): sha1 error!\nBad hash value for 'hash-1' hash node in 'kernel-1' image node\n\
         Bad hash in FIT image!\n"
    ), "{text}");
}

#[test]
fn other_things() {
    assert_eq!(
        described(&[0; 64]),
        (false, "Unknown image format!\n".into())
    );
    let (good, text) = described(&compile("/dts-v1/; / { };"));
    assert!(
        !good && text.starts_with("   Flattened device tree found\n"),
        "{text}"
    );
    let mut broken = compile("/dts-v1/; / { };");
    let end = broken.len() - 4;
    broken[end - 4..].fill(0xff);
    assert_eq!(
        described(&broken),
        (false, "   FIT image found\nBad FIT image format!\n".into())
    );
    let zimage = crate::boot::testing::zimage(0x2000, 0x8000, 0x8000);
    assert_eq!(
        described(&zimage),
        (
            true,
            "   ARM zImage found\n   Image Size:   8192 Bytes = 8 KiB\n".into()
        )
    );
}

use super::*;

#[test]
fn tells_addresses_from_files() {
    let at = |address, size| Source::Address {
        at: PhysAddr::new(address),
        size,
    };
    for (text, expected) in [
        ("42000000", at(0x4200_0000, None)),
        ("0x42000000", at(0x4200_0000, None)),
        ("add", at(0xadd, None)),
        ("44000000:e3a20", at(0x4400_0000, Some(0xe_3a20))),
        ("zImage", Source::File("zImage")),
        ("./add", Source::File("./add")),
        ("0x", Source::File("0x")),
        ("", Source::File("")),
        ("dtbs/a:b", Source::File("dtbs/a:b")),
    ] {
        assert_eq!(Source::parse(text).unwrap(), expected, "{text}");
    }
    assert!(Source::parse("11112222333344445").is_err());
    assert!(Source::parse("42000000:size").is_err());
    assert!(Source::parse("42000000:").is_err());
}

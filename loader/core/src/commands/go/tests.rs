use alloc::vec;

use platform_api::PhysAddr;

use crate::boot::testing::{Board, command, range};

#[test]
fn calls_with_the_arguments_as_typed() {
    let mut board = Board::new(&[]);
    board
        .run(|cx| command(cx, "go 42000000 a b"))
        .unwrap()
        .unwrap();
    let call = &board.launcher.calls[0];
    assert_eq!(call.entry, PhysAddr::new(0x4200_0000));
    assert_eq!(call.arguments, vec!["42000000", "a", "b"]);
    assert_eq!(
        board.console.text(),
        "## Starting application at 0x42000000 ...\r\n\
         ## Application terminated, rc = 0x0\r\n"
    );
}

#[test]
fn a_result_is_a_status() {
    let mut board = Board::new(&[]);
    board.launcher.result = 0x2a;
    assert_eq!(board.refuses("go 42000001"), "status 1");
    assert_eq!(board.launcher.calls[0].entry, PhysAddr::new(0x4200_0001));
    assert!(board.console.text().contains("rc = 0x2A"));
}

#[test]
fn holes_and_others_memory_are_refused() {
    let mut board = Board::new(&[]);
    board.reserve(range(0x4500_0000, 0x1000), "tee");
    for (line, expected) in [
        (
            "go 30000000",
            "application at [0x30000000-0x30000003] is not in RAM",
        ),
        ("go 45000000", "reserved memory tee"),
        ("go 4ff00000", "image"),
        ("go 1234567890", "beyond this processor's addresses"),
        ("go ffffffffffffffff", "beyond this processor's addresses"),
        ("go here", "\"here\" is not a hexadecimal number"),
    ] {
        let refusal = board.refuses(line);
        assert!(refusal.contains(expected), "{line}: {refusal}");
    }
    assert!(board.launcher.calls.is_empty());
}

use alloc::vec;

use platform_fake::FakeInspect;

use crate::boot::testing::{Board, LOADER};

fn board(inspect: FakeInspect) -> Board {
    let mut board = Board::new(&[]);
    board.inspect = Some(inspect);
    board
}

#[test]
fn registers_now_and_at_entry() {
    let mut board = board(FakeInspect::default());
    assert_eq!(
        board.shows("hyp"),
        "HCR       00000000\nVTTBR     0000000040000000\n"
    );
    assert_eq!(
        board.shows("hyp entry"),
        "HCR       00000001 ! VM\nVTTBR     0000000040000000\n"
    );
    assert_eq!(board.refuses("hyp nosuch"), "wrong arguments");
}

#[test]
fn mappings_and_guards() {
    let inspect = FakeInspect {
        mappings: vec![
            (0x0900_0000, 0x1000, "rwd"),
            (0x4000_0000, 0x1000_0000 - (1 << 20), "rw"),
            (LOADER, 0x1000, "rx"),
            (LOADER + 0x1000, 0x1000, "r"),
            (LOADER + 0x3000, 0x1000, "rw"),
        ],
        ..FakeInspect::default()
    };
    assert_eq!(
        board(inspect).shows("hyp map"),
        "[0x09000000-0x09000fff] rw- device\n\
         [0x40000000-0x4fefffff] rw- memory\n\
         [0x4ff00000-0x4ff00fff] r-x memory\n\
         [0x4ff01000-0x4ff01fff] r-- memory\n\
         [0x4ff02000-0x4ff02fff] --- guard\n\
         [0x4ff03000-0x4ff03fff] rw- memory\n"
    );
}

#[test]
fn what_must_not_be_is_an_error() {
    let mut board = board(FakeInspect::default());
    assert!(board.refuses("hyp map").contains("MMU is off"));
    board.inspect = Some(FakeInspect {
        mappings: vec![(0x4000_0000, 0x1000, "rwx")],
        ..FakeInspect::default()
    });
    assert_eq!(
        board.refuses("hyp map"),
        "[0x40000000-0x40000fff] is writable and executable"
    );
}

#[test]
fn without_a_processor_it_says_so() {
    let mut board = Board::new(&[]);
    for line in ["hyp", "cache", "icache", "dcache"] {
        assert!(
            board.refuses(line).contains("cannot be looked into"),
            "{line}"
        );
    }
}

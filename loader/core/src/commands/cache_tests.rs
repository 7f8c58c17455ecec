use alloc::vec::Vec;

use platform_api::CacheCommand;
use platform_fake::FakeInspect;

use crate::boot::testing::Board;

fn board() -> Board {
    let mut board = Board::new(&[]);
    board.inspect = Some(FakeInspect::default());
    board
}

fn commands(board: &Board) -> Vec<CacheCommand> {
    let inspect = board.inspect.as_ref().unwrap();
    inspect.commands.borrow().clone()
}

#[test]
fn the_caches_are_shown() {
    let mut board = board();
    assert_eq!(
        board.shows("cache"),
        "L1 instruction    32 KiB, 2 ways of 256 lines of 64 bytes\n\
         L1 data           32 KiB, 2 ways of 256 lines of 64 bytes; cleaned by a handoff\n\
         L2 unified       256 KiB, 16 ways of 256 lines of 64 bytes; cleaned by a handoff\n\
         Data cache is ON, instruction cache is OFF\n"
    );
    assert_eq!(board.refuses("cache on"), "wrong arguments");
}

#[test]
fn the_instruction_cache_is_switched() {
    let mut board = board();
    assert_eq!(board.shows("icache"), "Instruction Cache is OFF\n");
    assert_eq!(board.shows("icache on"), "");
    assert_eq!(board.shows("icache"), "Instruction Cache is ON\n");
    board.shows("icache flush");
    board.shows("icache off");
    assert_eq!(board.refuses("icache maybe"), "wrong arguments");
    assert_eq!(
        commands(&board),
        [
            CacheCommand::Instructions(true),
            CacheCommand::ForgetInstructions,
            CacheCommand::Instructions(false)
        ]
    );
}

#[test]
fn the_data_cache_is_flushed_but_stays() {
    let mut board = board();
    assert_eq!(board.shows("dcache"), "Data (writeback) Cache is ON\n");
    board.shows("dcache on");
    board.shows("dcache flush");
    let error = board.refuses("dcache off");
    assert!(error.contains("stays ON"), "{error}");
    assert_eq!(commands(&board), [CacheCommand::FlushData]);
}

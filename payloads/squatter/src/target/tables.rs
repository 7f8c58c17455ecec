//! Long-descriptor tables of three regimes, everything mapped to itself in blocks of 2 MiB
//! (DDI 0406C B3.6): HYP's, stage 2's, PL1's. Nothing is execute-never: careless.

/// One table.
#[repr(C, align(4096))]
struct Table([u64; 512]);

/// The tables of one regime: four entries of 1 GiB, and what they point to.
#[repr(C)]
struct Regime {
    level1: Table,
    level2: [Table; 4],
}

/// All of them.
#[repr(C)]
pub struct Tables {
    hyp: Regime,
    stage2: Regime,
    pl1: Regime,
}

const VALID: u64 = 1;
const TABLE: u64 = 1 << 1;
const ACCESS_FLAG: u64 = 1 << 10;
const INNER_SHAREABLE: u64 = 3 << 8;
/// Stage 1: attribute 1 is Device in MAIR as we write it.
const DEVICE: u64 = 1 << 2;
/// HYP's AP\[1\] should be one.
const AP_HYP: u64 = 1 << 6;
/// Stage 2: MemAttr, write-back inside and outside, or Device; HAP, read and write.
const S2_NORMAL: u64 = 0xf << 2;
const S2_DEVICE: u64 = 1 << 2;
const S2_READ_WRITE: u64 = 3 << 6;
const BLOCK: u64 = 1 << 21;

impl Regime {
    fn fill(&mut self, normal: u64, device: u64, in_ram: impl Fn(u32) -> bool) {
        let Table(level1) = &mut self.level1;
        level1.fill(0);
        for (entry, table) in level1.iter_mut().zip(&self.level2) {
            *entry = &raw const *table as u64 | TABLE | VALID;
        }
        let entries = self.level2.iter_mut().flat_map(|Table(entries)| entries);
        for (entry, number) in entries.zip(0_u64..) {
            let address = number * BLOCK;
            let ram = u32::try_from(address).is_ok_and(&in_ram);
            let kind = if ram {
                normal | INNER_SHAREABLE
            } else {
                device
            };
            *entry = address | ACCESS_FLAG | kind | VALID;
        }
    }

    fn root(&self) -> u64 {
        &raw const self.level1 as u64
    }

    /// Returns the descriptor of a 2 MiB block.
    fn block(&mut self, address: u32) -> *mut u64 {
        let number = (address >> 21) as usize;
        let entries = &raw mut self.level2;
        entries.cast::<u64>().wrapping_add(number)
    }
}

impl Tables {
    /// Writes all tables.
    pub fn fill(&mut self, in_ram: impl Fn(u32) -> bool) {
        self.hyp.fill(AP_HYP, AP_HYP | DEVICE, &in_ram);
        self.stage2.fill(
            S2_NORMAL | S2_READ_WRITE,
            S2_DEVICE | S2_READ_WRITE,
            &in_ram,
        );
        self.pl1.fill(0, DEVICE, &in_ram);
    }

    /// Returns HYP's, stage 2's and PL1's roots.
    pub fn roots(&self) -> [u64; 3] {
        [self.hyp.root(), self.stage2.root(), self.pl1.root()]
    }

    /// Returns HYP's descriptor of a 2 MiB block.
    pub fn hyp_block(&mut self, address: u32) -> *mut u64 {
        self.hyp.block(address)
    }

    /// Returns PL1's descriptor of a 2 MiB block.
    pub fn pl1_block(&mut self, address: u32) -> *mut u64 {
        self.pl1.block(address)
    }
}

@ The witness's header and entry (docs/image-format.md).
@
@ Entered by a loader at any 4 KiB-aligned address, in HYP or PL1, the MMU off or the address
@ mapped to itself. Saves the state it was entered in before it changes anything, sums the image
@ before it writes to it, relocates the image in place, and goes to aarch32-rt's start, which
@ leaves HYP for SYS. Everything it writes lies inside the image's own file.

    .syntax unified
    .arch armv7-a
    .arch_extension virt
    .arm

    .pushsection .head, "awx", %progbits
    .global _start
_start:
    .rept 8
    mov     r0, r0
    .endr
    b       witness_entry
    .word   0x016f2818              @ 0x24 zImage magic
    .word   0                       @ 0x28 start: position independent
    .word   0                       @ 0x2c file length, by mkzimage
    .word   0x04030201              @ 0x30 endianness
    .word   0x45454545              @ 0x34 there is a tag table
    .word   0x40                    @ 0x38 and it lies there
    .word   0
    .word   5, 0x5a534c4b, 0x5c, 0, 0   @ 0x40 KLSZ
    .word   0, 0                    @ 0x54 end of the tag table
    .word   0                       @ 0x5c run-time size, by mkzimage
    .word   0x4e4f5442              @ 0x60 "BTON"
    .word   0                       @ 0x64 offset of the relocation table, by mkzimage
    .word   0                       @ 0x68 its length in words, by mkzimage
    .word   0                       @ 0x6c bytes of the loaded sections, by mkzimage

@ Reads a register into the state at r11. r9 counts the reads that were Undefined.
    .macro  save opc1, crn, crm, opc2, offset
    mov     r0, #0
    mrc     p15, \opc1, r0, \crn, \crm, \opc2
    str     r0, [r11, #\offset]
    .endm

    .macro  save_wide opc1, crm, offset
    mov     r0, #0
    mov     r1, #0
    mrrc    p15, \opc1, r0, r1, \crm
    strd    r0, r1, [r11, #\offset]
    .endm

witness_entry:
    @ 1. CPSR, sp and lr go where no rule looks, the thread ID registers, so that sp and lr can
    @    serve. From here data is little-endian, whatever the loader left.
    mcr     p15, 0, sp, c13, c0, 4  @ TPIDRPRW
    mcr     p15, 0, lr, c13, c0, 2  @ TPIDRURW
    mrs     lr, cpsr
    mcr     p15, 0, lr, c13, c0, 3  @ TPIDRURO
    setend  le

    @ 2. The state's place is zero in the file. See that it still is, because the image's sum
    @    takes it for zero (step 5).
    ldr     lr, .Lstate_offset
.Lhere:
    add     sp, pc, lr
.Lscratch:
    ldr     lr, [sp], #4
    cmp     lr, #0
    bne     .Lscratch_end
    tst     sp, #{STATE_SIZE} - 4
    bne     .Lscratch
.Lscratch_end:
    @ lr = 0, or the first word that was not.
    sub     sp, sp, #4
    bfc     sp, #0, #{STATE_SHIFT}

    @ 3. r0 to r14 and CPSR. After this r0 to r10 are free, r11 is the state.
    add     sp, sp, #{GENERAL}
    stmia   sp, {{r0-r12}}
    sub     r11, sp, #{GENERAL}
    str     lr, [r11, #{SCRATCH_DIRTY}]
    mrc     p15, 0, r0, c13, c0, 4
    mrc     p15, 0, r1, c13, c0, 2
    str     r0, [r11, #{GENERAL} + 52]
    str     r1, [r11, #{GENERAL} + 56]
    mrc     p15, 0, r12, c13, c0, 3
    str     r12, [r11, #{CPSR}]
    ldr     r10, .Lstate_from_start
    sub     r10, r11, r10           @ r10 = base
    str     r10, [r11, #{BASE}]
    mov     r9, #0

    @ 4. System registers. Vectors first: a register that is not there is skipped, not fatal.
    ldr     r2, .Lvectors_from_start
    add     r2, r10, r2
    and     r3, r12, #0x1f
    cmp     r3, #0x1a
    bne     .Lsave_vbar
    save    4, c12, c0, 0, {HVBAR}
    mcr     p15, 4, r2, c12, c0, 0
.Lsave_vbar:
    save    0, c12, c0, 0, {VBAR}
    mcr     p15, 0, r2, c12, c0, 0
    isb
    save    0, c0, c0, 0, {MIDR}
    save    0, c0, c0, 5, {MPIDR}
    save    0, c0, c0, 1, {CTR}
    save    0, c0, c1, 1, {ID_PFR1}
    save    0, c0, c1, 2, {ID_DFR0}
    save    0, c1, c0, 0, {SCTLR}
    save    0, c1, c0, 1, {ACTLR}
    save    0, c1, c0, 2, {CPACR}
    save    0, c2, c0, 2, {TTBCR}
    save    0, c9, c12, 0, {PMCR}
    save    0, c14, c0, 0, {CNTFRQ}
    save    0, c14, c1, 0, {CNTKCTL}
    save    0, c14, c2, 1, {CNTP_CTL}
    save    0, c14, c3, 1, {CNTV_CTL}
    save_wide 0, c14, {CNTPCT}
    cmp     r3, #0x1a
    beq     .Lsave_hyp

    @ PL1: SCR can be read in secure state alone.
    str     r9, [r11, #{UNDEFINED}]
    mov     r4, r9
    mrc     p15, 0, r0, c1, c1, 0
    cmp     r9, r4
    moveq   r0, #1
    movne   r0, #0
    str     r0, [r11, #{SECURE}]
    b       .Lsum

.Lsave_hyp:
    save    4, c1, c0, 0, {HSCTLR}
    save    4, c1, c0, 1, {HACTLR}
    save    4, c1, c1, 0, {HCR}
    save    4, c1, c1, 1, {HDCR}
    save    4, c1, c1, 2, {HCPTR}
    save    4, c1, c1, 3, {HSTR}
    save    4, c2, c0, 2, {HTCR}
    save    4, c2, c1, 2, {VTCR}
    save    4, c0, c0, 0, {VPIDR}
    save    4, c0, c0, 5, {VMPIDR}
    save    4, c14, c1, 0, {CNTHCTL}
    save    4, c14, c2, 1, {CNTHP_CTL}
    save_wide 4, c14, {CNTVOFF}
    save_wide 6, c2, {VTTBR}
    save_wide 4, c2, {HTTBR}
    str     r9, [r11, #{UNDEFINED}]

    @ 5. CRC-32 of the file, the state's place taken as the zeros it was. Nothing but that place
    @    has been written yet. A length beyond 1 MiB is no length of ours: the sum stays 0.
.Lsum:
    ldr     r2, [r10, #0x2c]
    mov     r0, #0
    cmp     r2, #0x100000
    bhi     .Lsum_end
    add     r2, r10, r2             @ r2 = end
    mvn     r0, #0                  @ r0 = sum
    mov     r1, r10                 @ r1 = next byte
    ldr     r3, .Ltable_from_start
    add     r3, r10, r3
.Lsum_byte:
    cmp     r1, r2
    bhs     .Lsum_done
    ldrb    r4, [r1]
    sub     r5, r1, r11
    cmp     r5, #{STATE_SIZE}
    movlo   r4, #0
    add     r1, r1, #1
    eor     r0, r0, r4
    and     r4, r0, #15
    ldr     r4, [r3, r4, lsl #2]
    eor     r0, r4, r0, lsr #4
    and     r4, r0, #15
    ldr     r4, [r3, r4, lsl #2]
    eor     r0, r4, r0, lsr #4
    b       .Lsum_byte
.Lsum_done:
    mvn     r0, r0
.Lsum_end:
    str     r0, [r11, #{IMAGE_CRC}]

    @ 6. Relocate. Linked at 0, so the distance is the base. r1 = next byte of the table,
    @    r3 = place.
    ldr     r1, [r10, #0x64]
    add     r1, r10, r1
    mov     r3, r10
.Lpointer:                          @ pointers: words from place to place
    ldrb    r4, [r1], #1
    add     r3, r3, r4, lsl #2
    cmp     r4, #255                @ 254 on, and nothing there
    subeq   r3, r3, #4
    beq     .Lpointer
    cmp     r4, #0
    beq     .Lpointers_end
    ldr     r5, [r3]
    add     r5, r5, r10
    str     r5, [r3]
    b       .Lpointer
.Lpointers_end:
    mov     r3, r10
.Lhalf:                             @ Thumb's movw and movt: halfwords from place to place
    ldrb    r4, [r1], #1
    add     r3, r3, r4, lsl #1
    cmp     r4, #255
    subeq   r3, r3, #2
    beq     .Lhalf
    cmp     r4, #0
    beq     .Lrelocated
    ldrh    r5, [r3]                @ 11110 i 10 m100 imm4
    ldrh    r6, [r3, #2]            @ 0 imm3 Rd imm8
    and     r4, r6, #0xff           @ r4 = imm4:i:imm3:imm8
    ubfx    r7, r6, #12, #3
    bfi     r4, r7, #8, #3
    ubfx    r7, r5, #10, #1
    bfi     r4, r7, #11, #1
    bfi     r4, r5, #12, #4
    tst     r5, #0x80
    addeq   r4, r4, r10             @ movw: the low half
    beq     .Lhalf_store
    ldrb    r7, [r1], #1            @ movt: the linked address's low half is in the table
    ldrb    r8, [r1], #1
    orr     r7, r7, r8, lsl #8
    orr     r4, r7, r4, lsl #16
    add     r4, r4, r10
    lsr     r4, r4, #16
.Lhalf_store:
    bfi     r6, r4, #0, #8
    ubfx    r7, r4, #8, #3
    bfi     r6, r7, #12, #3
    ubfx    r7, r4, #11, #1
    bfi     r5, r7, #10, #1
    ubfx    r7, r4, #12, #4
    bfi     r5, r7, #0, #4
    strh    r5, [r3]
    strh    r6, [r3, #2]
    b       .Lhalf
.Lrelocated:

    @ 7. A loader that left caches or the MMU on is to be reported, not to be died of: push what
    @    was written to memory (lines of 16 bytes are the shortest there are), then take away
    @    whatever would change what PL1 sees. In a good handoff that is nothing.
    ldr     r2, [r10, #0x6c]
    mov     r1, r10
    add     r2, r10, r2
.Lclean:
    mcr     p15, 0, r1, c7, c10, 1  @ DCCMVAC
    add     r1, r1, #16
    cmp     r1, r2
    blo     .Lclean
    dsb
    ldr     r0, [r11, #{SCTLR}]
    bic     r0, r0, #0x0007         @ M, A, C
    bic     r0, r0, #0x2000         @ V: vectors at VBAR
    bic     r0, r0, #0x02000000     @ EE
    bic     r0, r0, #0x40000000     @ TE
    orr     r0, r0, #0x1000         @ I: sums take long enough
    mcr     p15, 0, r0, c1, c0, 0
    isb
    and     r3, r12, #0x1f
    cmp     r3, #0x1a
    bne     .Lsynchronize
    mov     r0, #0
    mcr     p15, 4, r0, c1, c1, 0   @ HCR: no stage 2, no traps
    mcr     p15, 4, r0, c1, c1, 3   @ HSTR
    mcr     p15, 0, r0, c8, c7, 0   @ TLBIALL
.Lsynchronize:
    mov     r0, #0
    mcr     p15, 0, r0, c7, c5, 0   @ ICIALLU: the relocated instructions
    mcr     p15, 0, r0, c7, c5, 6   @ BPIALL
    dsb
    isb

    @ 8. Leave HYP for SYS, all masked. aarch32-rt's start would, but writes SPSR_hyp by its
    @    name, which is UNPREDICTABLE in HYP on Armv7 (DDI 0406C, B9.3.12) and Undefined in
    @    QEMU 7.2. Entered in SYS it leaves that out.
    cmp     r3, #0x1a
    bne     _default_start
    ldr     r0, =_vector_table
    mcr     p15, 4, r0, c12, c0, 0
    mov     r0, #0x1df              @ A, I, F, SYS
    msr     SPSR_cxsf, r0
    ldr     r0, =_default_start
    msr     ELR_hyp, r0
    isb
    eret
    .ltorg

.Lstate_offset:
    .word   entry_state - .Lhere - 8
.Lstate_from_start:
    .word   entry_state - _start
.Lvectors_from_start:
    .word   early_vectors - _start
.Ltable_from_start:
    .word   crc_table - _start

@ A register that is not there: count it and go on behind the read. Nothing else is expected.
    .p2align 5
early_vectors:
    b       .
    b       .Lundefined
    b       .
    b       .
    b       .
    b       .
    b       .
    b       .
.Lundefined:
    add     r9, r9, #1
    mrs     r8, cpsr
    and     r8, r8, #0x1f
    cmp     r8, #0x1a
    movsne  pc, lr                  @ from PL1: lr_und is behind the instruction already
    mrs     r8, ELR_hyp
    add     r8, r8, #4
    msr     ELR_hyp, r8
    eret

@ aarch32-rt parks every CPU whose number is not 0; the one we run on is the one we have.
    .global witness_any_core
witness_any_core:
    bl      _asm_init_segments
    mov     r0, #0
    b       _asm_core_start

@ Something trapped to HYP after we left it: an HVC nobody is there for, or a trap we did not
@ find. Report from here: HYP's stack is ours.
    .global witness_hyp_trap
witness_hyp_trap:
    mrc     p15, 4, r3, c5, c2, 0   @ HSR
    movw    r12, #{LEAVE}           @ an HVC of this number (EC 0x12, IL)
    movt    r12, #0x4a00
    cmp     r3, r12
    beq     .Lleave
    movw    r12, #{CALL}
    movt    r12, #0x4a00
    cmp     r3, r12
    beq     .Lcall
    ldr     sp, =_hyp_stack_high_end
    mrc     p15, 4, r0, c5, c2, 0   @ HSR
    mrs     r1, ELR_hyp
    mrc     p15, 4, r2, c6, c0, 0   @ HDFAR
    bl      witness_hyp_fault       @ Thumb code: BLX
    .ltorg

@ `leave::enter`: r0 = an image, r1 = a tree. It was loaded as data, so what was fetched there
@ before is dropped.
.Lleave:
    mov     lr, r0
    mov     r2, r1
    mov     r0, #0
    mvn     r1, #0
    mcr     p15, 0, r0, c7, c5, 0   @ ICIALLU
    mcr     p15, 0, r0, c7, c5, 6   @ BPIALL
    dsb
    isb
    bx      lr

@ `leave::call_in_hyp`: r0 = a function, r1 = its argument, r2 = its stack.
.Lcall:
    mov     sp, r2
    mov     r3, r0
    mov     r0, r1
    blx     r3
    b       .

@ CRC-32 (reflected 0x04c11db7) by nibbles.
crc_table:
    .word   0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac
    .word   0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c
    .word   0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c
    .word   0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c

    .p2align {STATE_SHIFT}
    .global entry_state
entry_state:
    .space  {STATE_SIZE}
    .popsection

@ The image's first bytes: zImage header, entry, relocation, the move to the loader's home.
@
@ On entry: r0-r2 as the caller set them (booting.rst: 0, machine, tree; U-Boot's `go`: argc,
@ argv, -). Any mode but User. MMU and caches on or off. No stack.

    .syntax unified
    .arch armv7-a
    .arch_extension virt
    .arch_extension sec
    .arm

    .equ HEADER_FILE_LENGTH, 0x2c
    .equ HEADER_TABLE_OFFSET, 0x64
    .equ HEADER_BASE, 0x70              @ the address the image is relocated for now
    .equ TABLE_FAR, 255
    .equ MODE_MASK, 0x1f
    .equ MODE_SVC, 0x13
    .equ MODE_HYP, 0x1a
    .equ SCTLR_M_OR_C, (1 << 0) | (1 << 2)

    .section .head, "ax", %progbits
    .global _start
    .type _start, %function
_start:
    .rept 8
    mov     r0, r0
    .endr
    b       entry                       @ 0x20
    .word   0x016f2818                  @ 0x24 zImage magic
    .word   0                           @ 0x28 start: position independent
    .word   0                           @ 0x2c end, by mkzimage
    .word   0x04030201                  @ 0x30 endianness
    .word   0x45454545                  @ 0x34 a tag table follows
    .word   0x40                        @ 0x38 where
    .word   0
    .word   5, 0x5a534c4b, 0x5c, 0, 0   @ 0x40 KLSZ: size word, BSS (counted there), TEXT_OFFSET
    .word   0, 0                        @ 0x54 end of the tags
    .word   0                           @ 0x5c run-time size, by mkzimage
    .word   0x4e4f5442, 0, 0, 0         @ 0x60 "BTON", relocation table, by mkzimage
    .word   0                           @ 0x70 HEADER_BASE
    .word   0, 0, 0

@ Before there is a console, a fault can only be kept from running wild. Also where HVBAR
@ points after a handoff until the payload sets its own: it needs no stack and no data.
    .balign 32
    .global parked_vectors
parked_vectors:
    .rept 8
    b       park
    .endr
    .global park
    .type park, %function
park:
    wfe
    b       park

@ Where the probe for a stub in HYP below finds itself there: by soft restart of Linux's stub, or
@ by HVC through this table, whose address an older one was given.
    .balign 32
landing_vectors:
    .rept 5
    b       park
    .endr
    b       .Ltaken_over                @ 0x14: HVC from PL1
    b       park
    b       park

@ While it probes: HVC is Undefined where there is no HYP, or in secure state.
    .balign 32
probing_vectors:
    b       park
    movs    pc, lr                      @ 0x04: lr_und is behind the HVC already
    .rept 6
    b       park
    .endr

@ Live from here: r4-r6 = the caller's r0-r2, r7 = load address, r8 = CPSR, r9 = SCTLR,
@ r10 = VBAR, r11 = HSCTLR, r12 = HVBAR as found.
    .type entry, %function
entry:
    mrs     r8, cpsr
    cpsid   aif
    setend  le                          @ a big-endian caller may leave data the other way
    mov     r4, r0
    mov     r5, r1
    mov     r6, r2
    adr     r7, _start
    and     r0, r8, #MODE_MASK
    adr     r1, parked_vectors
    mov     r11, #0
    mov     r12, #0
    cmp     r0, #MODE_HYP
    bne     .Lfound_pl1
    mrc     p15, 4, r12, c12, c0, 0     @ HVBAR
    mcr     p15, 4, r1, c12, c0, 0
    mrc     p15, 4, r11, c1, c0, 0      @ HSCTLR
    mrc     p15, 0, r10, c12, c0, 0     @ VBAR
    b       .Lvectors_set
.Lfound_pl1:
    cps     #MODE_SVC
    mrc     p15, 0, r10, c12, c0, 0     @ VBAR
    mcr     p15, 0, r1, c12, c0, 0
.Lvectors_set:
    mrc     p15, 0, r9, c1, c0, 0       @ SCTLR
    isb                                 @ the new vectors before the first access that can fault

    @ The state found goes to this copy's stack. If the caches are on it is dirty now and is
    @ cleaned with everything else just below.
    @ First its lines go: with the caches off, one that the caller left dirty there would be
    @ cleaned over it. The memory is ours, its old content is nobody's.
    ldr     r0, .Lstack_offset
    add     sp, r7, r0
    mov     r0, sp
    bl      drop_state
    mov     lr, #0                      @ EntryState.way: Way::Entered
    push    {r4-r12, lr}

    mrs     r0, cpsr
    and     r0, r0, #MODE_MASK
    cmp     r0, #MODE_HYP
    beq     .Lin_hyp

    @ PL1. `go`: what the caller loaded may live in its caches alone. No store between the clean
    @ and the disabling. The other CPUs are off, so set/way is valid (DDI 0406C B2.2.7).
    tst     r9, #SCTLR_M_OR_C
    blne    clean_invalidate_all        @ clobbers r0-r6, r9-r12
    @ Also where MMU and D-cache are off already: of a Thumb kernel that called kexec TE is
    @ still set, and our vectors are ARM code; instructions fetched by an I-cache may stay in L2
    @ past ICIALLU, over what we copy now.
    ldr     r1, .Lsctlr_off
    mcr     p15, 0, r1, c1, c0, 0       @ SCTLR
    isb
    mcr     p15, 0, r1, c8, c7, 0       @ TLBIALL
    dsb                                 @ TLB invalidation complete
    isb

    @ Without virtualization extensions there is no HYP to go to.
    mrc     p15, 0, r0, c0, c1, 1       @ ID_PFR1
    tst     r0, #(0xf << 12)
    beq     .Lcaches_off
    mov     r12, sp                     @ HYP has another
    adr     r1, probing_vectors
    mcr     p15, 0, r1, c12, c0, 0      @ VBAR
    isb
    @ Secure state goes there by a monitor of its own. SCR can be read there and is Undefined in
    @ non-secure state (DDI 0406C B4.1.129): then r2 stays, and no SCR has all its bits set.
    mvn     r2, #0
    tst     r0, #(0xf << 4)             @ security extensions
    mrcne   p15, 0, r2, c1, c1, 0       @ SCR
    cmn     r2, #1
    beq     .Lnon_secure
    adr     r1, parked_vectors
    mcr     p15, 0, r1, c12, c0, 0
    isb
    bl      monitor_boot                @ clobbers all but r7 and r12
    mrs     r0, cpsr
    and     r0, r0, #MODE_MASK
    cmp     r0, #MODE_HYP
    moveq   r3, #2                      @ Way::OwnMonitor
    beq     .Lin_hyp_now
    b       .Lcaches_off                @ there was no way to Monitor mode

.Lnon_secure:
    @ Does somebody in HYP below answer as Linux's stub does (Documentation/virt/kvm/arm/
    @ hyp-abi.rst)? Asked with -1: the stub knows no such call and says 0xbadca11; one from before
    @ Linux 4.12 gives its HVBAR; firmware and hypervisors that follow the SMC calling convention
    @ say -1, not supported; and where HVC is Undefined r0 stays. What cannot be told: an HVBAR
    @ that points at memory which is something else by now.
    mvn     r0, #0
    hvc     #0
    mov     r2, r0
    adr     r1, parked_vectors
    mcr     p15, 0, r1, c12, c0, 0
    isb
    ldr     r1, .Lstub_error
    cmp     r2, r1
    bne     .Lold_stub
    mov     r0, #1                      @ HVC_SOFT_RESTART
    adr     r1, .Ltaken_over
    hvc     #0
    b       .Lcaches_off                @ refused
.Lold_stub:
    tst     r2, #0x1f                   @ an address of vectors, and not 0
    bne     .Lcaches_off
    cmp     r2, #0
    beq     .Lcaches_off
    adr     r0, landing_vectors
    hvc     #0                          @ HVBAR = r0
    hvc     #0                          @ by our own vectors
    b       .Lcaches_off                @ it was no such stub

@ In HYP now, as whoever is there left it; r12 = the stack.
.Ltaken_over:
    mov     r3, #1                      @ Way::Stub
.Lin_hyp_now:                           @ r3 = way
    mov     sp, r12
    mrc     p15, 4, r12, c12, c0, 0     @ HVBAR
    adr     r1, parked_vectors
    mcr     p15, 4, r1, c12, c0, 0
    isb
    mrc     p15, 4, r11, c1, c0, 0      @ HSCTLR
    @ What PL1 wrote is in memory; a line that HYP's cache has of before must not be written to.
    add     r0, sp, #40
    bl      drop_state
    str     r11, [sp, #28]              @ EntryState.hyp_control
    str     r12, [sp, #32]              @ EntryState.hyp_vectors
    str     r3, [sp, #36]               @ EntryState.way
    mrc     p15, 0, r9, c1, c0, 0       @ SCTLR

    @ HYP. Caches are cleaned if they are on (`go`), or if whoever was here has not put away what
    @ a payload is not owed: then its caches are not to be trusted either, on or off, and a
    @ dirty line over memory that is loaded into later would come down on it.
.Lin_hyp:
    orr     r0, r9, r11
    and     r0, r0, #SCTLR_M_OR_C
    mrc     p15, 4, r1, c1, c1, 0       @ HCR
    orrs    r0, r0, r1, lsl #4          @ 31:28 are no traps; QEMU 10 reads 31 as one
    blne    clean_invalidate_all
    ldr     r1, .Lhsctlr_off
    mcr     p15, 4, r1, c1, c0, 0       @ HSCTLR: MMU and caches off
    @ PL1's too: a kernel's tables left on could be walked by speculation until the handoff, and
    @ what it finds there outlive the invalidations that come before PL1's registers.
    ldr     r1, .Lsctlr_off
    mcr     p15, 0, r1, c1, c0, 0       @ SCTLR
    isb                                 @ off before the invalidations
    mcr     p15, 4, r1, c8, c7, 0       @ TLBIALLH
    dsb                                 @ TLB invalidation complete
    isb
.Lcaches_off:
    @ Lines that came by speculation after the clean, or that the caller left, are older than
    @ what is written here from now on with the cache off, and would be read once it is on: this
    @ copy's stack is, and all of it if it is the home. None is dirty.
    mov     r0, r7
    ldr     r1, .Lstack_offset
    add     r1, r1, r7
    bl      drop_lines

    @ Patch this copy for where it is, so that Rust can run in it and choose a home.
    mov     r0, r7
    ldr     r1, [r7, #HEADER_BASE]
    bl      relocate
    bl      forget_instructions

    mov     r0, sp                      @ EntryState
    sub     sp, sp, #EARLY_INFO_SIZE
    mov     r1, sp                      @ EarlyInfo, filled by the call
    bl      baton_choose_home           @ r0 = the home's address, or this copy's own
    mov     r8, r0
    cmp     r8, r7
    beq     .Lhome                      @ r8 = r7: already there

    @ Lines of the home that a caller left in the cache must not come back over what is written
    @ there now with the cache off: drop them (the memory is ours, its old content is nobody's).
    mov     r0, r8
    ldr     r1, .Lstack_offset
    add     r1, r1, r8
    bl      drop_lines
    @ Copy the file: image and relocation table, 32 bytes at a time.
    ldr     r12, [r7, #HEADER_FILE_LENGTH]
    mov     r10, r7
    mov     r11, r8
    add     r12, r12, r7
1:  ldm     r10!, {r0-r6, r9}
    stm     r11!, {r0-r6, r9}
    cmp     r10, r12
    blo     1b
    mov     r0, r8
    mov     r1, r7
    bl      relocate
    bl      forget_instructions
.Lhome:
    mov     r0, sp                      @ EarlyInfo and EntryState stay in the old copy's memory
    adr     r1, .Lat_home
    sub     r1, r1, r7
    add     pc, r8, r1

@ r0 = EarlyInfo (EntryState follows it), r8 = home. Runs at home.
.Lat_home:
    ldr     r1, .Lstack_offset
    cmp     r8, r7
    addne   sp, r8, r1                  @ in place the stack holds EarlyInfo: go on below it
    ldr     r2, .Lbss_offset
    add     r2, r8, r2
    ldr     r3, .Lbss_end_offset
    add     r3, r8, r3
    mov     r4, #0
    mov     r5, #0
    mov     r6, #0
    mov     r9, #0
2:  cmp     r2, r3                      @ both multiples of 4096
    stmlo   r2!, {r4-r6, r9}
    stmlo   r2!, {r4-r6, r9}
    stmlo   r2!, {r4-r6, r9}
    stmlo   r2!, {r4-r6, r9}
    blo     2b
    mov     r7, #0                      @ the backtrace ends here
    mov     lr, #0
    add     r1, r0, #EARLY_INFO_SIZE
    bl      baton_main
    b       park

    .balign 4
.Lstack_offset:
    .word   __stack_top - _start
.Lbss_offset:
    .word   __bss_start - _start
.Lbss_end_offset:
    .word   __bss_end - _start
.Lstub_error:
    .word   0x0badca11
.Lhsctlr_off:
    .word   HSCTLR_OFF
.Lsctlr_off:
    .word   SCTLR_OFF

@ Applies the relocation table (docs/image-format.md) to the image at r0, relocated for r1.
@ Instructions are read and written by halves: memory without an MMU takes no unaligned words.
@ Clobbers r0-r3, r9-r12. No stack.
    .type relocate, %function
relocate:
    str     r0, [r0, #HEADER_BASE]
    ldr     r2, [r0, #HEADER_TABLE_OFFSET]
    add     r2, r2, r0                  @ r2 = next byte of the table
    mov     r3, r0                      @ r3 = place
    sub     r0, r0, r1                  @ r0 = delta, r1 = old base
1:  ldrb    r9, [r2], #1                @ the pointers: words from place to place
    cmp     r9, #TABLE_FAR
    add     r3, r3, r9, lsl #2
    subeq   r3, r3, #4                  @ as far as the longest distance, nothing to patch
    beq     1b
    cmp     r9, #0
    ldrne   r10, [r3]
    addne   r10, r10, r0
    strne   r10, [r3]
    bne     1b
    add     r3, r0, r1
2:  ldrb    r9, [r2], #1                @ Thumb's movw and movt: halfwords from place to place
    cmp     r9, #TABLE_FAR
    add     r3, r3, r9, lsl #1
    subeq   r3, r3, #2
    beq     2b
    cmp     r9, #0
    bxeq    lr
    ldrh    r10, [r3]                   @ 11110 i 10 m100 imm4, m: movt
    ldrh    r11, [r3, #2]               @ 0 imm3 Rd imm8
    ubfx    r9, r10, #10, #1
    bfi     r9, r10, #1, #4
    ubfx    r12, r11, #12, #3
    orr     r9, r12, r9, lsl #3
    uxtb    r12, r11
    orr     r9, r12, r9, lsl #8         @ r9 = imm4:i:imm3:imm8, the half
    tst     r10, #0x80
    addeq   r9, r9, r0                  @ movw
    beq     3f
    lsl     r9, r9, #16                 @ movt: the low half, as linked, follows in the table
    ldrb    r12, [r2], #1
    orr     r9, r9, r12
    ldrb    r12, [r2], #1
    orr     r9, r9, r12, lsl #8
    add     r12, r9, r1
    bfi     r9, r12, #0, #16            @ r9 = the address as it is now
    add     r9, r9, r0
    lsr     r9, r9, #16
3:  bfi     r11, r9, #0, #8
    lsr     r9, r9, #8
    bfi     r11, r9, #12, #3
    lsr     r9, r9, #3
    bfi     r10, r9, #10, #1
    lsr     r9, r9, #1
    bfi     r10, r9, #0, #4
    strh    r10, [r3]
    strh    r11, [r3, #2]
    b       2b

@ Makes instructions just written (caches off, so they are in memory) the ones fetched.
@ Clobbers r0.
    .type forget_instructions, %function
forget_instructions:
    mov     r0, #0
    dsb                                 @ the stores are in memory
    mcr     p15, 0, r0, c7, c5, 0       @ ICIALLU
    mcr     p15, 0, r0, c7, c5, 6       @ BPIALL
    dsb                                 @ the invalidations are complete
    isb                                 @ and what was prefetched is dropped
    bx      lr

@ Cleans and invalidates the lines of the 48 bytes below r0, whatever a line's size is (16 bytes
@ are the shortest). Clobbers r0.
    .type drop_state, %function
drop_state:
    .rept 3
    sub     r0, r0, #16
    mcr     p15, 0, r0, c7, c14, 1      @ DCCIMVAC
    .endr
    dsb
    bx      lr

@ Invalidates, without cleaning, the data-cache lines of r0..r1: none of the caller's is dirty
@ there, or its content is nobody's. Clobbers r0-r3.
    .type drop_lines, %function
drop_lines:
    mrc     p15, 0, r2, c0, c0, 1       @ CTR
    ubfx    r2, r2, #16, #4             @ DminLine: log2 of words
    mov     r3, #4
    lsl     r2, r3, r2
    sub     r3, r2, #1
    bic     r0, r0, r3
    subs    r3, r1, r2, lsl #3          @ eight lines a turn, up to here: none beyond the end
    blo     2f
1:  cmp     r0, r3
    bhi     2f
    .rept 8
    mcr     p15, 0, r0, c7, c6, 1       @ DCIMVAC
    add     r0, r0, r2
    .endr
    b       1b
2:  cmp     r0, r1
    mcrlo   p15, 0, r0, c7, c6, 1
    addlo   r0, r0, r2
    blo     2b
    dsb
    bx      lr

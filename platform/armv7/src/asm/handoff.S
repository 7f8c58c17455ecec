@ The last page. Entered by hand_off_asm(r0 = &LastPage) with the caches on and every device
@ quiet; never returns. From the first instruction on: no stack, no store to memory (the only
@ store is to the UART's data register, when asked to talk). The order is that of
@ docs/boot-flow.md; the letter in brackets is what a verbose handoff prints before the step.
@ `step` and `end_step` mark what the cache checker's controls do wrong (steps.S).

    .syntax unified
    .arch armv7-a
    .arch_extension virt
    .arm

    .equ MODE_MASK, 0x1f
    .equ MODE_HYP, 0x1a

    .equ UART_BYTES, 1 << 16            @ RawUart::BYTES

@ Prints one character if the handoff is verbose (r6 = data register, r7 = status register, r8 =
@ RawUart's `wait`: 0: silent; bits 7-0: status bits that count, 15-8: their value when there is
@ room, 16: the registers are bytes). Clobbers r0, r1.
    .macro say character
    cmp     r8, #0
    beq     2f
1:  tst     r8, #UART_BYTES
    ldreq   r0, [r7]
    ldrbne  r0, [r7]
    eor     r0, r0, r8, lsr #8
    and     r0, r0, r8
    tst     r0, #0xff
    bne     1b                          @ busy or full
    mov     r0, #\character
    tst     r8, #UART_BYTES
    streq   r0, [r6]
    strbne  r0, [r6]
2:
    .endm

    .section .text.hand_off_asm, "ax", %progbits
    .global hand_off_asm
    .type hand_off_asm, %function
hand_off_asm:
    cpsid   aif
    @ r1 = entry, r2 = tree, r3 = ranges, r4 = how many, r5 = line bytes, r6-r8 = UART
    ldm     r0, {r1-r8}
    mov     lr, r1
    mov     r12, r2

    @ [C] What the CPU may have written reaches memory, by address to the point of coherency:
    @ the payload reads it with its caches off.
    say     'C'
    dmb                                 @ earlier stores are in the cache before the clean
    step    clean
1:  cmp     r4, #0
    beq     3f
    ldm     r3!, {r9, r10}              @ start, end
    @ Four lines a turn, from a multiple of four: no turn leaves the pages of the range.
    rsb     r11, r5, r5, lsl #2
    add     r11, r11, r5
    sub     r11, r11, #1                @ 4 lines - 1
    bic     r9, r9, r11
2:  cmp     r9, r10
    bhs     4f
    mcr     p15, 0, r9, c7, c14, 1      @ DCCIMVAC
    add     r9, r9, r5
    mcr     p15, 0, r9, c7, c14, 1
    add     r9, r9, r5
    mcr     p15, 0, r9, c7, c14, 1
    add     r9, r9, r5
    mcr     p15, 0, r9, c7, c14, 1
    adds    r9, r9, r5
    bcc     2b                          @ carry: the range ends with the address space
4:  sub     r4, r4, #1
    b       1b
3:  dsb                                 @ complete before anything is turned off
    end_step clean

    @ clean_invalidate_all, below, clobbers r0-r6, r9-r12 and lr. The tree waits in sp; the
    @ entry in TPIDRPRW and the UART's data register in TPIDRURW, which are software's own (DDI
    @ 0406C B4.1.150) and zeroed at the end.
    mov     sp, r12
    mov     r12, lr
    mcr     p15, 0, r12, c13, c0, 4     @ TPIDRPRW = entry
    mcr     p15, 0, r6, c13, c0, 2      @ TPIDRURW = UART data register

    mrs     r2, cpsr
    and     r2, r2, #MODE_MASK
    cmp     r2, #MODE_HYP
    bne     .Lfrom_pl1

    @ [M] MMU and caches off, at the value reset gives. Fetches and literals come from memory
    @ now: this code was written there with the caches off, and is in no range that was dirty.
    say     'M'
    step    off
    ldr     r3, .Lhsctlr
    mcr     p15, 4, r3, c1, c0, 0       @ HSCTLR
    isb                                 @ the next fetch goes without MMU and caches
    end_step off
    @ PL1's too, which a former owner may have left on: as long as its M is set, a walk of its
    @ tables may be done on speculation, and what that brings in must be dropped by the next steps.
    step    pl1
    ldr     r3, .Lsctlr
    mcr     p15, 0, r3, c1, c0, 0       @ SCTLR as reset gives it
    isb
    end_step pl1
    @ [S] What lies outside those ranges, by set/way, this being the one CPU running. After the
    @ caches are off, so that one pass is enough: no line can come in any more, and what
    @ speculation brought in before, clean but soon older than what the payload writes with its
    @ own caches off, goes too.
    say     'S'
    step    sets
    bl      clean_invalidate_all
    end_step sets
    mrc     p15, 0, r6, c13, c0, 2
    @ [T] No translation, instruction or branch of ours outlives us.
    say     'T'
    step    forget
    mov     r3, #0
    mcr     p15, 4, r3, c8, c7, 0       @ TLBIALLH
    mcr     p15, 4, r3, c8, c7, 4       @ TLBIALLNSNH
    mcr     p15, 0, r3, c7, c5, 0       @ ICIALLU
    mcr     p15, 0, r3, c7, c5, 6       @ BPIALL
    dsb                                 @ invalidations complete
    isb                                 @ and seen by this CPU's fetch
    end_step forget
    @ [R] Nothing traps, nothing is offset, the identity registers tell the truth.
    say     'R'
    bl      settle_hyp                  @ monitor.S
    b       .Lpl1_registers

.Lfrom_pl1:
    say     'M'
    ldr     r3, .Lsctlr
    mcr     p15, 0, r3, c1, c0, 0       @ SCTLR
    isb
    say     'S'
    bl      clean_invalidate_all
    mrc     p15, 0, r6, c13, c0, 2
    say     'T'
    mov     r3, #0
    mcr     p15, 0, r3, c8, c7, 0       @ TLBIALL
    mcr     p15, 0, r3, c7, c5, 0       @ ICIALLU
    mcr     p15, 0, r3, c7, c5, 6       @ BPIALL
    dsb
    isb
    say     'R'
    mov     r3, #0

.Lpl1_registers:
    bl      settle_pl1                  @ monitor.S
    step    settle
    isb
    end_step settle
    @ [V] The vectors: parked, in memory that no payload range overlaps.
    say     'V'
    adr     r0, .Lparked
    ldr     r1, [r0]
    add     r0, r0, r1
    step    vectors
    mrs     r2, cpsr
    and     r2, r2, #MODE_MASK
    cmp     r2, #MODE_HYP
    mcreq   p15, 4, r0, c12, c0, 0      @ HVBAR
    mcrne   p15, 0, r0, c12, c0, 0      @ VBAR
    step    seen
    isb
    end_step seen
    @ [J]
    say     'J'
    say     0x0d                        @ the payload starts a line of its own
    say     0x0a
    mov     r0, #0
    mvn     r1, #0                      @ machine id: none, the tree says it all
    mov     r2, sp
    mrc     p15, 0, lr, c13, c0, 4      @ the entry
    step    leave
    mov     r3, #0
    mcr     p15, 0, r3, c13, c0, 4
    mcr     p15, 0, r3, c13, c0, 2
    bx      lr

    .balign 4
.Lparked:
    .word   parked_vectors - .Lparked
.Lhsctlr:
    .word   HSCTLR_OFF
.Lsctlr:
    .word   SCTLR_OFF

@ u32 call_caches_off(entry r0, argc r1, argv r2): calls a program with MMU and caches off, as
@ it would find them after a reset, and returns its r0 with MMU and caches still off. The
@ caller turns them on again. In HYP or SVC.
    .section .text.call_caches_off, "ax", %progbits
    .global call_caches_off
    .type call_caches_off, %function
call_caches_off:
    push    {r4-r12, lr}
    push    {r0-r3}
    mrs     r3, cpsr
    and     r3, r3, #MODE_MASK
    cmp     r3, #MODE_HYP
    ldreq   r4, .Lcall_hsctlr
    ldrne   r4, .Lcall_sctlr
    mcreq   p15, 4, r4, c1, c0, 0       @ HSCTLR
    mcrne   p15, 0, r4, c1, c0, 0       @ SCTLR
    isb                                 @ off before anything is read or written
    bl      clean_invalidate_all        @ the program reads memory, and so do we from now on
    mov     r4, #0
    mcr     p15, 0, r4, c7, c5, 0       @ ICIALLU: the program was loaded as data
    mcr     p15, 0, r4, c7, c5, 6       @ BPIALL
    dsb
    isb
    pop     {r0-r3}
    mov     r12, r0
    mov     r0, r1
    mov     r1, r2
    blx     r12
    pop     {r4-r12, pc}
    .balign 4
.Lcall_hsctlr:
    .word   HSCTLR_OFF
.Lcall_sctlr:
    .word   SCTLR_OFF

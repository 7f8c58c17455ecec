@ Cleans and invalidates the whole data cache hierarchy to the point of coherency by set/way,
@ level by level (DDI 0406C B2.2.7 and its example). Valid only while this is the one CPU
@ running. In registers only: no stack, no store. Clobbers r0-r6, r9-r12 and the flags.

    .syntax unified
    .arch armv7-a
    .arm

    .section .text.clean_invalidate_all, "ax", %progbits
    .global clean_invalidate_all
    .type clean_invalidate_all, %function
clean_invalidate_all:
    dmb                                 @ earlier stores are in the cache before it is cleaned
    mrc     p15, 1, r0, c0, c0, 1       @ CLIDR
    ubfx    r1, r0, #24, #3             @ LoC
    mov     r2, #0                      @ r2 = level << 1, as CSSELR and DCCISW want it
1:  cmp     r1, r2, lsr #1
    bls     5f
    add     r3, r2, r2, lsr #1          @ 3 bits of CLIDR a level
    lsr     r3, r0, r3
    and     r3, r3, #7
    cmp     r3, #2
    blo     4f                          @ no data cache at this level
    mcr     p15, 2, r2, c0, c0, 0       @ CSSELR
    isb                                 @ CCSIDR is that level's
    mrc     p15, 1, r3, c0, c0, 0       @ CCSIDR
    and     r4, r3, #7
    add     r4, r4, #4                  @ log2 of the line's bytes
    ubfx    r5, r3, #3, #10             @ ways - 1
    ubfx    r6, r3, #13, #15            @ sets - 1
    mov     r9, #1
    lsl     r9, r9, r4                  @ one set
    clz     r10, r5                     @ shift of the way field (32 if there is one way)
    lsl     r12, r6, r4
2:  lsl     r11, r5, r10
    orr     r11, r11, r2
    orr     r11, r11, r12               @ way r5, last set
    add     r3, r6, #1
    tst     r3, #7
    beq     6f
3:  mcr     p15, 0, r11, c7, c14, 2     @ DCCISW
    sub     r11, r11, r9
    subs    r3, r3, #1
    bne     3b
    b       7f
6:  .rept 8
    mcr     p15, 0, r11, c7, c14, 2     @ DCCISW
    sub     r11, r11, r9
    .endr
    subs    r3, r3, #8
    bne     6b
7:  subs    r5, r5, #1
    bpl     2b
    dsb                                 @ this level before the next: without it a Cortex-A7
                                        @ may do L2 before L1 (erratum 814220)
4:  add     r2, r2, #2
    b       1b
5:  mov     r2, #0
    mcr     p15, 2, r2, c0, c0, 0       @ CSSELR as reset has it
    dsb                                 @ every line is in memory
    isb
    bx      lr

@ void flush_data_cache(void): the same for Rust.
    .global flush_data_cache
    .type flush_data_cache, %function
flush_data_cache:
    push    {r4-r6, r9-r12, lr}
    bl      clean_invalidate_all
    pop     {r4-r6, r9-r12, pc}

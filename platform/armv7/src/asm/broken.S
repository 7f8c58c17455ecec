@ The handoff with steps left out or done wrong: what the cache checker must name
@ (docs/cachecheck.md). Built only with the feature `broken-handoff`, never shipped.
@
@ TPIDRURO holds the faults, one bit each (src/broken.rs), and is zeroed at the end. A step is
@ entered with the registers that handoff.S has there and goes on at resume_NAME, to do it right,
@ or at after_NAME, when it has been done wrong here.

    .syntax unified
    .arch armv7-a
    .arch_extension virt
    .arm

    .equ F_NO_CLEAN, 1 << 0
    .equ F_STRIDE, 1 << 1
    .equ F_UNIFICATION, 1 << 2
    .equ F_DROP, 1 << 3
    .equ F_STORE, 1 << 4
    .equ F_LATE, 1 << 5
    .equ F_NO_CLEAN_DSB, 1 << 6
    .equ F_CACHES_ON, 1 << 7
    .equ F_NO_SETS, 1 << 8
    .equ F_SETS_FIRST, 1 << 9
    .equ F_NO_LEVEL_1, 1 << 10
    .equ F_NO_LEVEL_2, 1 << 11
    .equ F_SKIP_WAY, 1 << 12
    .equ F_SKIP_SET, 1 << 13
    .equ F_SETS_DROP, 1 << 14
    .equ F_LEVEL_2_FIRST, 1 << 15
    .equ F_NO_ICIALLU, 1 << 16
    .equ F_NO_BPIALL, 1 << 17
    .equ F_NO_TLBIALLH, 1 << 18
    .equ F_NO_TLBIALLNSNH, 1 << 19
    .equ F_NO_LAST_DSB, 1 << 20
    .equ F_PL1_ON, 1 << 21
    .equ F_VECTORS, 1 << 22
    .equ F_NO_ISB, 1 << 23
    .equ F_MMU_ON, 1 << 24

    .macro step name
    b       broken_\name
    .global resume_\name
resume_\name:
    .endm
    .macro end_step name
    .global after_\name
after_\name:
    .endm

    .macro faults register
    mrc     p15, 0, \register, c13, c0, 3
    .endm

    .section .text.broken, "ax", %progbits

@ r3 = ranges, r4 = how many, r5 = line, r12 = tree; lr = entry. r0-r2, r9-r11 are free.
    .global broken_clean
broken_clean:
    faults  r0
    tst     r0, #F_NO_CLEAN
    bne     4f
    mov     r11, r5
    tst     r0, #F_STRIDE
    lslne   r11, r5, #1
    sub     r1, r5, #1
1:  cmp     r4, #0
    beq     4f
    ldm     r3!, {r9, r10}
    bic     r9, r9, r1
2:  cmp     r9, r10
    bhs     3f
    tst     r0, #F_DROP
    mcrne   p15, 0, r9, c7, c6, 1       @ DCIMVAC
    bne     5f
    tst     r0, #F_UNIFICATION
    mcrne   p15, 0, r9, c7, c11, 1      @ DCCMVAU
    mcreq   p15, 0, r9, c7, c14, 1      @ DCCIMVAC
5:  add     r9, r9, r11
    b       2b
3:  sub     r4, r4, #1
    b       1b
4:  tst     r0, #F_NO_CLEAN_DSB
    bne     6f
    dsb
6:  tst     r0, #F_STORE
    strne   r0, [sp, #-4]
    tst     r0, #F_LATE
    ldrne   r1, [r12, #4]               @ the tree's own word: only when it is written is late
    strne   r1, [r12, #4]
    b       after_clean

@ Caches off. r0-r5, r9-r12, lr are free; r6 is kept in TPIDRURW.
    .global broken_off
broken_off:
    faults  r0
    tst     r0, #F_SETS_FIRST
    blne    clean_invalidate_all
    faults  r0
    ldr     r3, .Lbroken_hsctlr
    tst     r0, #F_CACHES_ON
    orrne   r3, r3, #4
    mcr     p15, 4, r3, c1, c0, 0       @ HSCTLR
    tst     r0, #F_NO_ISB
    bne     after_off
    isb
    b       after_off
.Lbroken_hsctlr:
    .word   HSCTLR_OFF

    .global broken_sets
broken_sets:
    faults  r0
    tst     r0, #F_NO_SETS | F_SETS_FIRST
    bne     after_sets
    ldr     r1, .Lbroken_sets
    tst     r0, r1
    beq     resume_sets
    tst     r0, #F_LEVEL_2_FIRST
    movne   r1, #2
    moveq   r1, #0
    bl      1f
    tst     r0, #F_LEVEL_2_FIRST
    moveq   r1, #2
    movne   r1, #0
    bl      1f
    mov     r1, #0
    mcr     p15, 2, r1, c0, c0, 0       @ CSSELR
    isb
    b       after_sets
@ One level, r1 = level << 1.
1:  cmp     r1, #0
    moveq   r2, #F_NO_LEVEL_1
    movne   r2, #F_NO_LEVEL_2
    tst     r0, r2
    bxne    lr
    mov     r2, lr
    mcr     p15, 2, r1, c0, c0, 0       @ CSSELR
    isb
    mrc     p15, 1, r3, c0, c0, 0       @ CCSIDR
    and     r4, r3, #7
    add     r4, r4, #4
    ubfx    r5, r3, #3, #10             @ ways - 1
    ubfx    r9, r3, #13, #15            @ sets - 1
    clz     r10, r5
    tst     r0, #F_SKIP_WAY
    moveq   lr, #0                      @ the last way done: 0, or 1
    movne   lr, #1
    tst     r0, #F_SKIP_SET             @ the last set: 0, or 1
    moveq   r6, #0
    movne   r6, #1
2:  mov     r12, r9
3:  lsl     r11, r5, r10
    orr     r11, r11, r12, lsl r4
    orr     r11, r11, r1
    tst     r0, #F_SETS_DROP
    mcrne   p15, 0, r11, c7, c6, 2      @ DCISW
    mcreq   p15, 0, r11, c7, c14, 2     @ DCCISW
    sub     r12, r12, #1
    cmp     r12, r6
    bge     3b
    sub     r5, r5, #1
    cmp     r5, lr
    bge     2b
    dsb
    bx      r2
.Lbroken_sets:
    .word   F_NO_LEVEL_1 | F_NO_LEVEL_2 | F_SKIP_WAY | F_SKIP_SET | F_SETS_DROP | F_LEVEL_2_FIRST

    .global broken_forget
broken_forget:
    faults  r0
    mov     r3, #0
    tst     r0, #F_NO_TLBIALLH
    mcreq   p15, 4, r3, c8, c7, 0       @ TLBIALLH
    tst     r0, #F_NO_TLBIALLNSNH
    mcreq   p15, 4, r3, c8, c7, 4       @ TLBIALLNSNH
    tst     r0, #F_NO_ICIALLU
    mcreq   p15, 0, r3, c7, c5, 0       @ ICIALLU
    tst     r0, #F_NO_BPIALL
    mcreq   p15, 0, r3, c7, c5, 6       @ BPIALL
    tst     r0, #F_NO_LAST_DSB
    bne     1f
    dsb
1:  tst     r0, #F_NO_ISB
    bne     after_forget
    isb
    b       after_forget

@ The two that follow, before the jump.
    .irp    name, settle, seen
    .global broken_\name
broken_\name:
    faults  r0
    tst     r0, #F_NO_ISB
    bne     after_\name
    isb
    b       after_\name
    .endr

    .global broken_pl1
broken_pl1:
    faults  r1
    ldr     r0, .Lbroken_sctlr
    tst     r1, #F_PL1_ON
    orrne   r0, r0, #5                  @ M and C
    mcr     p15, 0, r0, c1, c0, 0       @ SCTLR
    tst     r1, #F_NO_ISB
    bne     after_pl1
    isb
    b       after_pl1
.Lbroken_sctlr:
    .word   SCTLR_OFF

@ r0 = the vectors, r2 = the mode.
    .global broken_vectors
broken_vectors:
    faults  r1
    tst     r1, #F_VECTORS
    mrcne   p15, 0, r0, c13, c0, 4      @ the entry
    b       resume_vectors

@ The MMU on, and nothing else: with tables that let the payload run, or nobody would see it.
    .global broken_leave
broken_leave:
    faults  r3
    tst     r3, #F_MMU_ON
    beq     1f
    mov     r12, #0
    adr     r3, .Lflat
    mcrr    p15, 4, r3, r12, c2         @ HTTBR
    isb
    ldr     r3, .Lbroken_mmu_on
    mcr     p15, 4, r3, c1, c0, 0       @ HSCTLR
    isb
1:  mov     r3, #0
    mcr     p15, 0, r3, c13, c0, 3
    b       resume_leave
.Lbroken_mmu_on:
    .word   HSCTLR_OFF | 1
@ Four blocks of 1 GiB, each to itself: Normal (attribute 0), outer shareable, all access, used.
    .balign 32
.Lflat:
    .irp    gigabyte, 0, 1, 2, 3
    .word   \gigabyte << 30 | 1 << 10 | 2 << 8 | 1 << 6 | 1, 0
    .endr

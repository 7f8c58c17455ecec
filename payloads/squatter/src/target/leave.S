@ The ways out, and who answers HVC afterwards.

    .syntax unified
    .arch armv7-a
    .arch_extension virt
    .arm

    .section .text.leave, "ax", %progbits

@ r0 = image, r1 = tree. Enters in HYP with interrupts masked (there is one pending, for vectors
@ of ours) and data big-endian.
    .global leave_from_hyp
    .type leave_from_hyp, %function
leave_from_hyp:
    mov     lr, r0
    mov     r2, r1
    mov     r0, #0
    mvn     r1, #0
    cpsid   aif
    setend  be
    bx      lr

@ r0 = image, r1 = tree, r2 = address to touch, r3 = its descriptor, [sp] = the descriptor's low
@ word as it should be. Goes to SVC, has the TLB load what the descriptor says now, corrects it,
@ and enters.
    .global leave_from_svc
    .type leave_from_svc, %function
leave_from_svc:
    ldr     r4, [sp]
    adr     r5, 1f
    msr     ELR_hyp, r5
    mov     r5, #0x1d3              @ SVC, all masked
    msr     SPSR_cxsf, r5
    eret
1:  ldr     r5, [r2]
    str     r4, [r3]
    dsb
    mov     lr, r0
    mov     r2, r1
    mov     r0, #0
    mvn     r1, #0
    bx      lr

@ As Linux's stub: 0 sets the vectors to r1, 1 goes to r1 in HYP, all else is an error.
    .balign 32
    .global stub_vectors
stub_vectors:
    .rept 5
    b       .
    .endr
    b       stub                    @ 0x14: HVC from PL1
    b       .
    b       .
stub:
    cmp     r0, #1
    bxeq    r1
    cmp     r0, #0
    mcreq   p15, 4, r1, c12, c0, 0
    moveq   r0, #0
    movwne  r0, #0xca11
    movtne  r0, #0x0bad
    eret

@ As Linux's stub before 4.12: -1 returns the vectors, all else sets them.
    .balign 32
    .global old_stub_vectors
old_stub_vectors:
    .rept 5
    b       .
    .endr
    b       old_stub
    b       .
    b       .
old_stub:
    cmn     r0, #1
    mrceq   p15, 4, r0, c12, c0, 0
    mcrne   p15, 4, r0, c12, c0, 0
    eret

@ A hypervisor that keeps HYP: not supported, by the SMC calling convention (ARM DEN 0028).
    .balign 32
    .global none_vectors
none_vectors:
    .rept 5
    b       .
    .endr
    b       none
    b       .
    b       .
none:
    mvn     r0, #0
    eret

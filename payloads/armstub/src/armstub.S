@ Every processor comes here out of reset, in secure SVC, and goes on in HYP: the first to QEMU's
@ boot code and so to the kernel, the others into a loop until somebody writes an address to their
@ mailbox 3 (Linux's enable-method "brcm,bcm2836-smp").
@ No stack, no data. Any register may be used.

    .syntax unified
    .arch armv7-a
    .arch_extension virt
    .arch_extension sec
    .arm

    .equ SCR_NS, 1 << 0                 @ DDI 0406C B4.1.129
    .equ SCR_FW_AW, 3 << 4
    .equ SCR_SCD, 1 << 7                @ no SMC any more: there is nobody to take it
    .equ SCR_HCE, 1 << 8
    .equ HYP_MASKED, 0x1da              @ HYP; A, I and F masked
    .equ QEMU_BOOT, 0x0c                @ its boot code behind the call of its own board setup
    .equ MAILBOXES, 0x400000cc          @ mailbox 3 of processor 0, read and clear (QA7
                                        @ rev. 3.4, 4.8)
    .equ MAILBOX_CONTROL, 0x40000050    @ and which of them interrupt it
    .equ MAILBOX_3, 1 << 3

    .section .head, "ax", %progbits
    .global _start
    .type _start, %function
_start:
    mrc     p15, 0, r0, c1, c0, 1       @ ACTLR.SMP: in the coherency of the cluster
    orr     r0, r0, #(1 << 6)
    mcr     p15, 0, r0, c1, c0, 1
    ldr     r0, =0x3fff
    mcr     p15, 0, r0, c1, c1, 2       @ NSACR: coprocessors for everybody
    adr     r0, monitor_vectors
    mcr     p15, 0, r0, c12, c0, 1      @ MVBAR
    isb
    smc     #0

    .balign 32
monitor_vectors:
    b       .
    b       .
    b       in_monitor                  @ 0x08: SMC
    .rept 5
    b       .
    .endr

in_monitor:
    ldr     r0, =(SCR_NS | SCR_FW_AW | SCR_SCD | SCR_HCE)
    mcr     p15, 0, r0, c1, c1, 0       @ SCR
    isb
    mov     r0, #0
    mcrr    p15, 4, r0, r0, c14         @ CNTVOFF, of HYP's and non-secure
    ldr     r0, =HYP_MASKED
    msr     spsr_cxsf, r0
    adr     lr, in_hyp
    movs    pc, lr

in_hyp:
    mrc     p15, 0, r0, c0, c0, 5       @ MPIDR
    ands    r0, r0, #3
    mov     r4, #QEMU_BOOT
    bxeq    r4
    ldr     r1, =MAILBOXES
    add     r1, r1, r0, lsl #4
    ldr     r3, =MAILBOX_CONTROL
    add     r3, r3, r0, lsl #2
    mov     r4, #MAILBOX_3
    str     r4, [r3]
1:  wfi                                 @ ends by an interrupt, masked or not: a host's time is dear
    ldr     r2, [r1]
    cmp     r2, #0
    beq     1b
    mov     r4, #0
    str     r4, [r3]
    str     r2, [r1]                    @ ones clear
    bx      r2
    .ltorg

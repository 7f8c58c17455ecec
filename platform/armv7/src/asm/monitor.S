@ The monitor: from secure state to HYP, and what stays in secure state. docs/boot-flow.md, "Secure
@ entry", says what each register is set to and why.
@
@ Everything up to the end of psci.S is one piece without relocations, which runs wherever it is
@ copied to: first in the image, as it was loaded, then in pages of its own (monitor/mod.rs). It is
@ small and slow on purpose: MMU and caches are off in secure state, so that all its data is
@ strongly ordered and every processor sees it, those included that have just come out of reset.
@
@ MVBAR is the piece's start, by which it finds its data. sp of Monitor mode points to the end of
@ this processor's record, which ends in a stack.

    .syntax unified
    .arch armv7-a
    .arch_extension virt
    .arch_extension sec
    .arm

    .equ MODE_MASK, 0x1f
    .equ MODE_MON, 0x16
    .equ HYP_MASKED, 0x1da              @ CPSR: HYP, A, I and F masked, ARM, little endian
    .equ PSR_T, 1 << 5
    @ SCR (DDI 0406C B4.1.129): NS; FW and AW, non-secure state may mask what is its own; HCE. No
    @ exception comes here but SMC (IRQ, FIQ, EA, SCD = 0).
    .equ SCR_NON_SECURE, 1 << 0 | 1 << 4 | 1 << 5 | 1 << 8
    .equ SCR_SCD, 1 << 7
    .equ ACTLR_IBE, 1 << 0
    .equ ACTLR_SMP, 1 << 6
    .equ NSACR_CP10_CP11, 3 << 10
    .equ NSACR_NS_SMP, 1 << 18
    @ Plan::encode
    .equ DATA_CPUS, 0
    .equ DATA_FLAGS, 4
    .equ DATA_FREQUENCY, 8
    .equ DATA_EVERY_CPU, 12
    .equ DATA_NOW, 16
    .equ DATA_RESET, 20
    .equ DATA_POWER_OFF, 24
    .equ DATA_HEAD, 64
    .equ FIRST_STACK, 64
    .equ FLAG_GIC_SYSTEM_REGISTERS, 1
    .equ CPU_AFFINITY, 0
    .equ CPU_STATE, 4
    .equ CPU_PARKED, 8
    .equ CPU_LOCK, 12
    .equ CPU_ENTRY, 16
    .equ CPU_CONTEXT, 20
    .equ CPU_START, 24
    .equ CPU_RECORD, 128
    .equ STATE_ON, 0
    .equ STATE_OFF, 1
    .equ STATE_PENDING, 2

    .section .text.monitor, "ax", %progbits
    .balign 64
    .global monitor_start
@ MVBAR, and VBAR of secure state: an abort of one of the steps comes there.
monitor_start:
    b       monitor_stop
    b       monitor_stop
    b       monitor_call                @ 0x08 SMC
    b       monitor_stop                @ 0x0c Prefetch Abort
    b       monitor_stop                @ 0x10 Data Abort
    b       monitor_stop
    b       monitor_stop
    b       monitor_stop
@ 0x20: a processor out of reset, or out of the pen that a first stage held it in: secure SVC, MMU
@ and caches off, nothing else known. Its own data cache is left alone: every processor with the
@ virtualization extensions empties it by itself when it is reset.
monitor_secondary:
    cpsid   aif
    setend  le
    cps     #MODE_MON
    adr     r0, monitor_start
    mcr     p15, 0, r0, c12, c0, 1      @ MVBAR
    isb
    bl      find_data
    bl      find_own_record
    cmp     r8, #0
    beq     monitor_stop                @ nobody knows this one
@ Also where CPU_OFF ends. A pen may let out all that are in it for one that was asked for: the
@ others wait here. r4 = data, r8 = record.
monitor_wait:
    mov     r0, #1
    str     r0, [r8, #CPU_PARKED]
    dsb
1:  ldr     r0, [r8, #CPU_STATE]
    cmp     r0, #STATE_PENDING
    wfene
    bne     1b
    mov     r0, #0
    str     r0, [r8, #CPU_PARKED]
    add     sp, r8, #CPU_RECORD
    bl      reset_secure
    bl      open_devices
    bl      reset_non_secure
    ldr     lr, [r8, #CPU_ENTRY]
    mov     r1, #HYP_MASKED & 0xff
    orr     r1, r1, #HYP_MASKED & 0xf00
    tst     lr, #1                      @ PSCI: Thumb
    orrne   r1, r1, #PSR_T
    bic     lr, lr, #1
    msr     spsr_fsxc, r1
    mov     r1, #STATE_ON
    str     r1, [r8, #CPU_STATE]
    dsb                                 @ it is on before it does anything
    ldr     r0, [r8, #CPU_CONTEXT]
    movs    pc, lr

@ Where HYP's and PL1's vectors point until a started kernel sets its own, and where monitor mode
@ ends if something goes wrong in it.
    .balign 32
monitor_parked_vectors:
    .rept 8
    b       monitor_stop
    .endr
monitor_stop:
    wfe
    b       monitor_stop

@ Called in secure PL1; returns in HYP, or where it was called if there is no way to Monitor mode.
@ Keeps r7 and r12.
    .global monitor_boot
    .type monitor_boot, %function
monitor_boot:
    mov     r9, lr                      @ lr is banked
    cps     #MODE_MON
    mrs     r0, cpsr
    and     r0, r0, #MODE_MASK
    cmp     r0, #MODE_MON
    bxne    r9
    adr     r0, monitor_start
    mcr     p15, 0, r0, c12, c0, 1      @ MVBAR
    isb
    bl      find_data
    add     sp, r4, #DATA_HEAD + FIRST_STACK
    bl      reset_secure
    bl      reset_non_secure
    mov     r0, #HYP_MASKED & 0xff
    orr     r0, r0, #HYP_MASKED & 0xf00
    msr     spsr_fsxc, r0
    mov     lr, r9
    movs    pc, lr

@ r4 = data. Clobbers r0.
find_data:
    mrc     p15, 0, r4, c12, c0, 1      @ MVBAR
    ldr     r0, .Ldata_offset
    add     r4, r4, r0
    bx      lr

@ r8 = this processor's record, 0 if it has none. r4 = data. Clobbers r0, r5, r6.
find_own_record:
    mrc     p15, 0, r0, c0, c0, 5       @ MPIDR
    bic     r0, r0, #0xff000000
@ The same for the processor of affinity r0.
find_record:
    ldr     r5, [r4, #DATA_CPUS]
    add     r8, r4, #DATA_HEAD
1:  subs    r5, r5, #1
    movlo   r8, #0
    bxlo    lr
    ldr     r6, [r8, #CPU_AFFINITY]
    cmp     r6, r0
    bxeq    lr
    add     r8, r8, #CPU_RECORD
    b       1b

@ What secure state has of its own. Leaves SCR.NS = 0. r4 = data. Clobbers r0-r3.
reset_secure:
    mov     r1, #0
    mcr     p15, 0, r1, c1, c1, 0       @ SCR: the secure copies are meant from here on
    isb
    ldr     r0, .Lsecure_sctlr
    mcr     p15, 0, r0, c1, c0, 0       @ SCTLR: MMU and caches off
    mrc     p15, 0, r0, c12, c0, 1      @ MVBAR
    mcr     p15, 0, r0, c12, c0, 0      @ VBAR
    mcr     p15, 0, r1, c14, c2, 1      @ CNTP_CTL = 0
    isb
    mcr     p15, 0, r1, c8, c7, 0       @ TLBIALL
    mcr     p15, 0, r1, c7, c5, 0       @ ICIALLU
    mcr     p15, 0, r1, c7, c5, 6       @ BPIALL
    dsb                                 @ invalidations complete
    isb
    mov     r1, #NSACR_CP10_CP11
    @ Cortex-A7 and A15 take part in coherency when ACTLR.SMP says so, which must be before their
    @ caches or MMU are on, and non-secure state may change it by NSACR.NS_SMP alone.
    @ A15 has ACTLR.IBE too: without it ICIALLU, which Linux counts on against Spectre, leaves the
    @ branch target buffer as it is.
    mrc     p15, 0, r0, c0, c0, 0       @ MIDR
    bic     r2, r0, #0x00f00000         @ variant
    bic     r2, r2, #0x8f               @ revision; A15's part differs from A7's in bit 7 alone
    ldr     r3, .Lcortex_a7
    cmp     r2, r3
    bne     1f
    tst     r0, #1 << 7
    mrc     p15, 0, r0, c1, c0, 1       @ ACTLR
    orrne   r0, r0, #ACTLR_IBE
    orr     r0, r0, #ACTLR_SMP
    mcr     p15, 0, r0, c1, c0, 1
    orr     r1, r1, #NSACR_NS_SMP
1:  mcr     p15, 0, r1, c1, c1, 2       @ NSACR
    isb
    bx      lr

@ What the plan says of each processor. SCR.NS = 0. r4 = data. Clobbers r0-r3, r5, r6, r10.
open_devices:
    mov     r10, lr
    mrc     p15, 0, r0, c14, c0, 0      @ CNTFRQ
    cmp     r0, #0
    ldreq   r0, [r4, #DATA_FREQUENCY]
    mcreq   p15, 0, r0, c14, c0, 0
    ldr     r0, [r4, #DATA_EVERY_CPU]
    add     r0, r0, r4
    bl      carry_out
    ldr     r0, [r4, #DATA_FLAGS]
    tst     r0, #FLAG_GIC_SYSTEM_REGISTERS
    bxeq    r10
    @ GICv3 (IHI 0069, 12.7): system registers here, in HYP and in PL1; nothing of group 0 or secure
    @ group 1; and a priority mask that non-secure state may change, which below 0x80 it may not.
    mrc     p15, 6, r0, c12, c12, 5     @ ICC_MSRE
    orr     r0, r0, #9                  @ SRE, Enable
    mcr     p15, 6, r0, c12, c12, 5
    isb
    mrc     p15, 0, r0, c12, c12, 5     @ ICC_SRE, secure
    orr     r0, r0, #1
    mcr     p15, 0, r0, c12, c12, 5
    isb
    mov     r0, #0
    mcr     p15, 6, r0, c12, c12, 7     @ ICC_MGRPEN1
    mcr     p15, 0, r0, c12, c12, 6     @ ICC_IGRPEN0
    mov     r0, #0xff
    mcr     p15, 0, r0, c4, c6, 0       @ ICC_PMR
    mov     r1, #1
    mcr     p15, 0, r1, c1, c1, 0       @ SCR.NS
    isb
    mrc     p15, 4, r0, c12, c9, 5      @ ICC_HSRE
    orr     r0, r0, #9
    mcr     p15, 4, r0, c12, c9, 5
    isb
    mrc     p15, 0, r0, c12, c12, 5     @ ICC_SRE, non-secure
    orr     r0, r0, #1
    mcr     p15, 0, r0, c12, c12, 5
    mov     r1, #0
    mcr     p15, 0, r1, c1, c1, 0       @ SCR
    isb
    bx      r10

@ What HYP and non-secure PL1 start with, at the values of a reset where a payload sees them:
@ until now these copies were nobody's, and are UNKNOWN. Leaves SCR.NS = 1. Clobbers r0-r4, r10.
reset_non_secure:
    mov     r10, lr
    ldr     r0, .Lscr
    mcr     p15, 0, r0, c1, c1, 0       @ SCR
    isb
    ldr     r0, .Lmonitor_hsctlr
    mcr     p15, 4, r0, c1, c0, 0       @ HSCTLR
    ldr     r0, .Lsecure_sctlr
    mcr     p15, 0, r0, c1, c0, 0       @ SCTLR
    isb
    adr     r0, monitor_parked_vectors
    mcr     p15, 4, r0, c12, c0, 0      @ HVBAR
    mcr     p15, 0, r0, c12, c0, 0      @ VBAR
    bl      settle_hyp
    bl      settle_pl1
    mcr     p15, 4, r3, c2, c0, 2       @ HTCR = 0
    mcr     p15, 4, r3, c2, c1, 2       @ VTCR = 0
    mcr     p15, 0, r3, c3, c0, 0       @ DACR = 0
    mcr     p15, 2, r3, c0, c0, 0       @ CSSELR = 0
    mcr     p15, 0, r3, c13, c0, 2      @ TPIDRURW = 0
    mcr     p15, 0, r3, c13, c0, 3      @ TPIDRURO
    mcr     p15, 0, r3, c13, c0, 4      @ TPIDRPRW
    isb
    mcr     p15, 4, r3, c8, c7, 0       @ TLBIALLH
    mcr     p15, 4, r3, c8, c7, 4       @ TLBIALLNSNH
    dsb                                 @ invalidations complete
    isb
    bx      r10

@ HYP's registers as a payload is owed them (docs/boot-flow.md, step 8): nothing traps, nothing is
@ offset, the identity registers tell the truth. In HYP, or in Monitor mode with SCR.NS = 1; the
@ handoff calls it too. Leaves r3 = 0. Clobbers r0, r4.
    .global settle_hyp
    .type settle_hyp, %function
settle_hyp:
    mov     r3, #0
    mov     r4, #0
    mcr     p15, 4, r3, c1, c1, 0       @ HCR = 0
    mcr     p15, 4, r3, c1, c1, 3       @ HSTR = 0
    mcr     p15, 4, r3, c1, c1, 7       @ HACR = 0
    movw    r0, #0x33ff                 @ HCPTR's reset value: absent coprocessors alone
    mcr     p15, 4, r0, c1, c1, 2
    mrc     p15, 0, r0, c0, c1, 2       @ ID_DFR0
    ubfx    r0, r0, #24, #4             @ performance monitors: 0 or 15, no PMCR to read
    add     r0, r0, #1
    tst     r0, #0xe
    moveq   r0, #0
    mrcne   p15, 0, r0, c9, c12, 0      @ PMCR
    ubfx    r0, r0, #11, #5             @ N
    mcr     p15, 4, r0, c1, c1, 1       @ HDCR = HPMN alone
    mcrr    p15, 6, r3, r4, c2          @ VTTBR = 0
    mcrr    p15, 4, r3, r4, c2          @ HTTBR = 0
    mcrr    p15, 4, r3, r4, c14         @ CNTVOFF = 0
    mov     r0, #3
    mcr     p15, 4, r0, c14, c1, 0      @ CNTHCTL: PL1 may use the physical counter and timer
    mcr     p15, 4, r3, c14, c2, 1      @ CNTHP_CTL = 0
    mrc     p15, 0, r0, c0, c0, 0       @ MIDR
    mcr     p15, 4, r0, c0, c0, 0       @ VPIDR
    mrc     p15, 0, r0, c0, c0, 5       @ MPIDR
    mcr     p15, 4, r0, c0, c0, 5       @ VMPIDR
    mcr     p15, 4, r3, c13, c0, 2      @ HTPIDR = 0
    bx      lr

@ PL1's, likewise; the ISB is the caller's. r3 = 0. Clobbers r0.
    .global settle_pl1
    .type settle_pl1, %function
settle_pl1:
    mcr     p15, 0, r3, c2, c0, 2       @ TTBCR = 0
    mcr     p15, 0, r3, c2, c0, 0       @ TTBR0
    mcr     p15, 0, r3, c2, c0, 1       @ TTBR1
    mcr     p15, 0, r3, c13, c0, 1      @ CONTEXTIDR
    mrc     p15, 0, r0, c0, c1, 1       @ ID_PFR1
    tst     r0, #(0xf << 16)            @ the generic timer, which Cortex-A9 has not
    mcrne   p15, 0, r3, c14, c2, 1      @ CNTP_CTL = 0
    mcrne   p15, 0, r3, c14, c3, 1      @ CNTV_CTL = 0
    bx      lr

@ Carries out the steps at r0 (platform_api::Step::words). Clobbers r0-r3, r5, r6.
carry_out:
1:  ldr     r1, [r0]
    cmp     r1, #0
    bxeq    lr
    ldm     r0!, {r1-r3}
    cmp     r1, #5                      @ Delay
    beq     2f
    cmp     r1, #4                      @ WriteEntry
    mrceq   p15, 0, r3, c12, c0, 1      @ MVBAR
    addeq   r3, r3, #monitor_secondary - monitor_start
    cmp     r1, #2                      @ Set
    ldreq   r5, [r2]
    orreq   r3, r3, r5
    cmp     r1, #3                      @ Clear
    ldreq   r5, [r2]
    biceq   r3, r5, r3
    str     r3, [r2]
    dsb                                 @ done before the next
    b       1b
2:  mrc     p15, 0, r1, c14, c0, 0      @ CNTFRQ
    umull   r3, r6, r1, r2              @ ticks in 2^19 microseconds of a second: a little long
    lsr     r3, r3, #19
    orr     r3, r3, r6, lsl #13
    isb
    mrrc    p15, 0, r5, r6, c14         @ CNTPCT
3:  isb
    mrrc    p15, 0, r1, r2, c14
    sub     r1, r1, r5
    cmp     r1, r3
    blo     3b
    b       1b

@ A call from non-secure state: r0 = function, r1-r3 = arguments; the answer in r0. Every other
@ register is as it was.
monitor_call:
    push    {r1-r10, r12, lr}
    mov     r9, r0
    bl      find_data
    ldr     r0, [r4, #DATA_CPUS]
    cmp     r0, #0
    bne     psci_call
    @ Not in our own pages yet: one of two calls (resident.rs), each of which is the last of its
    @ kind. CLOSE: there are no pages to go to, and nobody may call from now on.
    ldr     r0, .Linstall
    sub     r0, r9, r0
    cmp     r0, #1
    mvnhi   r0, #0                      @ NOT_SUPPORTED
    bhi     monitor_return
    bne     1f
    ldr     r0, .Lscr
    orr     r0, r0, #SCR_SCD            @ SMC is Undefined
    mcr     p15, 0, r0, c1, c1, 0
    mov     r0, #0
    b       monitor_return
    @ INSTALL: r1 = pages, r2 = data, r3 = words of it.
1:  mrc     p15, 0, r5, c12, c0, 1      @ MVBAR
    mov     r6, r1
2:  ldr     r0, [r5], #4
    str     r0, [r6], #4
    cmp     r5, r4                      @ code ends where data begins
    blo     2b
3:  ldr     r0, [r2], #4
    str     r0, [r6], #4
    subs    r3, r3, #1
    bne     3b
    mcr     p15, 0, r1, c12, c0, 1      @ MVBAR
    dsb                                 @ the copy is in memory
    mcr     p15, 0, r3, c7, c5, 0       @ ICIALLU
    mcr     p15, 0, r3, c7, c5, 6       @ BPIALL
    dsb                                 @ invalidations complete
    isb                                 @ and seen by this CPU's fetch
    ldr     r0, .Linstalled_offset
    add     r1, r1, r0
    mov     r9, sp
    bx      r1                          @ the rest in the copy
.Linstalled:
    bl      reset_secure
    bl      find_data
    bl      find_own_record
    ldr     r0, [r4, #DATA_NOW]
    add     r0, r0, r4
    bl      carry_out
    bl      open_devices
    ldr     r0, .Lscr
    mcr     p15, 0, r0, c1, c1, 0       @ SCR
    isb
    adr     r0, monitor_parked_vectors
    mcr     p15, 0, r0, c12, c0, 0      @ VBAR, non-secure: it was in the image
    add     r0, r8, #CPU_RECORD         @ our stack from now on
    mov     sp, r9
    pop     {r1-r10, r12, lr}
    mov     sp, r0
    mov     r0, #0
    movs    pc, lr
monitor_return:                         @ r0 = answer
    pop     {r1-r10, r12, lr}
    movs    pc, lr

    .balign 4
.Ldata_offset:
    .word   monitor_data - monitor_start
.Linstalled_offset:
    .word   .Linstalled - monitor_start
.Lscr:
    .word   SCR_NON_SECURE
.Lsecure_sctlr:
    .word   SCTLR_OFF
.Lmonitor_hsctlr:
    .word   HSCTLR_OFF
.Lcortex_a7:
    .word   0x410fc070
.Linstall:
    .word   0x82000b01                  @ resident.rs: INSTALL

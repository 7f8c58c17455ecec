@ The monitor's PSCI 1.0 (DEN 0022), 32-bit functions. Goes on where monitor.S ends.

    .equ PSCI_1_0, 0x00010000
    .equ SMCCC_VERSION, 0x80000000
    .equ SMCCC_1_1, 0x00010001
    .equ FIRST_FUNCTION, 0x84000000
    .equ MIGRATION_NOT_REQUIRED, 2
    .equ NOT_SUPPORTED, -1
    .equ INVALID_PARAMETERS, -2
    .equ ALREADY_ON, -4
    .equ ON_PENDING, -5
    .equ INTERNAL_FAILURE, -6

    .macro answer value
    mvn     r0, #-1 - (\value)          @ small negative numbers
    b       monitor_return
    .endm

@ r9 = function, r1-r3 = arguments, r4 = data.
psci_call:
    sub     r0, r9, #FIRST_FUNCTION
    cmp     r0, #10
    addls   pc, pc, r0, lsl #2          @ pc: two instructions on
    b       .Lsmccc
    b       .Lversion                   @ 0x84000000
    b       .Lsuspend
    b       .Lcpu_off
    b       .Lcpu_on
    b       .Laffinity_info             @ 0x84000004
    b       .Lnot_supported             @ MIGRATE
    b       .Lmigrate_info_type
    b       .Lnot_supported             @ MIGRATE_INFO_UP_CPU
    b       .Lsystem_off                @ 0x84000008
    b       .Lsystem_reset
    b       .Lfeatures                  @ 0x8400000a
.Lsmccc:
    sub     r0, r9, #SMCCC_VERSION      @ SMC calling convention (DEN 0028)
    cmp     r0, #1
    blo     1f
    bhi     .Lnot_supported
    sub     r0, r1, #SMCCC_VERSION      @ SMCCC_ARCH_FEATURES: of itself and the version alone
    cmp     r0, #1
    bls     .Lsuccess
.Lnot_supported:
    answer  NOT_SUPPORTED
1:  ldr     r0, .Lsmccc_1_1
    b       monitor_return
.Lversion:
    mov     r0, #PSCI_1_0
    b       monitor_return
.Lmigrate_info_type:
    mov     r0, #MIGRATION_NOT_REQUIRED
    b       monitor_return
.Linvalid:
    answer  INVALID_PARAMETERS

@ r1 = power_state: bit 16 asks for the power to be turned off, which is not offered. Standby, then:
@ an interrupt ends it, masked or not.
.Lsuspend:
    tst     r1, #1 << 16
    bne     .Linvalid
    dsb
    wfi
.Lsuccess:
    mov     r0, #0
    b       monitor_return

@ r1 = affinity, r2 = level, of which there is one.
.Laffinity_info:
    cmp     r2, #0
    bne     .Linvalid
    mov     r0, r1
    bl      find_record
    cmp     r8, #0
    beq     .Linvalid
    ldr     r0, [r8, #CPU_STATE]
    b       monitor_return

@ r1 = function.
.Lfeatures:
    cmp     r1, #SMCCC_VERSION
    beq     .Lsuccess
    sub     r0, r1, #FIRST_FUNCTION
    cmp     r0, #10
    bhi     .Lnot_supported
    ldr     r2, .Loffered
    lsr     r2, r2, r0
    tst     r2, #1
    beq     .Lnot_supported
    cmp     r0, #9                      @ SYSTEM_RESET
    ldreq   r2, [r4, #DATA_RESET]
    beq     1f
    cmp     r0, #8                      @ SYSTEM_OFF
    bne     .Lsuccess
    ldr     r2, [r4, #DATA_POWER_OFF]
1:  ldr     r2, [r4, r2]
    cmp     r2, #0
    beq     .Lnot_supported             @ nothing does it here
    b       .Lsuccess

.Lsystem_off:
    ldr     r0, [r4, #DATA_POWER_OFF]
    b       1f
.Lsystem_reset:
    ldr     r0, [r4, #DATA_RESET]
1:  add     r0, r0, r4
    ldr     r1, [r0]
    cmp     r1, #0
    beq     .Lnot_supported
    bl      carry_out
    answer  INTERNAL_FAILURE            @ and we are still here

@ r1 = affinity, r2 = entry, r3 = context.
.Lcpu_on:
    mov     r0, r1
    bl      find_record
    movs    r7, r8
    beq     .Linvalid
    bl      find_own_record
    bl      lock
    ldr     r0, [r7, #CPU_STATE]
    cmp     r0, #STATE_OFF
    mvnlo   r9, #-1 - ALREADY_ON
    mvnhi   r9, #-1 - ON_PENDING
    bne     3f
    str     r2, [r7, #CPU_ENTRY]
    str     r3, [r7, #CPU_CONTEXT]
    dsb                                 @ before the state, which a parked processor waits for
    mov     r0, #STATE_PENDING
    str     r0, [r7, #CPU_STATE]
    dsb
    mov     r9, #0
    ldr     r0, [r7, #CPU_PARKED]
    cmp     r0, #0
    bne     2f
    ldr     r0, [r7, #CPU_START]
    add     r0, r0, r4
    ldr     r1, [r0]
    cmp     r1, #0
    bne     1f
    mov     r0, #STATE_OFF              @ nothing starts it here
    str     r0, [r7, #CPU_STATE]
    mvn     r9, #-1 - INTERNAL_FAILURE
    b       3f
1:  bl      carry_out
    dsb
2:  sev                                 @ for the one that is parked here, or in a pen
3:  mov     r0, #0
    dsb
    str     r0, [r8, #CPU_LOCK]
    dsb
    mov     r0, r9
    b       monitor_return

@ Waits until no other processor is in here: the one-bit algorithm, each processor with a word
@ that it alone writes, since exclusives do not work without caches. r4 = data, r8 = own record.
@ Clobbers r0, r5, r6.
lock:
    mov     r0, #1
    str     r0, [r8, #CPU_LOCK]
    dsb
    add     r5, r4, #DATA_HEAD
1:  cmp     r5, r8                      @ those before us in the list go first
    beq     3f
    ldr     r0, [r5, #CPU_LOCK]
    cmp     r0, #0
    addeq   r5, r5, #CPU_RECORD
    beq     1b
    mov     r0, #0
    str     r0, [r8, #CPU_LOCK]
    dsb
2:  ldr     r0, [r5, #CPU_LOCK]
    cmp     r0, #0
    bne     2b
    b       lock
3:  ldr     r6, [r4, #DATA_CPUS]
    add     r6, r4, r6, lsl #7          @ CPU_RECORD
    add     r6, r6, #DATA_HEAD
4:  add     r5, r5, #CPU_RECORD         @ those behind us leave, or wait for us
    cmp     r5, r6
    bxhs    lr
5:  ldr     r0, [r5, #CPU_LOCK]
    cmp     r0, #0
    bne     5b
    b       4b

@ Never returns. What this processor's own cache has goes to where the others see it; the levels
@ behind are theirs too. ACTLR.SMP stays: nothing cuts the power, and with caches off and empty a
@ processor that takes part in coherency only answers the others.
.Lcpu_off:
    bl      find_own_record
    ldr     r1, .Lsecure_sctlr
    ldr     r2, .Lmonitor_hsctlr
    mcr     p15, 4, r2, c1, c0, 0       @ HSCTLR, SCTLR: SCR.NS is 1; no walk brings lines in
    mcr     p15, 0, r1, c1, c0, 0
    isb
    mov     r1, #0
    mcr     p15, 2, r1, c0, c0, 0       @ CSSELR: level 1, data
    isb
    mrc     p15, 1, r0, c0, c0, 0       @ CCSIDR
    and     r1, r0, #7
    add     r1, r1, #4                  @ log2 of the line's bytes
    ubfx    r2, r0, #3, #10             @ ways - 1
    ubfx    r3, r0, #13, #15            @ sets - 1
    clz     r5, r2                      @ shift of the way field
1:  lsl     r6, r2, r5
    mov     r7, r3
2:  orr     r0, r6, r7, lsl r1
    mcr     p15, 0, r0, c7, c14, 2      @ DCCISW
    subs    r7, r7, #1
    bpl     2b
    subs    r2, r2, #1
    bpl     1b
    dsb                                 @ complete before anybody is told
    clrex
    mov     r0, #1
    str     r0, [r8, #CPU_PARKED]
    dsb
    mov     r0, #STATE_OFF
    str     r0, [r8, #CPU_STATE]
    dsb
    b       monitor_wait

    .balign 4
.Lsmccc_1_1:
    .word   SMCCC_1_1
.Loffered:                              @ one bit a function, from FIRST_FUNCTION on
    .word   0b11101011111

@ What the plan replaces: a head of zeros, whose lists are empty, and a first stack.
    .balign 64
    .global monitor_data
monitor_data:
    .space  DATA_HEAD + FIRST_STACK

@ Where firmware enters another CPU, with r0 = the context it was given: leaves its state in the
@ slot, and goes. No stack, no vectors of its own: what faults here does not come, and that is
@ reported.

    .syntax unified
    .arch armv7-a
    .arch_extension virt
    .arch_extension sec
    .arm

    .pushsection .head, "awx", %progbits
    .balign 4
    .global secondary_entry
    .type secondary_entry, %function
secondary_entry:
    mrs     r1, cpsr
    setend  le
    ldr     r2, .Lslot
.Lslot_here:
    add     r2, pc, r2
    str     r0, [r2, #{R0}]
    str     r1, [r2, #{CPSR}]
    mrc     p15, 0, r0, c0, c0, 5
    str     r0, [r2, #{MPIDR}]
    mrc     p15, 0, r0, c1, c0, 0
    str     r0, [r2, #{SCTLR}]
    and     r1, r1, #0x1f
    cmp     r1, #0x1a
    bne     1f
    mrc     p15, 4, r0, c1, c0, 0
    str     r0, [r2, #{HSCTLR}]
    mrc     p15, 4, r0, c1, c1, 0
    str     r0, [r2, #{HCR}]
1:  dmb                             @ the state before the word that says so
    mov     r0, #1
    str     r0, [r2, #{CAME}]
    dsb
    ldr     r3, [r2, #{CONDUIT}]
    movw    r0, #0x0002             @ CPU_OFF (ARM DEN 0022, 5.5)
    movt    r0, #0x8400
    cmp     r3, #0
    beq     2f
    hvc     #0
2:  smc     #0
3:  wfi                             @ firmware did not take it: AFFINITY_INFO will tell
    b       3b
    .global secondary_loop
    .type secondary_loop, %function
secondary_loop:
    wfe
    b       secondary_loop
.Lslot:
    .word   secondary_slot - .Lslot_here - 8
    .global secondary_slot
secondary_slot:
    .space  {SLOT_SIZE}
    .popsection

@ The exception vectors: HYP's, and PL1's for a machine without HYP. Position independent.
@ Each saves the interrupted registers on the exception stack (a page of its own, so that a
@ stack overflow can be reported) and calls baton_exception(frame, vector). If that returns,
@ r0 is the stack pointer that guarded_call saved: the faulting command is abandoned.

    .syntax unified
    .arch armv7-a
    .arch_extension virt
    .arm

    .equ MODE_SVC, 0x13
    .equ MODE_ABT, 0x17
    .equ PSR_A, 1 << 8

    .section .text.vectors, "ax", %progbits
    .balign 32
    .global hyp_vectors
hyp_vectors:
    b       .Lhyp0                      @ 0x00 not used
    b       .Lhyp1                      @ 0x04 Undefined Instruction
    b       .Lhyp2                      @ 0x08 HVC
    b       .Lhyp3                      @ 0x0c Prefetch Abort
    b       .Lhyp4                      @ 0x10 Data Abort
    b       .Lhyp5                      @ 0x14 Hyp Trap
    b       .Lhyp6                      @ 0x18 IRQ
    b       .Lhyp7                      @ 0x1c FIQ

@ HYP has one stack pointer, which may be what overflowed: HTPIDR keeps it.
    .macro hyp_entry number
.Lhyp\number:
    mcr     p15, 4, sp, c13, c0, 2      @ HTPIDR = interrupted sp
    ldr     sp, .Lexception_stack
.Lsp\number:
    add     sp, pc, sp                  @ = __exception_stack_top + ((.Lsp\number) - .Lsp1)
    sub     sp, sp, #(.Lsp\number - .Lsp1)
    push    {r0-r12}
    mov     r1, #\number
    b       hyp_common
    .endm

    hyp_entry 1
    hyp_entry 0
    hyp_entry 2
    hyp_entry 3
    hyp_entry 4
    hyp_entry 5
    hyp_entry 6
    hyp_entry 7
.Lexception_stack:
    .word   __exception_stack_top - (.Lsp1 + 8)

@ sp = r0-r12 saved; r1 = vector. Completes the frame: sp, lr, pc, psr follow r12.
hyp_common:
    sub     r0, sp, #16                 @ the frame is moved down: its tail goes above r12
    mov     r2, sp
    mov     sp, r0
    ldm     r2!, {r3-r10}
    stm     r0!, {r3-r10}
    ldm     r2!, {r3-r7}
    stm     r0!, {r3-r7}                @ r0 = &frame.sp
    mrc     p15, 4, r3, c13, c0, 2      @ sp
    mov     r4, lr                      @ HYP shares lr with the code interrupted
    mrs     r5, ELR_hyp
    mrs     r6, SPSR
    stm     r0, {r3-r6}
    b       exception_common

    .balign 32
    .global pl1_vectors
pl1_vectors:
    b       .Lpl1_0                     @ Reset: not taken
    b       .Lpl1_1
    b       .Lpl1_2
    b       .Lpl1_3
    b       .Lpl1_4
    b       .Lpl1_0
    b       .Lpl1_6
    b       .Lpl1_7

@ SRS brings every exception's return state to Abort mode's stack, whatever mode it came to.
    .macro pl1_entry number, adjust
.Lpl1_\number:
    sub     lr, lr, #\adjust            @ the preferred return: the instruction that faulted
    srsdb   sp!, #MODE_ABT
    cps     #MODE_ABT
    push    {r0-r12}
    mov     r1, #\number
    b       pl1_common
    .endm

    pl1_entry 0, 0
    pl1_entry 1, 4
    pl1_entry 2, 4
    pl1_entry 3, 4
    pl1_entry 4, 8
    pl1_entry 6, 4
    pl1_entry 7, 4

@ sp = r0-r12, pc, psr saved. Moves r0-r12 down by two words to make room for sp and lr.
pl1_common:
    sub     r0, sp, #8
    mov     r2, sp
    mov     sp, r0
    ldm     r2!, {r3-r10}
    stm     r0!, {r3-r10}
    ldm     r2!, {r3-r7}
    stm     r0!, {r3-r7}                @ r0 = &frame.sp; pc and psr are where they belong
    cps     #MODE_SVC
    mov     r3, sp
    mov     r4, lr
    cps     #MODE_ABT
    stm     r0, {r3, r4}

exception_common:
    mov     r0, sp
    bic     sp, sp, #7                  @ AAPCS
    mov     r7, #0                      @ the handler's own backtrace ends here
    bl      baton_exception
    @ Abandon the command: back to guarded_call's frame, in the loader's mode.
    mrs     r1, cpsr
    and     r1, r1, #0x1f
    cmp     r1, #MODE_ABT
    bne     guarded_resume
    @ The next exception starts with an empty stack again.
    ldr     r1, .Lpl1_stack
.Lpl1_here:
    add     sp, pc, r1
    cps     #MODE_SVC
    b       guarded_resume
.Lpl1_stack:
    .word   __exception_stack_top - (.Lpl1_here + 8)

@ Sets Abort mode's stack for the PL1 vectors. Called in SVC mode. Clobbers r0.
    .global set_abort_stack
    .type set_abort_stack, %function
set_abort_stack:
    ldr     r0, .Lset_stack
.Lset_here:
    add     r0, pc, r0
    cps     #MODE_ABT
    mov     sp, r0
    cps     #MODE_SVC
    bx      lr
.Lset_stack:
    .word   __exception_stack_top - (.Lset_here + 8)

@ u32 guarded_call(fn r0, data r1, slot r2): runs fn(data). Returns 0, or 1 if it faulted.
@ *slot = the innermost guard's stack pointer, 0 if there is none.
    .section .text.guarded_call, "ax", %progbits
    .global guarded_call
    .type guarded_call, %function
guarded_call:
    mrs     r3, cpsr
    push    {r3-r11, lr}
    ldr     r3, [r2]
    push    {r2, r3}
    str     sp, [r2]
    mov     r12, r0
    mov     r0, r1
    cpsie   a                           @ an asynchronous abort belongs to who caused it
    blx     r12
    mov     r0, #0
.Lguarded_exit:
    dsb                                 @ what is still under way aborts now
    isb
    cpsid   a
    pop     {r2, r3}
    str     r3, [r2]
    ldr     r3, [sp]                    @ CPSR as the caller had it
    tst     r3, #PSR_A
    bne     1f
    cpsie   a                           @ inside another guard: that one's aborts again
1:  pop     {r3-r11, pc}

@ r0 = the stack pointer guarded_call saved.
    .type guarded_resume, %function
guarded_resume:
    mov     sp, r0
    mov     r0, #1
    b       .Lguarded_exit

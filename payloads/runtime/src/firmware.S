@ u64 firmware_call(function r0, r1, r2, r3, hvc): calls firmware with a value of its own in each of
@ r4 to r11. Returns the answer in r0, and in r1 which bits of those did not come back.

    .syntax unified
    .arch armv7-a
    .arch_extension virt
    .arch_extension sec
    .arm

    .macro each what
    \what   r4, 0x14141414
    \what   r5, 0x25252525
    \what   r6, 0x36363636
    \what   r7, 0x47474747
    \what   r8, 0x58585858
    \what   r9, 0x69696969
    \what   r10, 0x7a7a7a7a
    \what   r11, 0x8b8b8b8b
    .endm
    .macro put register, value
    movw    \register, #(\value & 0xffff)
    movt    \register, #(\value >> 16)
    .endm
    .macro compare register, value
    put     r2, \value
    eor     r2, r2, \register
    orr     r1, r1, r2
    .endm

    .pushsection .text.firmware_call, "ax", %progbits
    .balign 4
    .global firmware_call
    .type firmware_call, %function
firmware_call:
    push    {r4-r12, lr}
    ldr     r12, [sp, #40]
    each    put
    cmp     r12, #0
    bne     1f
    smc     #0
    b       2f
1:  hvc     #0
2:  mov     r1, #0
    each    compare
    pop     {r4-r12, pc}
    .popsection

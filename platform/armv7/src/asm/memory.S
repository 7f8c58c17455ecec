@ memcpy, memmove and memset with their AEABI names (RTABI, IHI 0043, 4.3.4), memcmp and bcmp,
@ instead of compiler-builtins' weak ones, which take an instruction a byte and more: here a
@ copy takes 4 for 32 bytes.
@ Before the MMU is on all memory is strongly ordered and takes no unaligned words, so whole
@ words are read and written at multiples of 4 alone. A word that holds one byte of the source
@ may be read whole; nothing outside the destination is written.
@
@ Thumb code, because the compiler's tail calls (B.W) cannot change state. Clobbers r0-r3, r12
@ and the flags. r7 stays the frame pointer: what copies from a bad address is reported.

    .syntax unified
    .arch armv7-a
    .thumb

    .macro function names:vararg
    .irp name, \names
    .global \name
    .type \name, %function
    .thumb_func
\name:
    .endr
    .endm

@ A frame, and room for 8 words in r3-r6, r8-r10 and lr.
    .macro enter
    push    {r7, lr}
    mov     r7, sp
    push    {r4-r6, r8-r10}
    .endm
    .macro leave
    pop     {r4-r6, r8-r10}
    pop     {r7, lr}
    .endm

@ r0 = to, r1 = from, r2 = bytes. Returns r0. They may overlap.
    .section .text.memmove, "ax", %progbits
    .balign 4
    function memmove, __aeabi_memmove, __aeabi_memmove4, __aeabi_memmove8
    subs    r3, r0, r1
    cmp     r3, r2
    bhs     memcpy                      @ no byte is written before it is read, forwards
    add     r12, r0, r2                 @ backwards, from the ends
    add     r1, r1, r2
    lsls    r3, r3, #30
    bne     4f                          @ not aligned alike: byte by byte
1:  tst     r12, #3
    beq     2f
    subs    r2, r2, #1
    blo     6f
    ldrb    r3, [r1, #-1]!
    strb    r3, [r12, #-1]!
    b       1b
2:  subs    r2, r2, #32
    blo     8f
    enter
3:  ldmdb   r1!, {r3-r6, r8-r10, lr}
    stmdb   r12!, {r3-r6, r8-r10, lr}
    subs    r2, r2, #32
    bhs     3b
    leave
8:  adds    r2, r2, #28                 @ bytes left, less 4
    bmi     7f
5:  ldr     r3, [r1, #-4]!
    str     r3, [r12, #-4]!
    subs    r2, r2, #4
    bhs     5b
7:  adds    r2, r2, #4
4:  subs    r2, r2, #1
    blo     6f
    ldrb    r3, [r1, #-1]!
    strb    r3, [r12, #-1]!
    b       4b
6:  bx      lr

@ r0 = to, r1 = from, r2 = bytes. Returns r0.
    .section .text.memcpy, "ax", %progbits
    .balign 4
    function memcpy, __aeabi_memcpy, __aeabi_memcpy4, __aeabi_memcpy8
    mov     r12, r0
    cmp     r2, #8
    blo     7f
1:  tst     r12, #3                     @ at most 3 bytes to a multiple of 4
    beq     2f
    ldrb    r3, [r1], #1
    strb    r3, [r12], #1
    subs    r2, r2, #1
    b       1b
2:  ands    r3, r1, #3
    bne     9f
    subs    r2, r2, #32
    blo     4f
    enter
3:  ldm     r1!, {r3-r6, r8-r10, lr}
    stm     r12!, {r3-r6, r8-r10, lr}
    subs    r2, r2, #32
    bhs     3b
    leave
4:  adds    r2, r2, #28                 @ bytes left, less 4
    bmi     6f
5:  ldr     r3, [r1], #4
    str     r3, [r12], #4
    subs    r2, r2, #4
    bhs     5b
6:  adds    r2, r2, #4
7:  subs    r2, r2, #1
    blo     8f
    ldrb    r3, [r1], #1
    strb    r3, [r12], #1
    b       7b
8:  bx      lr

@ Not aligned alike: r3 = 1 to 3 bytes of the source's first word are another's. Each word of
@ the destination is made of two of the source's. r4, r5 = bits from the one and the other.
9:  subs    r2, r2, #8
    blo     13f
    enter
    lsl     r4, r3, #3
    rsb     r5, r4, #32
    sub     r1, r1, r3
    ldr     r3, [r1], #4
11: ldm     r1!, {r6, r8}               @ at least a byte of either is wanted
    lsr     r3, r3, r4
    lsl     r9, r6, r5
    orr     r3, r3, r9
    lsr     r6, r6, r4
    lsl     r9, r8, r5
    orr     r6, r6, r9
    stm     r12!, {r3, r6}
    mov     r3, r8
    subs    r2, r2, #8
    bhs     11b
    sub     r1, r1, r5, lsr #3          @ back to the first byte not copied
    leave
13: adds    r2, r2, #8
    b       7b

@ r0 = to, r1 = bytes, r2 = value.
    .section .text.memset, "ax", %progbits
    .balign 4
    function __aeabi_memclr, __aeabi_memclr4, __aeabi_memclr8
    movs    r2, #0
    function __aeabi_memset, __aeabi_memset4, __aeabi_memset8
    mov     r3, r1
    mov     r1, r2
    mov     r2, r3
@ r0 = to, r1 = value, r2 = bytes. Returns r0.
    function memset
    mov     r12, r0
    cmp     r2, #8
    blo     7f
    uxtb    r1, r1
    orr     r1, r1, r1, lsl #8
    orr     r1, r1, r1, lsl #16
1:  tst     r12, #3
    beq     2f
    strb    r1, [r12], #1
    subs    r2, r2, #1
    b       1b
2:  subs    r2, r2, #32
    blo     4f
    enter
    mov     r3, r1
    mov     r4, r1
    mov     r5, r1
    mov     r6, r1
    mov     r8, r1
    mov     r9, r1
    mov     r10, r1
3:  stm     r12!, {r1, r3-r6, r8-r10}
    subs    r2, r2, #32
    bhs     3b
    leave
4:  adds    r2, r2, #28                 @ bytes left, less 4
    bmi     6f
5:  str     r1, [r12], #4
    subs    r2, r2, #4
    bhs     5b
6:  adds    r2, r2, #4
7:  subs    r2, r2, #1
    blo     8f
    strb    r1, [r12], #1
    b       7b
8:  bx      lr

@ r0, r1 = from, r2 = bytes. Returns r0 < 0, 0 or > 0 as the first byte that differs does.
    .section .text.memcmp, "ax", %progbits
    .balign 4
    function memcmp, bcmp
    orr     r3, r0, r1
    lsls    r3, r3, #30
    bne     2f                          @ not both at multiples of 4: byte by byte
1:  subs    r2, r2, #4
    blo     4f
    ldr     r3, [r0], #4
    ldr     r12, [r1], #4
    cmp     r3, r12
    beq     1b
    sub     r0, r0, #4                  @ which byte of the word it is
    sub     r1, r1, #4
4:  adds    r2, r2, #4
2:  subs    r2, r2, #1
    blo     3f
    ldrb    r3, [r0], #1
    ldrb    r12, [r1], #1
    subs    r3, r3, r12
    beq     2b
    mov     r0, r3
    bx      lr
3:  movs    r0, #0
    bx      lr

@ `step NAME` and `end_step NAME` stand around what the broken-handoff build (broken.S) does wrong
@ on purpose. In every other build, this one, they are nothing.

    .macro step name
    .endm
    .macro end_step name
    .endm

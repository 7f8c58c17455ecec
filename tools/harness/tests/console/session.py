"""Talks to Baton on the terminal device that is given, by pexpect."""

import os
import sys
import time

import pexpect.fdpexpect

PROMPT = "\r\n=> "


def main():
    line = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
    console = pexpect.fdpexpect.fdspawn(line, timeout=60, encoding="utf-8")
    console.send("\r")
    console.expect_exact(PROMPT)

    def run(command):
        console.send(command + "\r")
        # The echo is verbatim, and ends as a line does.
        console.expect_exact(command + "\r\n")
        console.expect_exact(PROMPT)
        return console.before

    assert run("echo from ''pexpect") == "from pexpect"
    assert run("nosuch; echo $?") == "Unknown command 'nosuch' - try 'help'\r\n1"
    long = "x" * 2000
    assert run(f"echo {long}") == long
    # Lines sent without waiting are all run, in order.
    for number in range(50):
        console.send(f"echo line {number}\r")
    for number in range(50):
        console.expect_exact(f"\r\nline {number}\r\n=> ")
    console.send("while-not-a-command\x03")
    console.expect_exact("<INTERRUPT>\r\n=> ")
    # Nothing is sent that was not asked for.
    time.sleep(1)
    assert console.expect_exact([pexpect.TIMEOUT, "\x1b"], timeout=1) == 0
    assert "\x1b" not in console.before


main()
print("PASSED")

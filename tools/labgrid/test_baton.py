"""Baton as a lab's tests see it: everything here is labgrid's own, but the strategy."""

import pytest
from labgrid.driver import ExecutionError


@pytest.fixture
def baton(strategy, target):
    """Gives the driver of Baton's prompt."""
    strategy.transition("baton")
    return target.get_driver("UBootDriver", name="baton")


def test_prompt(baton):
    assert baton.run_check("echo hello   world") == ["hello world"]
    assert baton.run_check("") == []
    stdout, stderr, status = baton.run("printenv nosuch")
    assert (stdout, stderr, status) == (['## Error: "nosuch" not defined'], [], 1)
    with pytest.raises(ExecutionError):
        baton.run_check("frobnicate")


def test_output_of_many_lines(baton):
    lines = baton.run_check("md.b 40000000 1000")
    assert len(lines) == 0x100
    assert all(line.startswith(f"4000{16 * index:04x}: ") for index, line in enumerate(lines))


def test_variables_and_files(baton):
    baton.run_check("setenv greeting 'hello; world'")
    assert baton.run_check("printenv greeting") == ["greeting=hello; world"]
    assert any("zImage" in line for line in baton.run_check("ls virtio 0:1"))
    baton.run_check("load virtio 0:1 48000000 zImage")
    assert baton.run_check("md.l 48000024 1")[0].startswith("48000024: 016f2818")




def test_boot(strategy, target):
    """Boots Debian's kernel from the prompt, to a shell."""
    strategy.transition("shell")
    shell = target.get_driver("ShellDriver")
    started = shell.run_check("dmesg | grep 'All CPU(s) started'")
    assert "HYP mode" in started[0]
    assert shell.run_check("grep -c ^processor /proc/cpuinfo") == ["2"]


def test_off_and_on_again(strategy, target):
    """A farm's next user starts from power-off."""
    strategy.transition("off")
    strategy.transition("baton")
    baton = target.get_driver("UBootDriver", name="baton")
    assert baton.run_check("echo $?") == ["0"]

"""A labgrid strategy for boards where a first stage starts Baton.

Both are U-Boot to labgrid: the stock UBootDriver drives the first stage, another one Baton. Where
nothing stops before Baton (QEMU enters it, or the first stage has no countdown), leave
`first_stage` out.
"""

import enum

import attr
from labgrid.driver import UBootDriver
from labgrid.factory import target_factory
from labgrid.strategy import Strategy, StrategyError
from labgrid.strategy.common import never_retry


class Status(enum.Enum):
    """Where a board is."""

    unknown = 0
    off = 1
    first_stage = 2
    baton = 3
    shell = 4


@target_factory.reg_driver
@attr.s(eq=False)
class BatonStrategy(Strategy):
    """Goes from power-off through the first stage to Baton's prompt and to the kernel's shell."""

    bindings = {
        "power": "PowerProtocol",
        "console": "ConsoleProtocol",
        "first_stage": {UBootDriver, None},
        "baton": "UBootDriver",
        "shell": "ShellDriver",
    }

    status = attr.ib(default=Status.unknown)

    @never_retry
    def transition(self, status):
        """Brings the board to `status`, a Status or its name."""
        if not isinstance(status, Status):
            status = Status[status]
        if status == self.status:
            return
        if status == Status.off:
            self._off()
        elif status == Status.first_stage:
            if self.first_stage is None:
                raise StrategyError("this environment names no first stage")
            self.transition(Status.off)
            self._on()
            self.target.activate(self.first_stage)
        elif status == Status.baton:
            self._baton()
        elif status == Status.shell:
            self.transition(Status.baton)
            self.baton.boot("")
            self.baton.await_boot()
            self.target.deactivate(self.baton)
            self.target.activate(self.shell)
        else:
            raise StrategyError(f"can not transition to {status}")
        self.status = status

    def _off(self):
        for driver in (self.first_stage, self.baton, self.shell):
            if driver is not None:
                self.target.deactivate(driver)
        self.target.deactivate(self.console)
        self.target.activate(self.power)
        self.power.off()

    def _on(self):
        self.target.activate(self.console)
        self.power.on()

    def _baton(self):
        if self.first_stage is None:
            self.transition(Status.off)
            self._on()
        else:
            self.transition(Status.first_stage)
            # What it does by itself after its countdown.
            self.first_stage.boot("")
            self.target.deactivate(self.first_stage)
        self.target.activate(self.baton)
        # The prompts look alike, so ask.
        version = "\n".join(self.baton.run_check("version"))
        if "Baton" not in version:
            raise StrategyError(f"this is not Baton's prompt: {version}")

#!/usr/bin/env python3
"""Farms an emulated board on this machine alone, as a lab farms a real one.

Labgrid's own coordinator, exporter and client; in the place of a board QEMU, whose console is a
serial port on the network, and in the place of its power switch a small HTTP server that stops
and resets QEMU. Everything listens on 127.0.0.1 and ends with this program. The tests are those
of test_baton.py, in the environment board.yaml.
"""

import http.server
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent.parent / "build"
BIN = BUILD / "labgrid" / "bin"
PLACE = "baton-virt"


def free_port():
    """Returns a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listening(start, is_ready):
    """Starts a program that listens at a port, and waits until it is ready; returns both.

    Somebody else may take the port before the program does; it then ends, and gets another one.
    """
    for _ in range(10):
        port = free_port()
        process = start(port)
        while process.poll() is None:
            if is_ready(port):
                return process, port
            time.sleep(0.05)
    raise ChildProcessError(f"{process.args[0]} ended with {process.returncode}")


def accepts(port):
    """Says whether somebody listens at a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Board:
    """QEMU, switched off until somebody switches it on."""

    def __init__(self, folder):
        self.monitor = f"{folder}/qmp"
        # QEMU opens the console first, its monitor's socket last.
        self.process, self.serial = listening(
            self._start, lambda _: os.path.exists(self.monitor)
        )

    def _start(self, serial):
        card = BUILD / "virt" / "sd.img"
        return subprocess.Popen([
            "qemu-system-arm", "-S", "-M", "virt,virtualization=on", "-cpu", "cortex-a15",
            "-smp", "2", "-m", "512M", "-nodefaults", "-nic", "none", "-display", "none",
            "-bios", str(BUILD / "firmware" / "u-boot.bin"),
            "-drive", f"if=none,format=raw,id=card,snapshot=on,file={card}",
            "-device", "virtio-blk-device,drive=card",
            "-chardev", f"socket,id=console,host=127.0.0.1,port={serial},server=on,wait=off",
            "-serial", "chardev:console",
            "-qmp", f"unix:{self.monitor},server=on,wait=off",
        ])

    def switch(self, on):
        """Gives it power, or takes it away."""
        commands = ["cont"] if on else ["stop", "system_reset"]
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(self.monitor)
            with monitor.makefile("rw") as stream:
                stream.readline()
                for command in ["qmp_capabilities", *commands]:
                    stream.write(json.dumps({"execute": command}) + "\n")
                    stream.flush()
                    while "return" not in (answer := json.loads(stream.readline())):
                        assert "error" not in answer, answer


def serve_power(board):
    """Starts the power switch: GET /relay/1/0 and /relay/1/1."""

    class Relay(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            board.switch(self.path.endswith("/1"))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def main():
    children = []
    with tempfile.TemporaryDirectory(prefix="baton-farm-") as folder:
        try:
            board = Board(folder)
            children.append(board.process)
            return farm(folder, board, children)
        finally:
            for child in reversed(children):
                child.terminate()
                child.wait()


def farm(folder, board, children):
    environment = {
        **os.environ,
        "LG_PLACE": PLACE,
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def start(*command):
        children.append(subprocess.Popen(command, cwd=folder, env=environment))
        return children[-1]

    _, port = listening(
        lambda port: start(BIN / "labgrid-coordinator", "-l", f"127.0.0.1:{port}"), accepts
    )
    coordinator = f"127.0.0.1:{port}"
    environment["LG_COORDINATOR"] = coordinator

    relay = f"http://127.0.0.1:{serve_power(board)}/relay/{{index}}/{{value}}"
    resources = {
        PLACE: {
            "NetworkSerialPort": {
                "host": "127.0.0.1", "port": board.serial, "speed": 115200, "protocol": "raw",
            },
            "NetworkPowerPort": {"model": "simplerest", "host": relay, "index": 1},
        }
    }
    # JSON is YAML.
    exports = pathlib.Path(folder, "exporter.yaml")
    exports.write_text(json.dumps(resources))
    start(BIN / "labgrid-exporter", "-c", coordinator, "-n", "here", "--hostname", "127.0.0.1", exports)

    def client(*words):
        return subprocess.run(
            [BIN / "labgrid-client", "-p", PLACE, *words],
            env=environment, check=True, timeout=60, text=True, stdout=subprocess.PIPE,
        ).stdout

    client("create")
    client("add-match", f"here/{PLACE}/*")
    # The exporter takes its time; the test that runs this has a timeout.
    while client("resources").count(PLACE) < 2:
        time.sleep(0.2)
    client("acquire")
    try:
        print(client("show"), flush=True)
        return subprocess.run(
            [
                BIN / "pytest", "-p", "no:cacheprovider", "--color=no",
                "--lg-env", HERE / "board.yaml", HERE / "test_baton.py",
            ],
            env=environment, check=False,
        ).returncode
    finally:
        client("release")


sys.exit(main())

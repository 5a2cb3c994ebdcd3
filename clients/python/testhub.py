"""The conformance hub in a process of its own."""

import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
BUILT = HERE.parent.parent / "target/debug/examples/testhub"


class TestHub:
    """It has its address as `url`."""

    __test__ = False

    def __init__(self):
        command = [os.environ.get("TESTHUB_BIN", str(BUILT)), "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        line = self.process.stdout.readline()
        prefix = "listening on "
        if not line.startswith(prefix):
            raise RuntimeError("the conformance hub did not get ready")
        self.url = line[len(prefix):].strip()

    def end(self):
        """Kills it: this client does not stop while its server lives."""
        self.process.kill()
        self.process.wait()

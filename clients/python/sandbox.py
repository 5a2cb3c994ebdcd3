"""The real binary: `leyden sandbox` on a free port and a folder of its own, driven over HTTP.

Only Python's own library, so that nothing stands between the tests and what is on the wire.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
LEYDEN = os.environ.get("LEYDEN_BIN", str(HERE.parent.parent / "target/debug/leyden"))
READY_SECONDS = 60
ENDED_SECONDS = 30


class Sandbox:
    """A sandbox that runs; it has the fields of its line as attributes."""

    def __init__(self):
        self.data_dir = tempfile.mkdtemp(prefix="leyden-clients-")
        flags = ["sandbox", "--json", "--listen", "127.0.0.1:0", "--data-dir", self.data_dir]
        self.log = open(os.path.join(self.data_dir, "sandbox.stderr"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [LEYDEN, *flags], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log
        )
        # A sandbox that never gets ready is ended, and then there is no line.
        too_slow = threading.Timer(READY_SECONDS, self.process.kill)
        too_slow.start()
        line = self.process.stdout.readline()
        too_slow.cancel()
        if not line:
            self.log.seek(0)
            raise RuntimeError("the sandbox did not get ready:\n" + self.log.read())
        ready = json.loads(line)
        self.api_url = ready["api_url"]
        self.hub_url = ready["hub_url"]
        self.api_key = ready["api_key"]
        self.admin_token = ready["admin_token"]

    def _call(self, method, path, body, token):
        headers = {"Authorization": "Bearer " + token}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        request = urllib.request.Request(self.api_url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def operator(self, method, path, body=None):
        """A call with the admin token, which must succeed."""
        return self._call(method, path, body, self.admin_token)

    def customer(self, method, path, body=None):
        """A call with the API key, which must succeed; answers its data."""
        return self._call(method, path, body, self.api_key)["data"]

    def audit(self):
        """The books, by the command and its exit status."""
        subprocess.run([LEYDEN, "audit", "--data-dir", self.data_dir], check=True, timeout=30)

    def end(self):
        """A clean stop and balanced books, or the test fails."""
        try:
            self.audit()
            self.process.terminate()
            rest, _ = self.process.communicate(timeout=ENDED_SECONDS)
            assert self.process.returncode == 0
            assert rest == b"", "exactly one line on standard output"
            self.audit()
        finally:
            self.process.kill()
            self.process.wait()
            self.log.close()
            shutil.rmtree(self.data_dir, ignore_errors=True)

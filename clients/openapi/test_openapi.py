"""schemathesis over /openapi.json, with a key of each scope and with the operator's token: no 5xx, no undocumented
status, no body that is not as its schema says, nothing that opens without its key.

OPENAPI_SECONDS is how long each of them fuzzes beside what it always tries; 4 by itself.
"""

import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))

from sandbox import Sandbox  # noqa: E402

SECONDS = os.environ.get("OPENAPI_SECONDS", "4")
SCHEMATHESIS = pathlib.Path(sys.executable).with_name("schemathesis")


@pytest.fixture(scope="module")
def server():
    running = Sandbox()
    yield running
    running.end()


def fuzz(server, token, *chosen):
    command = [
        SCHEMATHESIS, "--config-file", HERE / "schemathesis.toml", "run", server.api_url + "/openapi.json",
        "--url", server.api_url, "--header", "Authorization: Bearer " + token, "--max-time", SECONDS, *chosen,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=server.data_dir)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr


# The operator's calls come last: they may revoke every key.
@pytest.mark.parametrize("scope", ["read", "receive", "send", "webhooks", "admin"])
def test_a_key_of_each_scope(server, scope):
    key = server.operator("POST", "/admin/v1/keys", {"name": scope, "scopes": [scope]})["key"]
    fuzz(server, key, "--include-by", f'/x-scope == "{scope}"')


def test_the_operator(server):
    fuzz(server, server.admin_token, "--include-path-regex", "^/admin/v1/(?!session)")

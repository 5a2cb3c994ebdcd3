"""One sandbox for all tests; it ends with an audit."""

import pytest
from sandbox import Sandbox


@pytest.fixture(scope="session")
def sandbox():
    running = Sandbox()
    yield running
    running.end()

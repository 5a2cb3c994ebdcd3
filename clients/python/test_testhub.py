"""`signalrcore` against the conformance hub: every transport, both protocols.

Not its streams: it asks for items before it has somewhere to put them, and gives no result of an upload.
"""

import logging
import queue

import pytest
from signalrcore.hub_connection_builder import HubConnectionBuilder
from signalrcore.protocol.messagepack_protocol import MessagePackHubProtocol
from signalrcore.types import HttpTransportType
from testhub import TestHub

WEB_SOCKETS = HttpTransportType.web_sockets
EVENTS = HttpTransportType.server_sent_events
POLLING = HttpTransportType.long_polling

PAIRS = {
    "json-websockets": (WEB_SOCKETS, None),
    "messagepack-websockets": (WEB_SOCKETS, MessagePackHubProtocol),
    "json-events": (EVENTS, None),
    "json-polling": (POLLING, None),
}


@pytest.fixture(scope="module")
def server():
    running = TestHub()
    yield running
    running.end()


@pytest.fixture(scope="module", params=PAIRS.values(), ids=PAIRS.keys())
def hub(request, server):
    transport, protocol = request.param
    builder = (
        HubConnectionBuilder()
        .with_url(server.url + "/testhub", options={"transport": transport})
        .configure_logging(logging.CRITICAL)
    )
    if protocol:
        builder = builder.with_hub_protocol(protocol())
    connection = builder.build()
    opened = queue.Queue()
    connection.on_open(lambda: opened.put(True))
    connection.start()
    opened.get(timeout=10)
    return connection


def invoke(hub, method, *arguments):
    answered = queue.Queue()
    hub.invoke(method, list(arguments), answered.put)
    return answered.get(timeout=10)


def test_a_call_returns_its_result(hub):
    assert invoke(hub, "Echo", "hé\n\"").result == "hé\n\""


def test_a_null_result_is_none(hub):
    completion = invoke(hub, "GetHeader", "X-Absent")
    assert (completion.error, completion.result) == (None, None)


def test_an_error_has_its_text(hub):
    failed = queue.Queue()
    hub.on_error(failed.put)
    expected = (
        "An unexpected error occurred invoking 'ThrowException' on the server. "
        "InvalidOperationException: why"
    )
    hub.invoke("ThrowException", ["why"], failed.put)
    assert failed.get(timeout=10).error == expected


def test_the_server_calls_the_client(hub):
    messages = queue.Queue()
    hub.on("Message", messages.put)
    # Not waiting for the completion: by long polling this client gets one message in a round.
    hub.invoke("InvokeWithString", ["hello"])
    assert messages.get(timeout=10) == ["hello"]

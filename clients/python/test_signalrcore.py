"""WithdrawLightning with `signalrcore`, as its own documentation shows it."""

import hashlib
import logging
import queue
import urllib.error

import pytest
from signalrcore.hub_connection_builder import HubConnectionBuilder

CREATED = "execution.withdrawal.lightspark.created"
COMPLETED = "execution.withdrawal.lightspark.completed"
FAILED = "execution.withdrawal.lightspark.failed"


def build(sandbox, key):
    return (
        HubConnectionBuilder()
        .with_url(sandbox.hub_url, options={"access_token_factory": lambda: key})
        .configure_logging(logging.CRITICAL)
        .build()
    )


class Hub:
    """A connection, and the events that reach it in order."""

    def __init__(self, sandbox):
        self.events = queue.Queue()
        opened = queue.Queue()
        self.connection = build(sandbox, sandbox.api_key)
        self.connection.on("executionEvents", self.events.put)
        self.connection.on_open(lambda: opened.put(True))
        self.connection.start()
        opened.get(timeout=10)

    def withdraw(self, client_id, invoice):
        """Invokes, and waits for the completion."""
        completed = queue.Queue()
        given = [client_id, invoice]
        self.connection.invoke("WithdrawLightning", given, completed.put)
        completion = completed.get(timeout=5)
        assert completion.error is None
        assert completion.result is None

    def next_event(self):
        """signalrcore hands over the list of arguments: the envelope is the only one."""
        (envelope,) = self.events.get(timeout=10)
        assert sorted(envelope) == ["channel", "clientId", "data", "subject", "topic", "type"]
        return envelope


@pytest.fixture(scope="module")
def hub(sandbox):
    """Ends with the sandbox: this client's own stop() waits for the next ping, up to 15 s."""
    return Hub(sandbox)


def test_a_withdrawal_is_created_and_then_completed(sandbox, hub):
    request = {"amount_sats": 2_100, "behaviour": "pay"}
    invoice = sandbox.operator("POST", "/sandbox/invoice", request)
    counterparty = sandbox.operator("GET", "/sandbox")["counterparty_node_id"]
    hub.withdraw("from python", invoice["payment_request"])

    created = hub.next_event()
    assert (created["subject"], created["clientId"]) == (CREATED, "from python")
    assert created["data"]["status"] == "PENDING"
    assert created["data"]["amountBTC"] == 0.000021
    assert created["data"]["destinationPublicKey"] == counterparty

    completed = hub.next_event()
    assert (completed["subject"], completed["clientId"]) == (COMPLETED, "from python")
    assert completed["data"]["paymentId"] == created["data"]["paymentId"]
    preimage = bytes.fromhex(completed["data"]["preimage"])
    assert hashlib.sha256(preimage).hexdigest() == invoice["payment_hash"]
    assert hub.events.empty()


def test_a_refused_payment_fails_and_the_money_is_back(sandbox, hub):
    balance = sandbox.customer("GET", "/v1/transactions/balance")
    request = {"amount_sats": 2_100, "behaviour": "fail"}
    invoice = sandbox.operator("POST", "/sandbox/invoice", request)
    hub.withdraw("refused, from python", invoice["payment_request"])
    assert hub.next_event()["subject"] == CREATED
    failed = hub.next_event()
    assert failed["subject"] == FAILED
    assert failed["data"]["reason"] == "INCORRECT_PAYMENT_DETAILS"
    assert sandbox.customer("GET", "/v1/transactions/balance") == balance


def test_a_wrong_key_is_refused(sandbox):
    with pytest.raises(urllib.error.HTTPError) as refused:
        build(sandbox, sandbox.api_key + "0").start()
    assert refused.value.code == 401

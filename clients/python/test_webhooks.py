"""A delivery, verified with `standardwebhooks` and with Python's own hmac."""

import base64
import hashlib
import hmac
import http.server
import json
import queue
import threading
from datetime import datetime, timedelta, timezone

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

METADATA = {"user": "12", "7": "seven", "text": 'é 漢 😀 "\\/<&>\u2028'}


@pytest.fixture
def receiver():
    """A receiver on a free port that answers 200 and keeps headers and raw body."""
    deliveries = queue.Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            deliveries.put((dict(self.headers.items()), body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Keeps the output of the tests clean."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    server.deliveries = deliveries
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_delivery_verifies_with_the_library_and_by_hand(sandbox, receiver):
    url = "http://127.0.0.1:%d/hook" % receiver.server_port
    hook = sandbox.operator(
        "POST", "/admin/v1/webhooks", {"url": url, "events": ["deposit.lightning.completed"]}
    )
    invoice = sandbox.customer(
        "POST",
        "/v1/bitcoin/deposit/lightning-invoice",
        {"amount": 1_500, "currency": "sats", "description": "deposit", "metadata": METADATA},
    )
    request = {"payment_request": invoice["payment_request"]}
    assert sandbox.operator("POST", "/sandbox/pay", request)["status"] == "settled"
    headers, body = receiver.deliveries.get(timeout=10)

    # Header names are those of HTTP: without regard to case.
    headers = {name.lower(): value for name, value in headers.items()}
    event = Webhook(hook["standard_secret"]).verify(body, headers)
    assert event["event"] == "deposit.lightning.completed"
    assert event["data"]["lightning_invoice_id"] == invoice["id"]
    assert event["data"]["metadata"] == METADATA
    changed = body.replace(b"1500", b"1501")
    assert changed != body
    with pytest.raises(WebhookVerificationError):
        Webhook(hook["standard_secret"]).verify(changed, headers)

    foreign = "whsec_" + base64.b64encode(b"f0" * 32).decode()
    with pytest.raises(WebhookVerificationError):
        Webhook(foreign).verify(body, headers)
    then = datetime.now(tz=timezone.utc) - timedelta(minutes=6)
    stale = dict(headers)
    stale["webhook-timestamp"] = str(int(then.timestamp()))
    stale["webhook-signature"] = Webhook(hook["standard_secret"]).sign(
        headers["webhook-id"], then, body.decode()
    )
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(hook["standard_secret"]).verify(body, stale)

    by_hand = hmac.new(hook["secret"].encode(), body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(headers["bitvora-signature"], by_hand)
    compact = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
    assert compact == body, "minified, and escaped no more than JSON needs"
    sandbox.operator("DELETE", "/admin/v1/webhooks/" + hook["id"])

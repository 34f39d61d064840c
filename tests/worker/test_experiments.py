"""Tests that a worker without the broker's safeguards works as long as nothing fails."""

from demo_app.stack.client import Client

STACK = {"environment": {"DEMO_WITHOUT": "atomic_claim,rescue,lease"}}


def test_without_the_safeguards_a_mail_arrives_if_nothing_is_killed(client: Client) -> None:
    client.comment()
    client.wait_for_mails(1)
    assert client.wait_for(lambda now: now["done"] == 1)["conserved"]

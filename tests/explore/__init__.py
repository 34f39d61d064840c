"""Every interleaving of a few workers and jobs: the broker's real scripts on a real server, the
real steps of queue, lease, heartbeat, in-flight jobs, outbox, relay and reconciliation, in virtual
time.

``make explore`` runs it; ``world`` has what can happen, ``promises`` what must hold, ``search``
the two ways through.
"""

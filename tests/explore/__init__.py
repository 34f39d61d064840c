"""Every interleaving of the steps of a few workers and jobs, in virtual time.

The exploration runs the broker's real scripts on a real server, and the real steps of queue, lease,
heartbeat, in-flight jobs, outbox, relay and reconciliation. ``make explore`` runs it. ``world`` has
the possible steps, ``promises`` the invariants, ``search`` the search.
"""

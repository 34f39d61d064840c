"""An exploration of every interleaving of a few workers and jobs, in virtual time.

``make explore`` runs it. The terms:

- A *world* is a Redis server with some workers and blogs. Its plan limits jobs and faults.
- A *step* is one action of a worker, a blog, a person or the clock, or a fault. It runs the
  broker's real scripts on a real server, and the real code of queue, lease, heartbeat, in-flight
  jobs, outbox, relay and reconciliation.
- A *promise* is an invariant that is checked after each step.

``events`` lists the possible steps, ``steps`` takes them, and ``search`` explores all states.
"""

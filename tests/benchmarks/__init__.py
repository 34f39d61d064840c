"""Benchmarks. They print measurements and assert nothing. ``python -m benchmarks`` runs all."""

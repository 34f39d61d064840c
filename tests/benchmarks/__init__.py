"""Benchmarks: measured, printed, never asserted. ``python -m benchmarks`` runs them all."""

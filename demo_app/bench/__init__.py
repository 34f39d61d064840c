"""Benchmarks: measured, printed, never asserted. ``python -m demo_app.bench`` runs them all."""

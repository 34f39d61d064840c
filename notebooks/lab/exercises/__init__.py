"""The tests behind `check`, one module a lesson."""

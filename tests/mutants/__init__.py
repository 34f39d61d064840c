"""Changes of one line, each a mistake that somebody could make, which the tests have to find.

Run it with ``make mutants``.
"""

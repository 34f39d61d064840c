"""Tools of the stack, the judge and the tests: they run and kill processes, and count mails."""

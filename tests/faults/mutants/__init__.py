"""Services with one guard taken out, for the checker's own test: what it cannot tell from a sound system it does not check.

A mutant exists in a process of its own, which patches the code and then runs the service as always: production code has no
switch for it. Used by `tests/faults/test_checker.py`.
"""

"""Exit codes of every `frontdesk` command; part of its interface, they do not change."""

OK = 0
FAILED = 1
USAGE = 2
NOT_FOUND = 3
UNREACHABLE = 4
INTERRUPTED = 130
"""As shells say of Ctrl-C. Where Ctrl-C is how a command ends (`up`, what follows) it is 0."""

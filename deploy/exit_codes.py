"""Exit codes of every `frontdesk` command; part of its interface, they do not change."""

OK = 0
FAILED = 1
USAGE = 2
NOT_FOUND = 3
UNREACHABLE = 4

"""What the commands of `frontdesk` do, a module for each noun; `deploy.cli` only declares them, so that `--help` imports none.

Each function returns its exit code or raises a `Failure`, whose text is for a person.
"""

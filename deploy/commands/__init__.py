"""What the commands of `frontdesk` do, a module for each command or group of commands, with what only that one uses beside it.

`deploy.cli` only declares the commands, so that `--help` imports none of this.

Each function returns its exit code or raises a `Failure`, whose text is for a person.
"""

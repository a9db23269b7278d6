"""Why a command ended as it did: the commands that an id may name (`candidates`), what is left of them (`databases`,
`log_search`), and what that says (`timeline`, `summary`, `appointments`).

Called by `frontdesk explain`. Only reads.
"""

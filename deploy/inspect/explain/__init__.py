"""Why a command ended as it did: what an id names (`naming`), what is left of it (`evidence`), its path (`story`).

Called by `frontdesk explain`. Only reads.
"""

"""`frontdesk import`: sends a CSV file of any size to the service that owns what its lines describe, in bounded memory.

Called by `deploy.commands.imports`.
"""

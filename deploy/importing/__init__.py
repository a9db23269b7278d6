"""`frontdesk import`: a CSV file of any size to the service that owns its lines, in bounded memory.

Called by `deploy.commands.imports`.
"""

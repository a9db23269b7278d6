"""Do the services agree? What each of them holds (`looks`), and where they differ (`differences`).

Called by `frontdesk reconcile`. Only reads.
"""

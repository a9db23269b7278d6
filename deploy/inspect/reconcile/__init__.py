"""Whether the services agree: what each of them holds (`reading`), and where they differ (`differences`).

Called by `frontdesk reconcile`. Only reads.
"""

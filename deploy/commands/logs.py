"""`frontdesk logs`: the logs of the stack that runs here, or that ran last."""

from deploy.embedded.logs import files, print_logs
from deploy.embedded.running import home
from deploy.exit_codes import OK
from deploy.failure import NotThere


def logs(component: str | None, follow: bool) -> int:
    """Print logs, of one component or of all."""
    folder = home() / "logs"
    known = sorted(files(folder))
    if component is not None and component not in known:
        raise NotThere(f"no log is called {component}; there are: {', '.join(known) or 'none'}")
    print_logs(folder, component, follow)
    return OK

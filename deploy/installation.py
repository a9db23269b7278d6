"""Which services an installation consists of, and what has to be known of each to deploy and to inspect it.

Everything in `deploy` that goes through the services follows from `SERVICES`: databases and roles, ports, keys, environments,
addresses, the settings of the reference, what `explain` and `reconcile` read. So a new service is an entry here, its package
below `services`, and its block in `docker-compose.yml`, which a test compares with this table. What the gateway has to know of
the services that it calls stands in `services/gateway`: services import nothing of `deploy`.

No other module keeps a list of its own: the functions read the table at each call.
"""

from dataclasses import dataclass

from deploy.failure import NotThere

GATEWAY = "gateway"
"""The one service that serves the public API and keeps the clinics."""


@dataclass(frozen=True)
class ServiceSpec:
    """One service. It is started as `python -m services.<name>`; its database and its consumer group have its name."""

    name: str
    port: int
    """The port of its first process on the embedded stack, if it is free there."""
    keys: tuple[str, ...] = ()
    """The files of keys that it needs beside the password of its database; `ticket.key` is its setting `ticket_key`."""
    publishes: tuple[str, ...] = ()
    """The names of the topics on which it alone publishes: who wrote a record there is known without reading it."""
    called_by_gateway: bool = False
    """The gateway calls its internal HTTP, so it has to know its address."""
    audited: bool = False
    """It processes messages: its inbox and its audit trail show what a command did."""
    holds_outcomes: bool = False
    """It keeps outcomes: those of registry calls and, in booking, of the commands of clients, which booking alone decides."""
    copies_settings: bool = False
    """It keeps a copy of the settings of all clinics, which the gateway announces."""
    takes_imports: bool = False
    """It owns what `frontdesk import` brings, and takes it over its internal HTTP."""

    @property
    def url_variable(self) -> str:
        """The variable that gives the commands its address: `BOOKING_URL`."""
        return f"{self.name.upper()}_URL"

    @property
    def url_setting(self) -> str:
        """The gateway's setting for its address: `FRONTDESK_BOOKING__URL`."""
        return f"FRONTDESK_{self.name.upper()}__URL"

    @property
    def key_settings(self) -> dict[str, str]:
        """The setting of each of its keys: `ticket.key` is given as `FRONTDESK_TICKET_KEY`."""
        return {key: f"FRONTDESK_{key.replace('.', '_').upper()}" for key in self.keys}


SERVICES = (
    ServiceSpec(
        "availability",
        8001,
        publishes=("availability.events",),
        called_by_gateway=True,
        audited=True,
        holds_outcomes=True,
        copies_settings=True,
        takes_imports=True,
    ),
    ServiceSpec(
        "booking",
        8002,
        keys=("identifier.key",),
        publishes=("appointment.events",),
        called_by_gateway=True,
        audited=True,
        holds_outcomes=True,
        copies_settings=True,
        takes_imports=True,
    ),
    ServiceSpec("queue", 8003, publishes=("queue.events",), called_by_gateway=True, audited=True, copies_settings=True),
    ServiceSpec(GATEWAY, 8000, keys=("ticket.key",)),
)
"""In the order in which a booking passes through them, the gateway last: `reconcile` reads their databases in this order."""


def names() -> tuple[str, ...]:
    """The names of all services."""
    return tuple(spec.name for spec in SERVICES)


def named(name: str) -> ServiceSpec:
    """The service of a name. Raises `NotThere` if there is none."""
    for spec in SERVICES:
        if spec.name == name:
            return spec
    raise NotThere(f"no service is called {name}; there are: {', '.join(names())}")


def ports() -> dict[str, int]:
    """The preferred port of each service."""
    return {spec.name: spec.port for spec in SERVICES}


def called_by_gateway() -> tuple[ServiceSpec, ...]:
    """The services whose internal HTTP the gateway calls."""
    return tuple(spec for spec in SERVICES if spec.called_by_gateway)


def audited() -> tuple[str, ...]:
    """The names of the services whose inbox and audit trail show what a command did."""
    return tuple(spec.name for spec in SERVICES if spec.audited)


def outcome_holders() -> tuple[str, ...]:
    """The names of the services that keep outcomes of commands."""
    return tuple(spec.name for spec in SERVICES if spec.holds_outcomes)


def import_owners() -> tuple[ServiceSpec, ...]:
    """The services that take what `frontdesk import` brings."""
    return tuple(spec for spec in SERVICES if spec.takes_imports)


def publisher_of(topic: str) -> str | None:
    """The name of the service that alone publishes on a topic; None if several do, or if it is a gateway's."""
    return next((spec.name for spec in SERVICES if topic in spec.publishes), None)

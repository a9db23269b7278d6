"""Which errors of the stores pass by themselves: the consumer waits these out. Any other is a bug or a bad record."""

import errno
import socket
import ssl

import asyncpg
from asyncpg import exceptions as pg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree


class Outrun(Exception):
    """A rival transaction was faster after we had looked, with the same command or the same row: trying again sees that."""


class UnknownClinic(Exception):
    """The settings of a clinic have not arrived here yet: nothing is judged by other ones, and they are on their way."""


CONFLICTS = (pg.UniqueViolationError, pg.ExclusionViolationError, Outrun)
"""What a statement's own checks did not foresee: a rival transaction was faster, so trying again sees its row."""

RIVALRY = (*CONFLICTS, pg.SerializationError, pg.DeadlockDetectedError)
"""Two transactions were in each other's way, and this one has written nothing: trying again at once helps."""

OVERRUN = (pg.LockNotAvailableError, pg.QueryCanceledError)

UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.ENETRESET, errno.EADDRNOTAVAIL}

TRANSIENT = (
    *RIVALRY,
    *OVERRUN,
    UnknownClinic,
    pg.PostgresConnectionError,
    pg.OperatorInterventionError,
    pg.InsufficientResourcesError,
    pg.IdleInTransactionSessionTimeoutError,
    NoConnectionFree,
    ConnectionError,
    TimeoutError,
    socket.gaierror,
    ssl.SSLError,
)


def is_transient(error: BaseException) -> bool:
    """Whether the same work can succeed later."""
    cause = _cause(error)
    return isinstance(cause, TRANSIENT) or _is_unreachable(cause) or _is_closed(cause) or is_closed_transport(cause)


def is_conflict(error: BaseException) -> bool:
    """Whether a constraint refused the work."""
    return isinstance(_cause(error), CONFLICTS)


def is_rivalry(error: BaseException) -> bool:
    """Whether the work was undone for another transaction's sake."""
    return isinstance(_cause(error), RIVALRY)


def is_overrun(error: BaseException) -> bool:
    """Whether a statement was ended because it, or a lock that it waited for, took longer than allowed."""
    return isinstance(_cause(error), OVERRUN)


def is_closed_transport(error: BaseException) -> bool:
    """Whether uvloop was asked to write to a connection that the other side has closed, and its client had not heard of that yet.

    It raises no `OSError` there, which clients of Kafka and Redis expect (aio-libs/aiokafka#1038).
    """
    return type(error) is RuntimeError and str(error).endswith("the handler is closed")


def _is_unreachable(error: BaseException) -> bool:
    """Whether no server could be reached. Any other error of the system, as of a file that is missing, is a bug of ours.

    A server with several addresses, none of which answers, gives one error without a number (`loop.create_connection`).
    """
    return type(error) is OSError and (error.errno in UNREACHABLE or str(error).startswith("Multiple exceptions"))


def _is_closed(error: BaseException) -> bool:
    """Whether a connection or its pool was closed under our hands; any other misuse of the driver is a bug.

    A server that ends a session between two statements leaves the driver in a state from which the next one cannot start, until
    it notices that the connection is lost (asyncpg's issue 1069, SQLAlchemy's 13241).
    """
    if type(error) is asyncpg.InternalClientError:
        return str(error).startswith("cannot switch to state")
    return type(error) is asyncpg.InterfaceError and "clos" in str(error)


def _cause(error: BaseException) -> BaseException:
    """The driver's error below SQLAlchemy's."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error

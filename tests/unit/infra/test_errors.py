"""What is waited out and what is not: a bug taken for a passing error would stop its partition for ever."""

import errno
import socket
import ssl

import asyncpg
import pytest
from asyncpg import exceptions as pg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from shared.infra.errors import is_conflict, is_transient

PASSING = (
    pg.DeadlockDetectedError("deadlock"),
    pg.SerializationError("try again"),
    pg.LockNotAvailableError("locked"),
    pg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
    pg.CannotConnectNowError("starting up"),
    pg.TooManyConnectionsError("full"),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.InterfaceError("pool is closing"),
    asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
    NoConnectionFree("QueuePool limit"),
    ConnectionResetError(),
    TimeoutError(),
    ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed"),
    socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
    OSError(errno.EHOSTUNREACH, "No route to host"),
    OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 5432), [Errno 111] Connect call failed"),
    ssl.SSLError(1, "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol"),
    RuntimeError("unable to perform operation on <TCPTransport closed=True reading=False 0x55>; the handler is closed"),
)
LASTING = (
    asyncpg.InterfaceError("the server expects 3 arguments for this query, 2 were passed"),
    asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
    asyncpg.InternalClientError("unexpected message"),
    pg.DataError("value out of int64 range"),
    pg.CheckViolationError("check"),
    pg.NotNullViolationError("null"),
    pg.UndefinedColumnError("no such column"),
    ZeroDivisionError(),
    FileNotFoundError(errno.ENOENT, "No such file or directory"),
    PermissionError(errno.EACCES, "Permission denied"),
    OSError(errno.ENOSPC, "No space left on device"),
    OSError("cannot read the file"),
    RuntimeError("dictionary changed size during iteration"),
)


@pytest.mark.parametrize("error", PASSING, ids=repr)
def test_what_passes_by_itself_is_waited_out(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize("error", LASTING, ids=repr)
def test_what_no_waiting_mends_is_not(error: Exception) -> None:
    assert not is_transient(error)


def test_a_rival_that_was_faster_is_a_conflict_and_passes() -> None:
    error = pg.UniqueViolationError("double")
    assert is_conflict(error) and is_transient(error)


def test_the_drivers_error_is_seen_through_sqlalchemy() -> None:
    wrapped = Exception("the dialect's own")
    wrapped.__cause__ = pg.DeadlockDetectedError("deadlock")
    assert is_transient(DBAPIError("SELECT 1", None, wrapped))

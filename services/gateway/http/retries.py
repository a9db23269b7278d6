"""Refusals that may be repeated with the same key: each says when, in `Retry-After`. Used by whatever asks Kafka or an owner."""

from shared.contracts.problems import Code
from shared.infra.clockwork import Clock
from shared.infra.problems import ProblemError

RETRY_WITHIN_SECONDS = 3


def refusal_to_repeat(clock: Clock, code: Code, detail: str | None = None) -> ProblemError:
    """The refusal, with 1 to 3 seconds until it may be repeated: spread, so that not all clients come back at once."""
    seconds = min(RETRY_WITHIN_SECONDS, 1 + int(clock.jitter(RETRY_WITHIN_SECONDS)))
    return ProblemError(code, detail, headers={"Retry-After": str(seconds)})

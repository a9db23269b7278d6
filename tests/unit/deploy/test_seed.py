"""What of the demo clinic is refused and cannot be found is told, and is no failure; a gateway that cannot be asked is one."""

import httpx2
import pytest

from deploy import seed
from deploy.failure import Failure

REFUSAL = {"code": "key_reused"}


def clinic(monkeypatch: pytest.MonkeyPatch, answer: httpx2.Response) -> None:
    """A gateway that answers every POST like this, and has empty lists."""

    def gateway(request: httpx2.Request) -> httpx2.Response:
        return answer if request.method == "POST" else httpx2.Response(200, json={"items": [], "next_cursor": None})

    client = httpx2.Client
    monkeypatch.setattr(httpx2, "Client", lambda **how: client(transport=httpx2.MockTransport(gateway), **how))


@pytest.mark.parametrize(
    "answer",
    [httpx2.Response(422, json=REFUSAL), httpx2.Response(201, json={"id": "1", "status": "deleted"})],
    ids=["its key is used up", "it was deleted"],
)
def test_what_is_gone_is_told(monkeypatch: pytest.MonkeyPatch, answer: httpx2.Response) -> None:
    clinic(monkeypatch, answer)
    found = seed.seed("http://gateway")
    assert (found.doctor_ids, found.patient_ids) == ([], [])
    assert {"category Dermatology", "price-range Public", "doctor Dr Ada Osei", "patient Maya Lind"} < set(found.missing)


def test_a_gateway_that_is_ill_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    clinic(monkeypatch, httpx2.Response(503, text="not now"))
    with pytest.raises(Failure, match=r"POST /api/v1/categories answered 503: not now"):
        seed.seed("http://gateway")


def test_a_gateway_that_is_away_is_a_failure() -> None:
    with pytest.raises(Failure, match=r"http://127\.0\.0\.1:1 does not answer"):
        seed.seed("http://127.0.0.1:1")

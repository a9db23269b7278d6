"""`frontdesk demo` and `frontdesk doctor`, on the session's stack by its addresses."""

from tests.e2e.cli import Cli


async def test_the_race_is_run_and_can_be_run_again(cli: Cli) -> None:
    for _ in range(2):
        ran = await cli.json("demo", "--json")
        assert (ran["as_it_must"], ran["endings"]) == (True, {"201 booked": 10, "409 full": 40})
        assert ran["slots"] == [*range(1, 11)]
        assert [entry["position"] for entry in ran["queue"]] == [1, 2, 3, 4, 5]


async def test_the_demo_shows_how_to_ask_why(cli: Cli) -> None:
    shown = await cli.text("demo")
    assert "409 full    40" in shown and "as it must be" in shown
    key = shown.rpartition("frontdesk explain ")[2].strip()
    assert "409 full: The day is full." in await cli.text("explain", key)


async def test_who_does_not_answer_is_named(cli: Cli) -> None:
    done = await cli.run("demo", API_URL="http://127.0.0.1:1/api/v1")
    assert done.exit_code == 4 and "127.0.0.1:1" in done.stderr


async def test_the_doctor_looks_at_the_servers_that_are_given(cli: Cli) -> None:
    found = {check["name"]: check for check in (await cli.json("doctor", "--json"))["checks"]}
    assert {"python", "system", "disk", "memory", "port", "packages", "registry", "kafka", "postgres", "redis"} == found.keys()
    assert [found[name]["state"] for name in ("python", "kafka", "postgres", "redis")] == ["ok"] * 4
    assert found["postgres"]["detail"].startswith("17.")
    away = await cli.run("doctor", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert away.exit_code == 1 and "Kafka does not answer at 127.0.0.1:1" in away.stdout

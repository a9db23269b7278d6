"""The `frontdesk` command: declarations only, everything else is imported when a command runs.

Nouns and verbs, `--json` with a stable shape, exit codes of `deploy.exit_codes`, no questions asked.
"""

import importlib
import logging
import sys
from typing import Annotated, Any, Literal

import typer

from deploy.exit_codes import INTERRUPTED

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Frontdesk on this machine: start it, look at it, stop it.\n\nExample: frontdesk up",
)
topics_app = typer.Typer(
    no_args_is_help=True, help="The topics of Kafka.\n\nExample: frontdesk topics create", rich_markup_mode=None
)
dlq_app = typer.Typer(
    no_args_is_help=True,
    help="Dead letters: what a service could not process.\n\nExample: frontdesk dlq list",
    rich_markup_mode=None,
)
import_app = typer.Typer(
    no_args_is_help=True,
    help="What a clinic brings along, as CSV files of any size.\n\nExample: frontdesk import patients patients.csv --dry-run",
    rich_markup_mode=None,
)
clinics_app = typer.Typer(no_args_is_help=True, help="The clinic.\n\nExample: frontdesk clinics settings", rich_markup_mode=None)
app.add_typer(topics_app, name="topics")
app.add_typer(dlq_app, name="dlq")
app.add_typer(import_app, name="import")
app.add_typer(clinics_app, name="clinics")

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document instead of lines.")]
CsvFile = Annotated[str, typer.Argument(metavar="FILE.csv", help="UTF-8; the first line names the columns; - is standard input.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only judge the lines; nothing is changed.")]
DelimiterOption = Annotated[
    str | None, typer.Option(help="What separates the fields, as ; or tab; else it is found by the names of the columns.")
]
ReportOption = Annotated[str | None, typer.Option("--report", metavar="FILE", help="Write every rejected line there, as CSV.")]


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Port of the gateway.", min=1, max=65535)] = 8000,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when everything is ready.")] = False,
) -> None:
    """Run the whole system on this machine, for development: open access, loopback only.

    Stays in the foreground until Ctrl-C. If it runs already, nothing is changed and its table is printed.

    Examples: frontdesk up | frontdesk up --detach --port 8100
    """
    _run("up", "up", port, detach)


@app.command()
def down(
    purge: Annotated[bool, typer.Option("--purge", help="Remove the data, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Stop everything in order; data is kept unless --purge is given.

    Examples: frontdesk down | frontdesk down --purge
    """
    _run("down", "down", purge, as_json)


@app.command()
def status(as_json: JsonOption = False) -> None:
    """What runs where, asked of each component now. Exit code 4 if nothing runs, 1 if something does not answer.

    Examples: frontdesk status | frontdesk status --json
    """
    _run("status", "status", as_json)


@app.command()
def logs(
    component: Annotated[str | None, typer.Argument(help="A service or server, e.g. booking; all without it.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
) -> None:
    """Print the last lines of the logs.

    Examples: frontdesk logs | frontdesk logs -f booking
    """
    _run("logs", "logs", component, follow)


@app.command()
def env(
    service: Annotated[str | None, typer.Argument(help="Settings of this service instead of the stack's addresses.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print addresses and passwords of the running stack as shell variables.

    Examples: eval "$(frontdesk env)" | frontdesk env booking
    """
    _run("env", "env", service, as_json)


@app.command()
def doctor(as_json: JsonOption = False) -> None:
    """Look for what is wrong with this machine and with what runs here, each with a fix. Exit code 1 if something fails.

    Example: frontdesk doctor
    """
    _run("doctor", "doctor", as_json)


@app.command()
def demo(as_json: JsonOption = False) -> None:
    """Let 50 patients race for 10 places through the API, then check some in, and show what happened. Can be run again.

    Example: frontdesk demo
    """
    _run("demo", "demo", as_json)


@app.command()
def explain(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="A command id, an appointment's id, a Request-Id or an Idempotency-Key.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Tell why a command ended as it did: its path through the services, with times and reasons. Exit code 3 if nothing knows it.

    Examples: frontdesk explain 3b0cbe5c-6b35-5b6e-9d5c-0a4f1d2c7e11 | frontdesk explain tom-2026-11-21
    """
    _run("explain", "explain", name, as_json)


@app.command()
def reconcile(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only compare; mending is not built yet.")] = False,
    clinic: Annotated[str | None, typer.Option(help="Id of the one clinic to compare; all without it.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="First date to compare, YYYY-MM-DD; a week ago without it.")] = None,
    older_than: Annotated[float, typer.Option(help="Seconds after which what is under way counts as stuck.", min=0)] = 60,
    wait: Annotated[float, typer.Option(help="Seconds in which what is under way may arrive before the second look.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Compare what the services hold: slots with appointments, check-ins with the queue, outcomes, outboxes, settings.

    What differs is looked at twice. Exit code 0 if there is nothing to mend, 1 if there is.

    Examples: frontdesk reconcile --dry-run | frontdesk reconcile --dry-run --from 2026-11-01 --json
    """
    _run("reconcile", "reconcile", dry_run, clinic, since, older_than, wait, as_json)


@app.command()
def psql(
    service: Annotated[str, typer.Argument(help="availability, booking, queue or gateway.")],
    sql: Annotated[str | None, typer.Option("--command", "-c", help="One statement; without it a session of psql.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Look into a service's database: the rows of all clinics are seen, nothing can be written.

    Examples: frontdesk psql booking -c "SELECT status, count(*) FROM appointments GROUP BY 1" | frontdesk psql queue
    """
    _run("psql", "psql", service, sql, as_json)


@app.command()
def migrate(
    service: Annotated[str | None, typer.Argument(help="The one service whose database the URL is of; all without it.")] = None,
    url: Annotated[
        str | None,
        typer.Option(help="Of its owner's role; of a superuser without a service. Better in POSTGRES_OWNER_URL, or its _FILE."),
    ] = None,
    secrets: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Passwords of all roles, a file each; made where they are missing.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Bring databases to the newest schema: those of the running stack, or elsewhere by their URL. Safe to repeat, also at once.

    Of all services it first makes their databases and roles, where these are missing.

    Examples: frontdesk migrate | frontdesk migrate booking --url postgresql://booking_owner:…@db/booking?sslmode=verify-full |
    frontdesk migrate --url postgresql://postgres:…@db/postgres --secrets /etc/frontdesk/secrets
    """
    _run("migrate", "migrate", service, url, secrets, as_json)


@app.command()
def seed(as_json: JsonOption = False) -> None:
    """Make the demo clinic's doctors and patients through the API; safe to repeat.

    Example: frontdesk seed
    """
    _run("seed", "seed", as_json)


@app.command()
def version(as_json: JsonOption = False) -> None:
    """Print the version.

    Example: frontdesk version
    """
    from shared.infra.version import distribution_version

    typer.echo(f'{{"version": "{distribution_version()}"}}' if as_json else distribution_version())


@topics_app.command("create")
def topics_create(
    replication: Annotated[
        int | None, typer.Option(help="Brokers that have each record; three, or as many as there are, without it.", min=1)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make every declared topic; safe to repeat. Exit code 1 if one is not as declared, or has fewer copies than asked for.

    A record is acknowledged once all of these brokers but one have it (min.insync.replicas). It is set on topics that exist, too.

    Examples: frontdesk topics create | frontdesk topics create --replication 3
    """
    _run("topics", "create", replication, as_json)


@topics_app.command("list")
def topics_list(as_json: JsonOption = False) -> None:
    """Show every topic: partitions, how long it is kept, how many records it has, which groups read it.

    Example: frontdesk topics list
    """
    _run("topics", "show_all", as_json)


@topics_app.command("tail")
def topics_tail(
    name: Annotated[str, typer.Argument(help="A topic, e.g. availability.events.")],
    count: Annotated[int, typer.Option("-n", help="How many of the newest records.", min=0, max=10_000)] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
) -> None:
    """Print the newest records of a topic, one JSON line each. Joins no group, so it disturbs nobody.

    Examples: frontdesk topics tail booking.commands | frontdesk topics tail -f -n 0 appointment.events
    """
    _run("topics", "tail", name, count, follow)


@topics_app.command("lag")
def topics_lag(
    group: Annotated[str | None, typer.Argument(help="A group: availability, booking or queue; all without it.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit code 1 unless everything is processed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show how many records of its topics each group has still to process.

    Examples: frontdesk topics lag | frontdesk topics lag booking --check
    """
    _run("topics", "lag", group, check, as_json)


@dlq_app.command("list")
def dlq_list(as_json: JsonOption = False) -> None:
    """Count the dead letters of each topic and group: how many still wait, the oldest and newest, types and errors.

    Example: frontdesk dlq list
    """
    _run("dlq", "show_all", as_json)


@dlq_app.command("show")
def dlq_show(letter: Annotated[str, typer.Argument(help="topic:partition:offset of the dead letter, or a message id.")]) -> None:
    """Print a dead letter as JSON: where it came from, why it is there, its headers and its body.

    Example: frontdesk dlq show booking.commands.availability.dlq:3:17
    """
    _run("dlq", "show", letter)


@dlq_app.command("redrive")
def dlq_redrive(
    letter: Annotated[str | None, typer.Argument(help="topic:partition:offset of the dead letter, or a message id.")] = None,
    everything_of: Annotated[str | None, typer.Option("--all", help="All of this topic that were not redriven yet.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also those that were redriven before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go back.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Hand dead letters once more to the group that could not process them, and to no other. Ids and keys stay as they are.

    What is malformed cannot go back as it is: that, and what was asked for by name and redriven before, is exit code 1.

    Examples: frontdesk dlq redrive booking.commands.availability.dlq:3:17 |
    frontdesk dlq redrive --all appointment.events.queue.dlq --dry-run
    """
    _run("dlq", "redrive", letter, everything_of, again, dry_run, as_json)


@import_app.command("patients")
def import_patients(
    file: CsvFile,
    delimiter: DelimiterOption = None,
    dry_run: DryRunOption = False,
    on_duplicate: Annotated[
        Literal["reject", "create"], typer.Option(help="What becomes of one whose phone is another patient's, as in families.")
    ] = "reject",
    report: ReportOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register the patients of a file. Those that are there stay as they are, so it can be run again at any time.

    Who is there already is told by external_id, or by phone, name and date of birth. Columns: phone, name (or given_name and
    family_name), and any of phone_extension, external_id, email, date_of_birth, nhs_number, postcode, address. Exit code 1 if a
    line was rejected.

    Examples: frontdesk import patients patients.csv --dry-run |
    frontdesk import patients patients.csv --report rejected.csv
    """
    _run("imports", "patients", file, delimiter, dry_run, on_duplicate, report, as_json)


@import_app.command("doctors")
def import_doctors(
    file: CsvFile,
    delimiter: DelimiterOption = None,
    dry_run: DryRunOption = False,
    report: ReportOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register the doctors of a file. Those that are there stay as they are, so it can be run again at any time.

    Who is there already is told by external_id, or by code, which is made from the name if absent. Columns: name, and any of
    external_id, code, category, price_range, languages (en;fr), location, address, time_zone. Exit code 1 if a line was rejected.

    Examples: frontdesk import doctors doctors.csv --dry-run | frontdesk import doctors doctors.csv
    """
    _run("imports", "doctors", file, delimiter, dry_run, report, as_json)


@clinics_app.command("settings")
def clinics_settings(
    changes: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Settings to change; none: show.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the clinic's settings, or change some of them; other services follow within a second, other gateways within two.

    Examples: frontdesk clinics settings | frontdesk clinics settings time_zone=Europe/London max_daily_capacity=20
    """
    _run("clinics", "settings", changes or [], as_json)


def _run(noun: str, verb: str, *arguments: Any) -> None:
    """Run a command. A failure goes to stderr as a text, without a traceback."""
    from deploy.addresses import who_runs_servers
    from deploy.failure import Failure

    try:
        code = getattr(importlib.import_module(f"deploy.commands.{noun}"), verb)(*arguments)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Failure as failure:
        sys.stderr.write(f"\n{failure.shown(who_runs_servers())}\n")
        code = failure.exit_code
    raise typer.Exit(code)


def main() -> None:
    """Entry point of the console script."""
    # Kafka's client logs every failed attempt; the command says once that Kafka does not answer, and what to type.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    app()


if __name__ == "__main__":
    main()

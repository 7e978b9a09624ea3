"""Entry point of the `proofplane` command: dispatch, and errors as one or two lines with an exit code."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Sequence

import click

from proofplane import __version__
from proofplane.base.errors import Broken, ProofplaneError
from proofplane.cli.exits import BUG, INTERRUPTED, OK, exit_code
from proofplane.cli.lazy import LazyGroup

_COMMANDS = {
    "demo": ("proofplane.cli.commands.demo", "demo"),
    "prove": ("proofplane.cli.commands.prove", "prove"),
    "status": ("proofplane.cli.commands.status", "status"),
    "proofs": ("proofplane.cli.commands.proofs", "proofs"),
    "chain": ("proofplane.cli.commands.chain", "chain"),
    "bb": ("proofplane.cli.commands.bb", "bb"),
    "verifier": ("proofplane.cli.commands.verifier", "verifier"),
    "codegen": ("proofplane.cli.commands.codegen", "codegen"),
    "verify-chain": ("proofplane.cli.commands.verify_chain", "command"),
}


@click.group(cls=LazyGroup, table=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="proofplane")
@click.option("--verbose", "-v", is_flag=True, help="Log what services do to standard error.")
def cli(verbose: bool) -> None:
    """Blocks go in; verified state and durable proofs come out.

    Exit codes: 0 success, 1 checked and invalid, 2 your mistake, 3 try again, 4 can never succeed, 5 disk or database broken,
    70 our bug, 130 interrupted.
    """
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits the process with the code of `proofplane.cli.exits`."""
    open_standard_streams()
    sys.exit(run(arguments))


def open_standard_streams() -> None:
    """Opens the null device wherever the process was given no standard stream.

    Otherwise the next file that is opened gets the number: what is printed would go into a database, and an event loop that finds its own
    files there aborts the process.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - as open as the process lives


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code; every error becomes one or two lines on standard error."""
    try:
        result = cli.main(args=arguments, prog_name="proofplane", standalone_mode=False)
    except click.exceptions.Abort:
        return INTERRUPTED
    except KeyboardInterrupt:
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        click.echo(f"proofplane: {error.format_message()}", err=True)
        if isinstance(error, click.UsageError) and error.ctx is not None:
            click.echo(f"see `{error.ctx.command_path} --help`", err=True)
        return error.exit_code
    except SystemExit:
        return OK  # the library's way to say that the reader of our output has seen enough
    except OSError as error:
        return _output_failed(error)
    except Exception as error:  # the last line of defence: a bug is shown as one, too
        return _report(error)
    return result if isinstance(result, int) else OK


def _output_failed(error: OSError) -> int:
    """Files that our own code reads and writes have typed errors, so this is taken to be about standard output: its reader left, or it has
    no room. A file that was forgotten would be shown as one, with what the system says about it."""
    try:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())  # what is still buffered must not fail once more at exit
        os.close(devnull)
    except (OSError, ValueError):
        logging.getLogger("proofplane").info("standard output cannot be replaced")
    if isinstance(error, BrokenPipeError):
        return OK  # the reader has seen enough
    click.echo(f"proofplane: output failed: {error.strerror or error}", err=True)
    return exit_code(Broken())


def _report(error: BaseException) -> int:
    known = _expected(error)
    if known is not None:
        click.echo(f"proofplane: {known}", err=True)
        return exit_code(known)
    place = traceback.extract_tb(error.__traceback__)[-1] if error.__traceback__ else None
    where = f" ({place.filename.rsplit('/', 1)[-1]}:{place.lineno})" if place else ""
    click.echo(
        f"proofplane: internal error: {type(error).__name__}: {error}{where}\nThis is a bug of proofplane; please report it.", err=True
    )
    logging.getLogger("proofplane").info("traceback", exc_info=error)
    return BUG


def _expected(error: BaseException | None) -> ProofplaneError | None:
    """The first error of ours inside groups and causes, the most specific one a user can act on."""
    while error is not None:
        if isinstance(error, BaseExceptionGroup):
            return next((known for inner in error.exceptions if (known := _expected(inner)) is not None), None)
        if isinstance(error, ProofplaneError):
            cause = getattr(error, "cause", None)
            inner = _expected(cause) if isinstance(cause, BaseException) else None
            return inner or error
        error = error.__cause__
    return None

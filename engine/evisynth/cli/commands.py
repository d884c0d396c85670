"""Gather the commands; errors become one readable message and exit status 2, warnings a line each."""

from __future__ import annotations

import sys
import warnings
from contextlib import contextmanager
from io import TextIOWrapper
from typing import IO, TYPE_CHECKING, Any

import click

from evisynth.cli.bias import bias_command
from evisynth.cli.check import check_command
from evisynth.cli.compare import compare_command
from evisynth.cli.demo import demo
from evisynth.cli.draw import draw_command
from evisynth.cli.fit import fit_command
from evisynth.cli.listings import methods, plugins, presets, schema_command
from evisynth.cli.reporting import report_command
from evisynth.cli.reviews import review_command, verify_command
from evisynth.cli.validate import validate_command
from evisynth.errors import DataWarning, EvisynthError, PluginWarning
from evisynth.escaping import printable
from evisynth.provenance import engine_version

if TYPE_CHECKING:
    from collections.abc import Generator


class Refusal(click.ClickException):
    """Show what was wrong with a request on standard error; the exit status is 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message, with names from outside made harmless."""
        click.echo(f"evisynth: {printable(self.format_message(), keep=chr(10))}", file=file, err=file is None)


class Commands(click.Group):
    """Turn our errors and the system's into a `Refusal`."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run a command."""
        try:
            with _shown_warnings():
                return super().invoke(ctx)
        except EvisynthError as error:
            raise Refusal(str(error)) from error
        except BrokenPipeError:
            raise  # whoever read the output has gone: click ends quietly
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            msg = f"{where}{error.strerror or error}"
            raise Refusal(msg) from error


@contextmanager
def _shown_warnings() -> Generator[None]:
    def show(message: Warning | str, *_: object, **__: object) -> None:
        click.echo(f"warning: {printable(str(message))}", err=True)

    with warnings.catch_warnings():
        for category in (DataWarning, PluginWarning):
            warnings.simplefilter("always", category)
        warnings.showwarning = show
        yield


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(engine_version(), prog_name="evisynth")
def main() -> None:
    """Pool studies as RevMan, metafor or meta would, with every method a plugin."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show τ² gets a question mark, not an exception.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


for _command in (
    fit_command,
    review_command,
    report_command,
    verify_command,
    compare_command,
    check_command,
    bias_command,
    draw_command,
    validate_command,
    demo,
    methods,
    plugins,
    presets,
    schema_command,
):
    main.add_command(_command)

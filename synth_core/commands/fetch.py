"""fetch."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from synth_core.commands.console import Progress, directory_to_fill, show
from synth_core.errors import InvalidSetting
from synth_core.fetch import ARCHIVES, Archive

NAMES = ", ".join(sorted(ARCHIVES))


def fetch(
    name: Annotated[str, typer.Argument(help=f"One of {NAMES}.")],
    out: Annotated[Path | None, typer.Option(help="The folder for the files; data/NAME by default.")] = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="You have read the licence and accept it.")
    ] = False,
    address: Annotated[str | None, typer.Option(help="A mirror with the same tree.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Download a public archive from its own address; run it again to continue after an interruption.

    Example: python -m synth_core fetch mitdb --out ~/mitdb
    """
    from synth_core.fetch import fetch as download

    user, password = os.environ.get("PHYSIONET_USER"), os.environ.get("PHYSIONET_PASSWORD")
    folder = download(
        name,
        directory_to_fill(out or Path("data") / name),
        accept=lambda archive: accept_licence or _asked(archive),
        login=(user, password) if user and password else None,
        address=address,
        progress=Progress(),
    )
    archive = ARCHIVES[name]
    result = {"path": str(folder), "licence": archive.licence, "citation": archive.citation}
    show(result, as_json, f"{folder}: complete and verified.\nLicence: {archive.licence}\nCite: {archive.citation}")


def _asked(archive: Archive) -> bool:
    """Show the licence to a person and wait for an answer."""
    text = f"{archive.title}\n{archive.page}\nLicence: {archive.licence}, {archive.licence_address}\n"
    if not sys.stdin.isatty():
        raise InvalidSetting(f"{text}Read the licence, then add --accept-licence.")
    typer.echo(text, err=True)
    return typer.confirm("Do you accept the licence?", err=True)

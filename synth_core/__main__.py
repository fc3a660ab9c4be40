"""`python -m synth_core <verb>`: exit 0 when done, 2 for what the user can mend, 1 for what we must mend."""

from __future__ import annotations

import os
import sys

import typer

from synth_core.commands import data, experiment, fetch, generate, measure, study
from synth_core.errors import SynthScopeError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Synthetic EEG, ECG and CT: data, generators, fidelity. For research and teaching; not a medical device.",
)
for verb in (
    fetch.fetch,
    data.simulate,
    data.inspect,
    data.prepare,
    data.merge,
    generate.train,
    generate.sample,
    measure.evaluate,
    experiment.experiment,
    generate.models,
):
    app.command()(verb)
app.add_typer(study.app, name="study")


def main() -> None:
    """Run a verb and turn errors into sentences."""
    try:
        app()
    except SynthScopeError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        raise SystemExit(130) from None
    except Exception as error:
        if os.environ.get("SYNTHSCOPE_DEBUG"):
            raise
        sys.stderr.write(f"Unexpected fault ({type(error).__name__}: {error}); SYNTHSCOPE_DEBUG=1 shows where.\n")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()

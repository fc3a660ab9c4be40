"""study: blinded reading studies from a file to their results, and their safe keeping."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synth_core.commands.console import Progress, new_directory, new_file, show, table
from synth_core.errors import InvalidSetting

if TYPE_CHECKING:
    from synth_core.study.store import Store

app = typer.Typer(
    no_args_is_help=True,
    help="Blinded reading studies: make, lock, invite, close, results, verify, backup. They are in the workspace.",
)
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Despite = Annotated[
    str, typer.Option(help="Your reason to lock it although the audit finds a leak; kept with the study.")
]
Study = Annotated[str, typer.Argument(help="Id of a study or the beginning of it, see `study list`.")]


@app.command()
def new(
    file: Annotated[Path, typer.Argument(help="A plan: YAML or JSON with `protocol`, `real` and `synthetic`.")],
    lock: Annotated[bool, typer.Option("--lock", help="Lock it at once; else it is a draft.")] = False,
    despite: Despite = "",
    as_json: Json = False,
) -> None:
    """Make a study from a plan: choose real examples, draw synthetic ones, write blinded items.

    Example: python -m synth_core study new study.yaml

    A plan: {protocol: {title: First, per_side: 30}, real: {dataset: workspace/datasets/demo-ecg},
    synthetic: [{model: models/demo-ecg}, {npz: others.npz}]}. Paths are relative to the file.
    """
    from synth_core.commands.study_items import gather
    from synth_core.study.design import create_study
    from synth_core.study.plan import read_plan

    plan = read_plan(file)
    store = _store()
    given = plan.protocol.seed
    seed = secrets.randbits(62) if given is None else given
    real, synthetic, sources = gather(plan, seed=seed, progress=Progress())
    made = create_study(
        store,
        plan.protocol,
        real,
        synthetic,
        source=sources,
        now=_now(),
        plan=plan.sources(),
        lock=lock,
        despite=despite,
    )
    mark = store.commitment(made)
    result = {"study": made, "locked": lock, "commitment": mark}
    show(result, as_json, _locked(made, mark) if lock else f"{made}: a draft; `study lock` comes next.")


@app.command("list")
def list_studies(as_json: Json = False) -> None:
    """List the studies of the workspace, the newest first.

    Example: python -m synth_core study list
    """
    found = [
        {
            "study": one.id,
            "title": one.protocol.title,
            "modality": one.rendering.modality,
            "state": "closed" if one.closed_at else "open" if one.locked_at else "draft",
            "made": one.created_at.isoformat(timespec="seconds"),
        }
        for one in _store().studies()
    ]
    rows = [[str(value) for value in one.values()] for one in found]
    show(found, as_json, table(rows, ["study", "title", "modality", "state", "made"]))


@app.command()
def lock(study: Study, despite: Despite = "", as_json: Json = False) -> None:
    """Audit and lock a draft: draw the orders, seal protocol, items and key. Prints the mark to keep elsewhere.

    Example: python -m synth_core study lock 3f2a
    """
    from synth_core.study.design import lock_study

    store = _store()
    found = _find(store, study)
    mark = lock_study(store, found, _now(), despite=despite)
    show({"study": found, "locked": True, "commitment": mark}, as_json, _locked(found, mark))


@app.command()
def invite(
    study: Study,
    n: Annotated[int, typer.Option("--n", min=1, max=200, help="How many raters.")] = 1,
    note: Annotated[str, typer.Option(help="For you: whom they are for.")] = "",
    address: Annotated[str, typer.Option(help="Where raters reach this server.")] = "http://localhost:8501",
    as_json: Json = False,
) -> None:
    """Make invitations, each for one rater. They are printed once; only hashes are kept.

    Example: python -m synth_core study invite 3f2a --n 3 --address https://study.example.org
    """
    from synth_core.study import invitations

    store = _store()
    found = _find(store, study)
    tokens = invitations.invite(store, found, n, note, now=_now())
    links = [f"{address.rstrip('/')}/rate?invitation={token}" for token in tokens]
    show({"study": found, "invitations": links}, as_json, "\n".join(links))


@app.command()
def amend(
    study: Study,
    reason: Annotated[str, typer.Option(help="What is done otherwise than the protocol has it, and why.")],
    as_json: Json = False,
) -> None:
    """Keep a departure from the locked protocol with the study; the protocol stays as it was locked.

    Example: python -m synth_core study amend 3f2a --reason "a fourth rater, since one fell ill"
    """
    from synth_core.study import results as outcome

    store = _store()
    found = _find(store, study)
    outcome.amend(store, found, reason, _now())
    show({"study": found, "amended": reason}, as_json, f"{found}: the amendment is kept.")


@app.command()
def close(
    study: Study,
    reason: Annotated[str, typer.Option(help="Why now; kept with the study.")],
    as_json: Json = False,
) -> None:
    """Close a study for good and open its key: no answer is taken afterwards.

    Example: python -m synth_core study close 3f2a --reason "all invited raters have finished"
    """
    from synth_core.study.results import unblind

    store = _store()
    found = _find(store, study)
    unblind(store, found, reason, _now())
    show({"study": found, "closed": True}, as_json, f"{found}: closed and unblinded; `study results` comes next.")


@app.command()
def results(study: Study, as_json: Json = False) -> None:
    """Say how well raters told real from synthetic, after the study was closed.

    Example: python -m synth_core study results 3f2a --json
    """
    from synth_core.study import results as outcome
    from synth_core.study.exports import as_json as plain

    store = _store()
    found = outcome.results(store, _find(store, study))
    rows = [
        [one.name, str(one.n), *(_share(own) for own in (one.accuracy, one.sensitivity, one.specificity))]
        for one in (*found.raters, found.overall)
    ]
    sentences = "intact" if found.intact else "BROKEN:\n" + "\n".join(found.verification.problems)
    text = table(rows, ["rater", "n", "accuracy", "synthetic found", "real found"])
    content: dict[str, Any] = {**plain(found), "intact": found.intact}
    show(content, as_json, f"{text}\n{found.note}\nThe seal is {sentences}.")


@app.command()
def export(
    study: Study,
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    as_json: Json = False,
) -> None:
    """Write a closed study as files: plan, raters, answers with the truth, results, log.

    Example: python -m synth_core study export 3f2a --out first-study
    """
    from synth_core.study.exports import export_study

    store = _store()
    found = _find(store, study)
    export_study(store, found, new_directory(out))
    files = sorted(path.name for path in out.iterdir())
    show({"study": found, "path": str(out), "files": files}, as_json, f"{out}: {', '.join(files)}.")


@app.command()
def audit(
    study: Study,
    traffic: Annotated[
        Path | None, typer.Option(help="Recorded traffic of a rating session (HAR): searched for every secret.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Try whether anything but the content tells real from synthetic; exit 1 when something does.

    Example: python -m synth_core study audit 3f2a
    """
    from dataclasses import asdict

    from synth_core.study.blinding import audit_study, search_traffic, secrets_of

    store = _store()
    study_id = _find(store, study)
    found = audit_study(store, study_id)
    told = [] if traffic is None else search_traffic(_recorded(traffic), secrets_of(store, study_id))
    sentences = [*found.sentences, *(f"The traffic holds {one.secret!r}, as {one.form}." for one in told)]
    result = {
        "study": study_id,
        "passed": found.passed and not told,
        "sentences": sentences,
        "transport": [asdict(trait) for trait in found.transport],
        "signature": [asdict(trait) for trait in found.signature],
        "traffic": [one._asdict() for one in told],
    }
    rows = [[one.group, one.name, f"{one.auc:.2f}", f"{one.p:.4f}"] for one in found.signature[:8]]
    content = table(rows, ["content", "trait", "AUROC", "p"])
    show(result, as_json, "\n".join([*sentences, "", "Apart from it, what the content itself says:", content]))
    if found.leaks or told:
        raise typer.Exit(1)


def _recorded(file: Path) -> bytes:
    if not file.is_file():
        raise InvalidSetting(f"--traffic {file} is no file; save the traffic of a rating session as HAR first.")
    return file.read_bytes()


@app.command()
def verify(
    study: Study,
    commitment: Annotated[
        str | None, typer.Option(help="A mark of the log that you kept outside this machine.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Replay the log of a study against every table and file; exit 1 when something was changed behind it.

    Example: python -m synth_core study verify 3f2a
    """
    from synth_core.study.verification import verify as check

    store = _store()
    study_id = _find(store, study)
    found = check(store, study_id, commitment)
    result = {
        "study": study_id,
        "intact": found.intact,
        "problems": list(found.problems),
        "entries": found.entries,
        "head": found.head,
        "adopted_at": found.adopted_at and found.adopted_at.isoformat(),
    }
    since = f" What came before {found.adopted_at:%Y-%m-%d} is taken on trust." if found.adopted_at else ""
    whole = f"{study_id}: intact, {found.entries} entries. The newest mark is {found.head}.{since}"
    show(result, as_json, whole if found.intact else "\n".join((f"{study_id}: NOT intact.", *found.problems)))
    if not found.intact:
        raise typer.Exit(1)


@app.command()
def backup(
    out: Annotated[Path, typer.Argument(help="The zip file to write.")],
    as_json: Json = False,
) -> None:
    """Keep all studies in one file: database, items, key and marks. Raters may go on meanwhile.

    Example: python -m synth_core study backup studies.zip
    """
    from synth_core.study.backup import back_up

    files = back_up(*_place(), new_file(out, ".zip", option="OUT"))
    show({"path": str(out), "files": files}, as_json, f"{out}: {files} files. It holds the key: keep it safe.")


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A file that `study backup` wrote.")],
    as_json: Json = False,
) -> None:
    """Put all studies of a backup into a workspace that has none; nothing is overwritten.

    Example: SYNTHSCOPE_WORKSPACE=other python -m synth_core study restore studies.zip
    """
    from synth_core.study.backup import restore as put_back

    files = put_back(*_place(), source)
    found = [one.id for one in _store().studies()]
    show({"files": files, "studies": found}, as_json, f"{files} files of {len(found)} studies are back.")


def _place() -> tuple[str, Path]:
    from synth_core.workspace import Workspace

    workspace = Workspace()
    return workspace.database_url, workspace.folder("study-items")


def _store() -> Store:
    """Who can run this on the machine of the database is its owner."""
    from synth_core.study.access import OWNER
    from synth_core.study.database import open_store

    return open_store(*_place()).acting(OWNER)


def _find(store: Store, given: str) -> str:
    found = [one for one in store.study_ids() if given and one.startswith(given.lower())]
    if len(found) != 1:
        which = "No study begins" if not found else f"{len(found)} studies begin"
        raise InvalidSetting(f"{which} with {given!r}; `study list` shows their ids.")
    return found[0]


def _locked(study: str, mark: str) -> str:
    return (
        f"{study}: locked. Keep this mark outside this machine, for instance in the registration of the study; "
        f"`study verify --commitment` shows by it later that nothing before it was changed:\n{mark}"
    )


def _share(interval: Any) -> str:
    return "" if interval is None else f"{interval[0]:.3f} ({interval[1]:.3f} to {interval[2]:.3f})"


def _now() -> datetime:
    return datetime.now(UTC)

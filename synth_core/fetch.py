"""Public archives, downloaded from their own addresses: licence first, resumable, every file verified."""

from __future__ import annotations

import hashlib
import re
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from synth_core.errors import DataError, InvalidSetting

Progress = Callable[[int, int, str], None]
MANIFEST = "SHA256SUMS.txt"
LARGEST_MANIFEST = 64 * 2**20  # bytes; that of PTB-XL has 8 MB
AT_ONCE = 8  # downloads; tens of thousands of small files would take hours one after the other
PATIENCE = 60.0  # seconds without a byte
TRIES = 4
_BLOCK = 2**18
_LINE = re.compile(r"^([0-9a-f]{64})\s+\*?(\S.*)$")


@dataclass(frozen=True)
class Archive:
    """A public collection of recordings.

    Parameters
    ----------
    address : of the folder that holds its files and SHA256SUMS.txt.
    below : the part of that folder that is fetched.
    files : (address, bytes) of each file, for an archive without a list of checksums; they are zips, whose own
        checksums are tested instead.
    login : whether the archive hands its files only to people who have signed its terms.
    """

    title: str
    licence: str
    licence_address: str
    citation: str
    page: str
    address: str = ""
    below: str = ""
    files: tuple[tuple[str, int], ...] = ()
    login: bool = False


GOLDBERGER = "Goldberger et al. 2000, PhysioBank, PhysioToolkit, and PhysioNet, Circulation 101(23):e215"
CC_BY, CC_BY_ADDRESS = "CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/"
ODC_BY, ODC_BY_ADDRESS = "ODC-By 1.0", "https://opendatacommons.org/licenses/by/1-0/"
PHYSIONET = "https://physionet.org"


def _physionet(slug: str, version: str, title: str, licence: str, citation: str, **more: Any) -> Archive:
    known = {CC_BY: CC_BY_ADDRESS, ODC_BY: ODC_BY_ADDRESS}
    page = f"{PHYSIONET}/content/{slug}/{version}/"
    address = f"{PHYSIONET}/files/{slug}/{version}/"
    text = f"{citation}; {GOLDBERGER}"
    return Archive(title, licence, known.get(licence, page), text, page, address, **more)


ARCHIVES: dict[str, Archive] = {
    "ptbxl": _physionet(
        "ptb-xl", "1.0.3", "PTB-XL: 21,799 12-lead ECGs, 3 GB", CC_BY,
        "Wagner et al. 2020, PTB-XL, a large publicly available electrocardiography dataset, Sci Data 7:154",
    ),
    "chapman": _physionet(
        "ecg-arrhythmia", "1.0.0", "Chapman-Shaoxing-Ningbo: 45,152 12-lead ECGs, 5 GB", CC_BY,
        "Zheng et al. 2020, A 12-lead electrocardiogram database for arrhythmia research, Sci Data 7:48",
    ),
    "cpsc": _physionet(
        "challenge-2020", "1.0.2", "CPSC 2018: 6,877 12-lead ECGs, as of the PhysioNet challenge 2020", CC_BY,
        "Liu et al. 2018, An open access database for evaluating the algorithms of electrocardiogram rhythm and "
        "morphology abnormality detection, J Med Imaging Health Inform 8(7):1368; Perez Alday et al. 2020, "
        "Classification of 12-lead ECGs, Physiol Meas 41:124003", below="training/cpsc_2018/",
    ),
    "mitdb": _physionet(
        "mitdb", "1.0.0", "MIT-BIH arrhythmia: 48 half-hour records with beat annotations, 100 MB", ODC_BY,
        "Moody & Mark 2001, The impact of the MIT-BIH arrhythmia database, IEEE Eng Med Biol 20(3):45",
    ),
    "eegmat": _physionet(
        "eegmat", "1.0.0", "EEG during mental arithmetic: 36 people, 19 channels, 175 MB", ODC_BY,
        "Zyma et al. 2019, Electroencephalograms during mental arithmetic task performance, Data 4(1):14",
    ),
    "chbmit": _physionet(
        "chbmit", "1.0.0", "CHB-MIT: scalp EEG of children with seizures, 43 GB", ODC_BY,
        "Shoeb 2009, Application of machine learning to epileptic seizure onset detection and treatment, MIT",
    ),
    "ct-ich": _physionet(
        "ct-ich", "1.3.1", "CT-ICH: 75 head CTs with outlined haemorrhages, 1.2 GB",
        "PhysioNet Restricted Health Data License 1.5.0",
        "Hssayeni et al. 2020, Intracranial hemorrhage segmentation using a deep convolutional model, Data 5(1):14",
        login=True,
    ),
    "bonn": Archive(
        "Bonn EEG: five sets of 100 segments of 23.6 s, 3 MB",
        "none stated; for research, with citation",
        "https://www.ukbonn.de/epileptologie/arbeitsgruppen/ag-lehnertz-neurophysik/downloads/",
        "Andrzejak et al. 2001, Indications of nonlinear deterministic and finite-dimensional structures in time "
        "series of brain electrical activity, Phys Rev E 64:061907",
        "https://www.ukbonn.de/epileptologie/arbeitsgruppen/ag-lehnertz-neurophysik/downloads/",
        "https://www.ukbonn.de/site/assets/files/",
        files=(
            ("21874/z.zip", 591_469), ("21872/o.zip", 642_112), ("21871/n.zip", 587_464),
            ("21870/f.zip", 596_691), ("21875/s.zip", 787_492),
        ),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class _Wanted:
    """One file: where it is, where it goes, and how to know that it is whole."""

    address: str
    target: Path
    sha256: str = ""
    size: int = 0


def fetch(
    name: str,
    out: Path | str,
    *,
    accept: Callable[[Archive], bool],
    login: tuple[str, str] | None = None,
    address: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Download an archive; what is there already is kept, and a file that was cut short is continued.

    Parameters
    ----------
    name : one of ARCHIVES.
    out : folder for the files, made if need be.
    accept : shown the archive with its licence before anything is downloaded; False stops.
    login : user name and password at PhysioNet, for archives that ask for them.
    address : another place with the same tree, a mirror for example.
    progress : called with (files done, all, what was done); what it raises cancels, and keeps what is complete.

    Returns
    -------
    `out`, ready for `open_recordings`.

    Raises
    ------
    InvalidSetting : an unknown name, a licence that was not accepted, or a missing login.
    DataError : the archive cannot be reached, or a file does not arrive as the archive describes it.
    """
    if name not in ARCHIVES:
        raise InvalidSetting(f"There is no archive {name!r}. Known are {', '.join(sorted(ARCHIVES))}.")
    archive, out = ARCHIVES[name], Path(out)
    if not accept(archive):
        raise InvalidSetting(f"The licence of {name} ({archive.licence}) was not accepted; nothing was downloaded.")
    if archive.login and login is None:
        raise InvalidSetting(
            f"{name} is given to people who have signed its terms at {archive.page}; "
            "then set PHYSIONET_USER and PHYSIONET_PASSWORD."
        )
    out.mkdir(parents=True, exist_ok=True)
    session = _session(login)
    wanted = _wanted(archive, address or archive.address, out, session)
    missing = [file for file in wanted if not file.target.is_file()]
    done = len(wanted) - len(missing)
    stop = threading.Event()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = {pool.submit(_download, session, file, stop): file for file in missing}
        try:
            for future in as_completed(futures):
                future.result()
                done += 1
                if progress is not None:
                    progress(done, len(wanted), futures[future].target.name)
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return out


def _session(login: tuple[str, str] | None) -> Any:
    import requests
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    session.auth = login
    session.headers["User-Agent"] = "SynthScope fetch"
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=AT_ONCE))
    return session


def _wanted(archive: Archive, address: str, out: Path, session: Any) -> list[_Wanted]:
    """Every file of an archive, with what it is verified by."""
    address = address.rstrip("/") + "/"
    if archive.files:
        return [_Wanted(address + path, out / PurePosixPath(path).name, size=size) for path, size in archive.files]
    wanted = []
    for line in _manifest(session, address + MANIFEST).splitlines():
        found = _LINE.match(line.strip())
        if found is None or not found[2].startswith(archive.below):
            continue
        path = PurePosixPath(found[2])
        if path.is_absolute() or ".." in path.parts or "\\" in found[2] or "\0" in found[2]:
            raise DataError(MANIFEST, f"names the file {found[2]!r} outside the archive; nothing was downloaded.")
        inside = path.relative_to(archive.below) if archive.below else path
        wanted.append(_Wanted(address + str(path), out.joinpath(*inside.parts), sha256=found[1]))
    if not wanted:
        raise DataError(MANIFEST, f"at {address} lists no files of this archive; check the address.")
    return wanted


def _manifest(session: Any, address: str) -> str:
    import requests

    try:
        with session.get(address, stream=True, timeout=PATIENCE) as answer:
            _check(address, answer.status_code)
            content = answer.raw.read(LARGEST_MANIFEST + 1, decode_content=True)
    except requests.RequestException as error:
        raise DataError(address, "cannot be reached; check the connection and try again.") from error
    if len(content) > LARGEST_MANIFEST:
        raise DataError(address, "is larger than a list of checksums can be; check the address.")
    return str(content.decode("utf-8", "replace"))


def _check(address: str, status: int) -> None:
    if status in (401, 403):
        raise DataError(address, "is not given to this login; sign the terms of the archive with it first.")
    if status >= 400:
        raise DataError(address, f"is not there (status {status}); check the address, or try again later.")


def _download(session: Any, file: _Wanted, stop: threading.Event) -> None:
    """One file, continued where a part of it is there, verified, then given its name."""
    import requests

    file.target.parent.mkdir(parents=True, exist_ok=True)
    part = file.target.with_name(file.target.name + ".part")
    for attempt in range(1, TRIES + 1):
        try:
            _receive(session, file, part, stop)
        except requests.RequestException as error:
            if attempt < TRIES and not stop.wait(2.0**attempt):
                continue
            raise DataError(file.target, "did not arrive; run the same command again to continue.") from error
        if stop.is_set():
            return
        if _is_whole(part, file):
            part.rename(file.target)
            return
        part.unlink()  # a part of another version, or damaged on its way: from the beginning
    raise DataError(file.target, f"does not match its checksum at {file.address}; nothing of it was kept. Try later.")


def _receive(session: Any, file: _Wanted, part: Path, stop: threading.Event) -> None:
    there = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={there}-", "Accept-Encoding": "identity"} if there else {"Accept-Encoding": "identity"}
    with session.get(file.address, headers=headers, stream=True, timeout=PATIENCE) as answer:
        if answer.status_code == 416:  # everything was there already
            return
        _check(file.address, answer.status_code)
        with part.open("ab" if answer.status_code == 206 else "wb") as out:
            for block in answer.iter_content(_BLOCK):
                if stop.is_set():
                    return
                out.write(block)


def _is_whole(part: Path, file: _Wanted) -> bool:
    if file.sha256:
        with part.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == file.sha256
    try:
        with zipfile.ZipFile(part) as content:
            return part.stat().st_size == file.size and content.testzip() is None
    except zipfile.BadZipFile:
        return False

"""Which pictures are masks, and of which others: by their names, by the folder that they lie in, or by their values."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.hounsfield import BLACK, WHITE
from synth_core.data.readers.pictures import pixels
from synth_core.errors import DataError

LABELS = 20.0  # grey values that are rather numbers of labels; as near to white, a mask
BETWEEN = 0.05  # of the bright pixels of a mask may lie between black and white
LOOKED_AT = 3  # pictures of a folder
IMAGE_FOLDERS = ("images", "image", "ct")
_MASK = re.compile(r"(.+?)[_\-. ](?:mask|(?:hge[_\-. ])?seg|segmentation|lesion|label)$", re.IGNORECASE)
_MASK_FOLDER = re.compile(
    r"^(?:masks?|segs?|segmentations?|annotations?|labels?|gt|ground[_\- ]?truths?)$", re.IGNORECASE
)
MaskOf = tuple[Path, str]  # the folder and the key of the image that a mask belongs to


def parted(pictures: Iterable[Path]) -> tuple[dict[Path, list[Path]], dict[MaskOf, Path]]:
    """Images by their folders, and masks by the image that each belongs to."""
    named: dict[Path, str] = {}  # mask → key of its image
    folders: dict[Path, list[Path]] = defaultdict(list)
    for file in pictures:
        found = _MASK.match(file.stem)
        if found or _MASK_FOLDER.match(file.parent.name):
            named[file] = picture_key(found[1] if found else file.stem)
        else:
            folders[file.parent].append(file)
    keys = {folder: {picture_key(file.stem) for file in members} for folder, members in folders.items()}
    for folder in list(folders):
        if _are_masks(folders[folder]):
            named |= {file: picture_key(file.stem) for file in folders.pop(folder)}
            keys.pop(folder)
    return folders, {(_owner(file, key, keys), key): file for file, key in named.items()}


def picture_key(text: str) -> str:
    """What a row of a table, a mask and an image have in common: 7, 007 and 007.png are one."""
    stem = re.sub(r"\.(png|jpe?g|tiff?)$", "", text.strip().replace("\\", "/").rsplit("/", 1)[-1], flags=re.IGNORECASE)
    return str(int(stem)) if stem.isdecimal() else stem.lower()


def is_lesion(file: Path, values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """What of a mask is not black; JPEG blurs its borders, so that there the half of its white counts."""
    if not _is_jpeg(file):
        return values > 0
    return values > max(BLACK, float(values.max(initial=0)) / 2)


def _owner(file: Path, key: str, keys: dict[Path, set[str]]) -> Path:
    """The folder with the image of a mask: its own, else one beside it or above, those called images first."""
    folder = file.parent
    fitting = [one for one in (folder, *_around(folder, keys)) if key in keys.get(one, ())]
    return next((one for one in fitting if one.name.lower() in IMAGE_FOLDERS), fitting[0] if fitting else folder)


def _around(folder: Path, keys: dict[Path, set[str]]) -> list[Path]:
    return sorted(one for one in keys if one != folder and folder.parent in (one, one.parent))


def _are_masks(members: Sequence[Path]) -> bool:
    """Whether pictures from all over a folder are black and white, or numbers of labels, and not all black."""
    chosen = np.unique(np.linspace(0, len(members) - 1, LOOKED_AT).astype(int))
    try:
        looked_at = [_is_mask(members[number], pixels(members[number])) for number in chosen.tolist()]
    except DataError:
        return False
    return all(one is not False for one in looked_at) and any(looked_at)


def _is_mask(file: Path, values: NDArray[Any]) -> bool | None:
    """None for a picture that is all black, which any may be."""
    if values.dtype.itemsize > 1 or values.min() > BLACK:
        return False
    if values.max() <= (BLACK if _is_jpeg(file) else 0):
        return None
    if values.max() <= LABELS:
        return not _is_jpeg(file)
    bright = values > LABELS
    return bool((bright & (values < WHITE - LABELS)).sum() <= BETWEEN * bright.sum())


def _is_jpeg(file: Path) -> bool:
    return file.suffix.lower() in (".jpg", ".jpeg")

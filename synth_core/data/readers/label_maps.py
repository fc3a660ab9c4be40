"""Label maps and masks, told from CT by their values; names of files only decide where values leave it open."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
from numpy.typing import NDArray

FEW = 8  # whole numbers that alone make a map
MOST_LABELS = WHITE = 255  # in most maps; FreeSurfer numbers parts of the cortex from 1000 on
SMALL, LEAST_SMALL = 200, 3  # labels below it; so many are no air of an image with an offset
ALIKE = 0.4  # of neighbours within a labelled region that have the same label; in an image noise parts them
_MASK = re.compile(
    r"(?:^|[_\-. ])(?:lesion|lesions|label|labels|mask|masks|dseg|seg|segmentation|segmentations|roi|gt|annotation)"
    r"(?=$|[_\-. \d])",
    re.IGNORECASE,
)
_OTHER_MASK = re.compile(r"brain|skull|head|bone|tissue|csf|ventric", re.IGNORECASE)


def is_named_mask(name: str) -> bool:
    """Whether the name of a file, without its ending, says that it is a mask."""
    return bool(_MASK.search(name))


def is_of_something_else(name: str, image: str) -> bool:
    """Whether the name of a mask, and not that of its image, says that it is of the brain, the skull or the like."""
    mine, its = (Counter(word.lower() for word in _OTHER_MASK.findall(one)) for one in (name, image))
    return bool(mine - its)


def without_mask_words(name: str) -> str:
    """A name without the words for masks."""
    return _MASK.sub("", name)


def labels_in(planes: NDArray[np.float64], name: str) -> int:
    """How many labels other than 0 a map has in these planes; −1 for an image.

    A map has whole numbers from 0, few of them or in regions that are constant, and neither air nor the range of
    Hounsfield units. Parts of a voxel, from 0 to 1, count as one label where the name says mask.

    Parameters
    ----------
    planes : (planes, rows, columns), neighbours side by side. name : of the file, without its ending.
    """
    if not planes.size or not np.isfinite(planes).all() or planes.min() < 0:
        return -1
    distinct = np.unique(planes)
    count = int((distinct > 0).sum())
    named = is_named_mask(name)
    if (distinct != distinct.round()).any():
        return 1 if named and distinct[-1] <= 1 else -1
    few = (len(distinct) <= 2 and distinct[0] == 0) or (len(distinct) <= FEW and distinct[-1] <= MOST_LABELS)
    if few or (named and distinct[0] == 0):
        return count
    if distinct[-1] == WHITE and WHITE - 1 not in distinct:
        return -1  # white and not the last of many labels: a picture
    small = int(((distinct > 0) & (distinct < SMALL)).sum())
    plausible = distinct[0] == 0 and (distinct[-1] <= MOST_LABELS or small >= LEAST_SMALL)
    return count if plausible and _constant_in_places(planes) else -1


def _constant_in_places(planes: NDArray[np.float64]) -> bool:
    """Whether, along one of the axes, neighbours that are both labelled mostly have the same label."""
    for axis in range(planes.ndim):
        here, there = np.moveaxis(planes, axis, 0)[:-1], np.moveaxis(planes, axis, 0)[1:]
        labelled = (here > 0) & (there > 0)
        if labelled.any() and (here == there)[labelled].mean() >= ALIKE:
            return True
    return False

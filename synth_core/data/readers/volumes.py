"""Voxels in one block of a file, as NIfTI, MetaImage and NRRD keep them → axial slices in Hounsfield units.

Uncompressed volumes whose slices follow one another in the file are read slice by slice. Of compressed ones, and of
those that lie in another order, the last two that were read stay in memory, an image and its mask, for the whole
process; more of them while they are small. Masks on the grid of an image become
its lesion mask.
"""

from __future__ import annotations

import math
import re
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from io import FileIO
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.dicom_slices import AIR
from synth_core.data.recording import Evidence, Recording, Source
from synth_core.errors import DamagedFile, DataError
from synth_core.stored_array import COPY_AGAIN, StoredArray, opened
from synth_core.types import DataSpec

LARGEST_PACKED, LARGEST_PLAIN = 2**30, 2**35  # bytes of voxels
BLOCK = 2**20  # bytes that are unpacked at a time
KEPT = 2**28  # bytes of unpacked volumes beyond which only two stay
PEEK = 2**22  # bytes of a packed volume that tell what its values are
LEAST_COSINE = 0.8  # 37 degrees: more than any gantry tilts
FEW = 8  # values of a mask of labels
_MASK = re.compile(
    r"(?:^|[_\-. ])(?:lesion|lesions|label|labels|mask|masks|dseg|seg|segmentation|roi|gt|annotation)(?=$|[_\-. \d])",
    re.IGNORECASE,
)
_OTHER_MASK = re.compile(r"brain|skull|head|bone|tissue|csf|ventric", re.IGNORECASE)
_MAGNETIC = re.compile(r"_(?:t1w?|t2w?|t2star|flair|bold|dwi|adc|swi|pdw)$", re.IGNORECASE)
_KIND = re.compile(r"(?:^|[_\-. ])(?:ct|image|img|scan|volume|data|orig|original|hu)(?=$|[_\-. ])", re.IGNORECASE)


@dataclass(frozen=True)
class Voxels:
    """One volume as a file keeps it.

    Parameters
    ----------
    file : that holds the voxels. record : its name. evidence : of whose it is, see Recording.
    start : byte of the file where voxels, or the packed stream, begin. skip : unpacked bytes before the voxels.
    packed : whether the stream is gzip or zlib.
    dtype, shape : of the three axes, the first changes fastest.
    slope, intercept : stored value → HU.
    affine : (4, 4) from indices to mm right, anterior, up.
    notes : what else the file says, for display. warnings : what whoever uses it should know.
    """

    file: Path
    record: str
    evidence: Evidence
    start: int
    skip: int
    packed: bool
    dtype: np.dtype[Any]
    shape: tuple[int, int, int]
    slope: float
    intercept: float
    affine: NDArray[np.float64]
    notes: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        size = self.bytes
        limit = LARGEST_PACKED if self.packed else LARGEST_PLAIN
        if min(self.shape) < 1 or not 0 < size <= limit or self.start < 0 or not 0 <= self.skip <= BLOCK * 64:
            words = " × ".join(map(str, self.shape))
            problem = f"declares a volume of {words} voxels; at most {limit / 2**30:.0f} GB are read."
            raise DamagedFile(self.file, problem)
        if not np.isfinite([*self.affine.ravel(), self.slope, self.intercept]).all() or self.slope == 0:
            raise DamagedFile(self.file, "has a position or scale that is not a number; export it again.")
        if not 0.01 < self.spacing.min() <= self.spacing.max() < 50:
            raise DamagedFile(self.file, f"declares voxels of {self.spacing.round(3).tolist()} mm, which no CT has.")
        if not self.packed and self.file.stat().st_size < self.start + self.skip + size:
            there = max(0, self.file.stat().st_size - self.start - self.skip)
            raise DamagedFile(self.file, f"is cut short: {there:,} of {size:,} bytes are there. Copy it again.")
        self.axes  # noqa: B018 - refuses what is not axial

    @property
    def bytes(self) -> int:
        """Of the voxels, unpacked; exact however large."""
        return int(self.dtype.itemsize) * int(self.shape[0]) * int(self.shape[1]) * int(self.shape[2])

    @property
    def spacing(self) -> NDArray[np.float64]:
        """mm from one voxel to the next along each axis of the file."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    @property
    def axes(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Which axis of the file runs along slices, rows and columns of the result, and in which direction (1, −1).

        Slices go up, rows from anterior to posterior, columns from the right of the patient to the left.
        """
        cosines = self.affine[:3, :3] / self.spacing  # (mm direction, file axis)
        order, directions = [], []
        for world, wanted in ((2, 1.0), (1, -1.0), (0, -1.0)):
            axis = int(np.abs(cosines[world]).argmax())
            if abs(cosines[world, axis]) < LEAST_COSINE:
                raise DataError(self.file, "is not along the axes of the head; resample it to axial slices first.")
            order.append(axis)
            directions.append(1 if cosines[world, axis] * wanted > 0 else -1)
        if sorted(order) != [0, 1, 2]:
            raise DamagedFile(self.file, "has an orientation in which two axes are one; export it again.")
        return (order[0], order[1], order[2]), (directions[0], directions[1], directions[2])

    @property
    def oriented_shape(self) -> tuple[int, int, int]:
        """Slices, rows, columns."""
        slices, rows, columns = (self.shape[axis] for axis in self.axes[0])
        return slices, rows, columns

    def same_grid(self, other: Voxels) -> bool:
        """Whether voxel by voxel both lie at the same place, to a tenth of a millimetre."""
        return self.shape == other.shape and bool(np.allclose(self.affine, other.affine, atol=0.1))

    def read(self, first: int, last: int) -> NDArray[np.float32]:
        """(last − first, height, width) values by slope and intercept; the whole file may be unpacked for it."""
        order, directions = self.axes
        depth = self.shape[order[0]]
        along = slice(first, last) if directions[0] > 0 else slice(depth - last, depth - first)
        where = [slice(None)] * 3
        where[order[0]] = along
        turned = tuple(slice(None, None, step) for step in directions)
        return self._scaled(self._stored(where).transpose(order)[turned])

    def peek(self) -> NDArray[np.float64]:
        """Distinct values of some slices, or of the beginning of a packed volume; of all where these are constant."""
        some = self._beginning() if self.packed else self._three_slices()
        parts: Iterable[NDArray[Any]] = [some]
        size = some.size
        if some.size and some.min() == some.max():
            parts, size = self._all(), math.prod(self.shape)
        every = max(1, size // PEEK)
        found = [np.unique(np.append(one.ravel(order="K")[::every], [one.min(), one.max()])) for one in parts]
        distinct = np.unique(np.concatenate(found))
        return distinct.astype(np.float64) * self.slope + self.intercept

    def _scaled(self, stored: NDArray[Any]) -> NDArray[np.float32]:
        return stored.astype(np.float32) * np.float32(self.slope) + np.float32(self.intercept)

    def _beginning(self) -> NDArray[Any]:
        count = min(PEEK // self.dtype.itemsize, self.bytes // self.dtype.itemsize)
        return np.frombuffer(b"".join(_unpacked(self, count * self.dtype.itemsize)), self.dtype)

    def _three_slices(self) -> NDArray[Any]:
        where = [slice(None)] * 3
        chosen = []
        for quarter in (1, 2, 3):
            position = quarter * self.oriented_shape[0] // 4
            where[self.axes[0][0]] = slice(position, position + 1)
            chosen.append(self._stored(where).ravel(order="K"))
        return np.concatenate(chosen)

    def _all(self) -> Iterable[NDArray[Any]]:
        return [self._kept()] if self.packed else self._plain.blocks()

    @property
    def _plain(self) -> StoredArray:
        """The voxels of a file that is not packed."""
        return StoredArray(self.file, self.dtype, self.shape, self.start + self.skip, fortran=True)

    def _stored(self, where: list[slice]) -> NDArray[Any]:
        """A part in the axes of the file."""
        follow = self.axes[0][0] == 2
        if not self.packed and (follow or self.bytes > LARGEST_PACKED):
            return self._plain.part(where)
        return self._kept()[tuple(where)]

    def _kept(self) -> NDArray[Any]:
        """All of it, in the axes of the file."""
        try:
            state = self.file.stat()
        except OSError as error:
            raise DamagedFile(self.file, f"is gone since it was opened; {COPY_AGAIN}") from error
        key = (self.file, self.start, state.st_mtime_ns, state.st_size)
        return _last_volume(key, self._unpack if self.packed else self._plain.part)

    def _unpack(self) -> NDArray[Any]:
        content = np.empty(self.bytes, np.uint8)
        filled = 0
        for block in _unpacked(self, self.bytes):
            content[filled : filled + len(block)] = np.frombuffer(block, np.uint8)
            filled += len(block)
        return content.view(self.dtype).reshape(self.shape, order="F")


@dataclass(kw_only=True)
class VolumeRecording(Recording):
    """One volume, with the masks that lie on its grid."""

    voxels: Voxels
    masks: tuple[Voxels, ...] = ()

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        return np.maximum(self.voxels.read(*self.span(start, stop)), np.float32(AIR))

    def lesion_mask(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32] | None:
        """See Recording; any label counts as lesion, values between 0 and 1 as the part of a voxel."""
        if not self.masks:
            return None
        span = self.span(start, stop)
        return np.max([np.clip(np.nan_to_num(mask.read(*span)), 0, 1) for mask in self.masks], axis=0)

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """Of the volume and its masks."""
        return (self.voxels.file, *(mask.file for mask in self.masks))


def recordings_of(volumes: list[Voxels], opening: Opening) -> list[Recording]:
    """Images with their masks; what is neither, or a mask of nothing here, goes to `opening.skipped`."""
    images: list[Voxels] = []
    masks: list[Voxels] = []
    for volume in volumes:
        try:
            warnings = _check_image(volume)
            if warnings is None:
                masks.append(volume)
            else:
                images.append(replace(volume, warnings=(*volume.warnings, *warnings)))
        except DataError as error:
            opening.skipped.append(error)
    owned: dict[Path, list[Voxels]] = {image.file: [] for image in images}
    for mask in masks:
        try:
            owned[_image_of(mask, images).file].append(mask)
        except DataError as error:
            opening.skipped.append(error)
    return [_recording(image, tuple(owned[image.file])) for image in images]


def _recording(voxels: Voxels, masks: tuple[Voxels, ...]) -> VolumeRecording:
    slices, height, width = voxels.oriented_shape
    between, down, across = (float(voxels.spacing[axis]) for axis in voxels.axes[0])
    spacing = (down + across) / 2
    return VolumeRecording(
        spec=DataSpec("ct", (1, height, width), "HU", 1.0 / spacing),
        subject="",
        evidence=voxels.evidence,
        warnings=voxels.warnings,
        record=voxels.record,
        slices=slices,
        source=Source(voxels.file.parent.resolve().name),
        metadata={
            "slices": slices,
            "pixel spacing (mm)": spacing,
            "slice gaps (mm)": [round(between, 3)],
            "irregular slice gaps": False,
            **voxels.notes,
        },
        voxels=voxels,
        masks=masks,
    )


def _check_image(volume: Voxels) -> tuple[str, ...] | None:
    """What to warn of in a volume of Hounsfield units; None for a mask, by name or by values.

    DataError for what is neither a mask of lesions nor in Hounsfield units.
    """
    name = _stem(volume.file)
    if _MAGNETIC.search(name):
        raise DataError(volume.file, "is a magnetic resonance image, by its name; only CT is read.")
    values = volume.peek()
    finite = values[np.isfinite(values)]
    labels = len(finite) <= FEW and bool((finite == finite.round()).all()) and finite.min(initial=0) >= 0
    probability = finite.size > 0 and finite.min() >= 0 and finite.max() <= 1
    if labels or (_MASK.search(name) and probability):
        if _OTHER_MASK.search(name):
            raise DataError(volume.file, "is a mask of something else than lesions, by its name; it is left out.")
        return None
    return _check_hounsfield(volume, finite)


def _check_hounsfield(volume: Voxels, values: NDArray[np.float64]) -> tuple[str, ...]:
    """What to warn of; DataError for values that are not Hounsfield units."""
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    if high <= 1 and low >= -1:
        problem = "has values between −1 and 1, which are not Hounsfield units; export it before normalising."
        raise DataError(volume.file, problem)
    if volume.dtype.itemsize == 1 and volume.slope == 1:
        raise DataError(volume.file, "has 8-bit grey values, not Hounsfield units; export the original volume.")
    if low < -40_000 or high > 70_000:
        raise DataError(volume.file, f"has values of {low:g} to {high:g}, which are not Hounsfield units.")
    down, across = (volume.spacing[axis] for axis in volume.axes[0][1:])
    if max(down, across) > 1.01 * min(down, across):
        raise DataError(volume.file, f"has pixels that are not square ({down:.3g} × {across:.3g} mm); resample it.")
    if low >= 0:
        return ("No value is below 0, so there is no air: the brain was cut out, or an offset of 1024 was left in.",)
    return ()


def _image_of(mask: Voxels, images: list[Voxels]) -> Voxels:
    """The image of the same grid: by the same name without the words for masks and images, else the only one beside."""
    fitting = [image for image in images if image.same_grid(mask)]
    named = [image for image in fitting if _key(image.file) == _key(mask.file)]
    if not named:
        named = [image for image in fitting if _stem(mask.file).startswith(_stem(image.file))]
    if not named:
        named = [image for image in fitting if image.file.parent == mask.file.parent]
    if len(named) > 1:  # the same name in several folders: what lies nearest
        shared = {image.file: _shared_folders(image, mask) for image in named}
        named = [image for image in named if shared[image.file] == max(shared.values())]
    if len(named) == 1:
        return named[0]
    if not fitting:
        raise DataError(mask.file, "is a mask, and no image here has its grid; put the CT volume beside it.")
    problem = f"is a mask that could belong to {len(fitting)} images; name it like its image, with _mask at the end."
    raise DataError(mask.file, problem)


def _shared_folders(image: Voxels, mask: Voxels) -> int:
    """How many folders both have in common, from the root."""
    pairs = zip(image.evidence.place.parts, mask.evidence.place.parts, strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))


def _key(file: Path) -> str:
    return _KIND.sub("", _MASK.sub("", _stem(file))).strip("_-. ").lower()


def _stem(file: Path) -> str:
    return re.sub(r"\.(nii\.gz|nii|mha|mhd|nrrd|nhdr|raw|zraw)$", "", file.name, flags=re.IGNORECASE)


def _unpacked(voxels: Voxels, size: int) -> Iterator[bytes]:
    """The first `size` bytes of the voxels, in blocks; never more is unpacked, whatever the stream holds."""
    skip, left = voxels.skip, size
    try:
        with opened(voxels.file) as content, FileIO(content, closefd=False) as file:
            file.seek(voxels.start)
            for block in _inflated(iter(lambda: file.read(BLOCK), b"")):
                block = block[skip:] if (skip := max(0, skip)) else block
                yield block[:left]
                left -= len(block)
                if left <= 0:
                    return
    except zlib.error as error:
        raise DamagedFile(voxels.file, "is not valid gzip; copy or download it again.") from error
    problem = f"is cut short: {size - left:,} of {size:,} bytes are there. Copy or download it again."
    raise DamagedFile(voxels.file, problem)


def _inflated(packed: Iterator[bytes]) -> Iterator[bytes]:
    """What gzip (one member or several) or zlib streams hold, at most BLOCK bytes at a time."""
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)  # either header
    for content in packed:
        while content:
            yield inflater.decompress(content, BLOCK)
            content = inflater.unconsumed_tail
            if inflater.eof:
                content = inflater.unused_data
                inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)


_kept: OrderedDict[Any, NDArray[Any]] = OrderedDict()
_keeping = threading.Lock()


def _last_volume(key: Any, load: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """What `load` gives, kept until others were asked for."""
    with _keeping:
        if key not in _kept:
            _let_go(others=1)
            _kept[key] = load()
            _let_go(others=2)
        _kept.move_to_end(key)
        return _kept[key]


def _let_go(others: int) -> None:
    while len(_kept) > others and sum(volume.nbytes for volume in _kept.values()) > KEPT:
        _kept.popitem(last=False)


def renamed(volumes: list[Voxels]) -> list[Voxels]:
    """With record names that differ: a.nii and a.nii.gz of one folder would share theirs."""
    seen: dict[str, int] = {}
    result = []
    for volume in volumes:
        seen[volume.record] = seen.get(volume.record, 0) + 1
        number = seen[volume.record]
        result.append(volume if number == 1 else replace(volume, record=f"{volume.record} {number}"))
    return result

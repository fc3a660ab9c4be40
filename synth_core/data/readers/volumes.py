"""Volumes of NIfTI, MetaImage and NRRD → axial slices in Hounsfield units, with the masks that lie on their grid.

What is an image and what a mask, and what the values of an image mean, is decided by values: `label_maps`,
`hounsfield`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.hounsfield import Meaning, is_hounsfield, meaning_of
from synth_core.data.readers.label_maps import is_named_mask, is_of_something_else, labels_in, without_mask_words
from synth_core.data.readers.voxels import Voxels
from synth_core.data.recording import Recording, Source
from synth_core.errors import DataError
from synth_core.types import DataSpec

_MAGNETIC = re.compile(r"_(?:t1w?|t2w?|t2star|flair|bold|dwi|adc|swi|pdw)$", re.IGNORECASE)
_KIND = re.compile(  # and the first channel of nnU-Net
    r"(?:^|[_\-. ])(?:ct|image|imaging|img|scan|volume|data|orig|original|hu)(?=$|[_\-. ])|_0000$",
    re.IGNORECASE,
)
_ENDING = re.compile(r"\.(?:nii\.gz|nii|mha|mhd|nrrd|nhdr|raw|zraw|dat)$", re.IGNORECASE)
SIGN_RESTORED = "The values are negative ones that were stored without their sign; it was restored."
MANY_LABELS = "Its mask {name} has several labels; all of them count as lesion."


@dataclass(frozen=True)
class Mask:
    """A label map: its voxels, and how many labels a look at it found."""

    voxels: Voxels
    labels: int


@dataclass(kw_only=True)
class VolumeRecording(Recording):
    """One volume, with the masks that lie on its grid."""

    voxels: Voxels
    meaning: Meaning
    masks: tuple[Voxels, ...] = ()

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        return self.meaning.hounsfield(self.voxels.read(*self.span(start, stop)))

    def lesion_mask(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32] | None:
        """See Recording; any label counts as lesion, values between 0 and 1 as the part of a voxel."""
        if not self.masks:
            return None
        span = self.span(start, stop)
        return np.max([np.clip(np.nan_to_num(mask.read(*span)), 0, 1) for mask in self.masks], axis=0)

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """Of the volume and its masks."""
        return tuple(file for one in (self.voxels, *self.masks) for file in one.parts or (one.file,))


def recordings_of(volumes: list[Voxels], opening: Opening) -> list[Recording]:
    """Images with their masks; what is neither, or a mask of nothing here, goes to `opening.skipped`."""
    images: list[tuple[Voxels, Meaning]] = []
    masks: list[Mask] = []
    for volume in volumes:
        try:
            found = _looked_at(volume, opening)
            if isinstance(found, Mask):
                masks.append(found)
            else:
                images.append(found)
        except DataError as error:
            opening.skipped.append(error)
    owned: dict[str, list[Mask]] = {image.record: [] for image, _ in images}
    for mask in masks:
        try:
            owned[_image_of(mask, [image for image, _ in images]).record].append(mask)
        except DataError as error:
            opening.skipped.append(error)
    return [_recording(image, meaning, owned[image.record]) for image, meaning in images]


def _recording(voxels: Voxels, meaning: Meaning, masks: Sequence[Mask]) -> VolumeRecording:
    slices, height, width = voxels.oriented_shape
    between, down, across = (float(voxels.spacing[axis]) for axis in voxels.axes[0])
    spacing = (down + across) / 2
    said = tuple(MANY_LABELS.format(name=mask.voxels.known_as) for mask in masks if mask.labels > 1)
    return VolumeRecording(
        spec=DataSpec("ct", (1, height, width), "HU", 1.0 / spacing),
        subject="",
        evidence=voxels.evidence,
        warnings=(*voxels.warnings, *meaning.warnings, *said),
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
        meaning=meaning,
        masks=tuple(mask.voxels for mask in masks),
    )


def _looked_at(volume: Voxels, opening: Opening) -> Mask | tuple[Voxels, Meaning]:
    """A mask, or an image with what its values mean; DataError for what is neither."""
    name = _stem(volume)
    if _MAGNETIC.search(name):
        raise DataError(volume.file, "is a magnetic resonance image, by its name; only CT is read.")
    planes = volume.sample(spread=False)
    if not is_hounsfield(planes) and (labels_in(planes, name) < 0 or planes.min() == planes.max()):
        planes = volume.sample(spread=True)
    labels = labels_in(planes, name)
    if labels >= 0:
        return Mask(volume, labels)
    if is_named_mask(name) and np.nanmin(planes, initial=0) >= 0:
        problem = "is a mask, by its name, with values that are neither labels nor parts of a voxel; it is left out."
        raise DataError(volume.file, problem)
    if volume.dtype.kind == "u" and planes.max() >= 2.0 ** (8 * volume.dtype.itemsize - 1) > 2.0**16:
        signed = replace(volume.as_signed(), warnings=(*volume.warnings, SIGN_RESTORED))
        return _looked_at(signed, opening)
    meaning = meaning_of(planes, opening, volume.file, few_bits=volume.dtype.itemsize == 1 and volume.slope == 1)
    _check_square(volume)
    return volume, meaning


def _check_square(volume: Voxels) -> None:
    down, across = (volume.spacing[axis] for axis in volume.axes[0][1:])
    if max(down, across) > 1.01 * min(down, across):
        raise DataError(volume.file, f"has pixels that are not square ({down:.3g} × {across:.3g} mm); resample it.")


def _image_of(mask: Mask, images: list[Voxels]) -> Voxels:
    """The image of the same grid: by the same name without the words for masks and images, else the only one beside.

    A map of several labels needs a name that says whose it is, or that it is a mask.
    """
    file = mask.voxels.file
    fitting = [image for image in images if image.same_grid(mask.voxels)]
    named = [image for image in fitting if _key(image) == _key(mask.voxels)]
    if not named:
        named = [image for image in fitting if _stem(mask.voxels).startswith(_stem(image))]
    if not named and (mask.labels <= 1 or is_named_mask(_stem(mask.voxels))):
        named = [image for image in fitting if image.file.parent == file.parent]
    if len(named) > 1:  # the same name in several folders: what lies nearest
        shared = {image.record: _shared_folders(image, mask.voxels) for image in named}
        named = [image for image in named if shared[image.record] == max(shared.values())]
    if len(named) == 1 and is_of_something_else(_stem(mask.voxels), _stem(named[0])):
        raise DataError(file, "is a mask of something else than lesions, by its name; it is left out.")
    if len(named) == 1:
        return named[0]
    if not fitting:
        raise DataError(file, "is a mask, and no image here has its grid; put the CT volume beside it.")
    many = "an image here" if len(fitting) == 1 else f"{len(fitting)} images"
    problem = f"is a mask or a label map that could belong to {many}; name it like its image, with _mask at the end."
    raise DataError(file, problem)


def _shared_folders(image: Voxels, mask: Voxels) -> int:
    """How many folders both have in common, from the root."""
    pairs = zip(image.evidence.place.parts, mask.evidence.place.parts, strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))


def _key(volume: Voxels) -> str:
    return _KIND.sub("", without_mask_words(_stem(volume))).strip("_-. ").lower()


def _stem(volume: Voxels) -> str:
    return _ENDING.sub("", volume.known_as)


def renamed(volumes: list[Voxels]) -> list[Voxels]:
    """With record names that differ: a.nii and a.nii.gz of one folder would share theirs."""
    seen: dict[str, int] = {}
    result = []
    for volume in volumes:
        seen[volume.record] = seen.get(volume.record, 0) + 1
        number = seen[volume.record]
        result.append(volume if number == 1 else replace(volume, record=f"{volume.record} {number}"))
    return result

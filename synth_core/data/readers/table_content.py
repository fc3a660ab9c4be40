"""The columns of a table of samples, from text or Parquet, with what its headers say of their units."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from synth_core.data.readers.files import MOST_CELLS, MOST_COLUMNS, read_bounded
from synth_core.data.readers.names import is_number
from synth_core.data.readers.table_text import Text, described, frame_of
from synth_core.errors import DamagedFile, DataError, UnrecognisedData

PARQUET = b"PAR1"
LIMIT = 512 * 2**20  # bytes of a table, all of which is loaded
TIME = "time"  # the column that the times above the samples of channels in rows become
NO_NAMES = (
    "has no line that names its columns ({width} of them): write one above the numbers, such as time,Fp1,Fp2, or state "
    "`channels`, one for each column."
)


@dataclass(frozen=True)
class Content:
    """The rows of a table. `units`: below the names of columns, for those that have one."""

    frame: pd.DataFrame
    units: dict[str, str]


def columns_of(file: Path, start: bytes, channels: Sequence[str] | None = None) -> list[str]:
    """Names of the columns, without reading the table; none where nothing names them.

    Parameters
    ----------
    start : the first bytes of the file. channels : names that the caller states, for a table without any.

    Raises
    ------
    DataError : where there are too many.
    """
    if start.startswith(PARQUET):
        import pyarrow.parquet

        try:
            return [str(name) for name in pyarrow.parquet.read_schema(file).names]
        except Exception:  # whoever reads the table says why
            return []
    text = described(file)
    if text.transposed:
        return [TIME, *text.channels]
    if not text.names and channels is not None and len(channels) == text.width:
        return list(channels)
    return [] if all(is_number(name) for name in text.names) else list(text.names)


def content_of(file: Path, channels: Sequence[str] | None = None) -> Content:
    """All of a table; a row that is a channel is turned into a column.

    Raises
    ------
    DataError : where it cannot be read, is too large, or names its columns nowhere.
    """
    content = read_bounded(file, LIMIT, "a table of samples")
    units: dict[str, str] = {}
    try:
        if content.startswith(PARQUET):
            frame = _parquet(file, content)
        else:
            text = described(file, content)
            frame = frame_of(file, content, text)
            if text.transposed:
                frame = _turned(text, frame)
            elif not text.names:
                frame.columns = pd.Index(_stated(file, text, channels))
            units = {name: unit for name, unit in zip(text.names, text.units, strict=True) if unit}
    except DataError:
        raise
    except Exception as error:  # pandas and pyarrow raise whatever their parsing raised
        raise DamagedFile(file, "is not a table that can be read; export it again.") from error
    frame.columns = [str(column).strip().lstrip("\ufeff") for column in frame.columns]
    if frame.columns.duplicated().any():
        raise DamagedFile(file, "has two columns of the same name; rename one.")
    return Content(frame, units)


def _stated(file: Path, text: Text, channels: Sequence[str] | None) -> Sequence[str]:
    if channels is None or len(channels) != text.width:
        raise UnrecognisedData(file, NO_NAMES.format(width=text.width))
    return channels


def _turned(text: Text, frame: pd.DataFrame) -> pd.DataFrame:
    """Channels as columns, and the times above them, unless these count the samples."""
    samples = frame.iloc[:, 1:]
    above = pd.to_numeric(pd.Series(list(text.times or samples.columns)), errors="coerce").to_numpy(float)
    turned = samples.T.reset_index(drop=True)
    turned.columns = pd.Index(frame.iloc[:, 0].astype(str).str.strip())
    if np.isfinite(above).all() and len(above) > 1 and not (np.diff(above) == 1).all():
        turned.insert(0, TIME, above)
    return turned


def _parquet(file: Path, content: bytes) -> pd.DataFrame:
    import pyarrow.parquet

    described = pyarrow.parquet.ParquetFile(io.BytesIO(content))
    groups = range(described.metadata.num_row_groups)
    size = sum(described.metadata.row_group(i).total_byte_size for i in groups)
    cells = described.metadata.num_rows * described.metadata.num_columns
    if described.metadata.num_columns > MOST_COLUMNS:
        raise DataError(file, f"has more than the {MOST_COLUMNS:,} columns that are read; split or transpose it.")
    if size > LIMIT or cells > MOST_CELLS:
        raise DataError(file, f"unpacks to more than the {LIMIT >> 20} MB that a table may have; split it first.")
    frame: pd.DataFrame = described.read().to_pandas(ignore_metadata=True)
    return frame

from pathlib import Path

import pytest

from synth_core.errors import InvalidSetting
from synth_core.experiments.sources import Source


def test_a_generator_takes_settings_and_says_what_is_asked() -> None:
    source = Source.read("cwgan preset=paper ask=labels dim=64")
    assert (source.name, source.asked, source.title) == ("cwgan", "labels", "cwgan preset=paper ask=labels dim=64")
    assert source.settings == {"preset": "paper", "dim": 64}


@pytest.mark.parametrize("quoted", ["{}", '"{}"', "'{}' ask=labels"])
def test_a_path_may_hold_spaces(tmp_path: Path, quoted: str) -> None:
    model = tmp_path / "my models" / "flow of mine"
    model.mkdir(parents=True)
    source = Source.read(quoted.format(model))
    assert Path(source.name) == model
    assert source.title.startswith("flow of mine")
    assert source.asked == ("labels" if "ask" in quoted else "everything")


@pytest.mark.parametrize("text", ["", "nothing", "'flow dim=64", "cwgan dim"])
def test_what_is_no_source_is_refused(text: str) -> None:
    with pytest.raises(InvalidSetting):
        Source.read(text)

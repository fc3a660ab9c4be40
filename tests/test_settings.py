from synth_core.data import Preparation
from synth_core.generators import REGISTRY
from synth_core.settings import idle_fields


def test_a_form_leaves_out_what_means_nothing_for_a_modality() -> None:
    assert {"image_size", "lesions"} <= set(idle_fields(Preparation, "ecg"))
    assert {"rate", "highpass", "aami", "reference"} <= set(idle_fields(Preparation, "ct"))
    assert "aami" in idle_fields(Preparation, "eeg")
    assert "reference" not in idle_fields(Preparation, "eeg")
    assert "derive_leads" in idle_fields(REGISTRY["flow"].Config, "eeg")
    assert set(idle_fields(REGISTRY["flow"].Config, "ct")) == {"calibration", "derive_leads", "mixing", "whitening"}

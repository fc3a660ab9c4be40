"""Statistics of reading studies: arrays in, values out.

Tables are raters × items, NaN where a rater has not answered. Signal, or 1, means synthetic. What the data cannot say
is NaN, as each function explains; input that makes no sense raises `InvalidSetting`, which is a ValueError.
"""

from synth_core.study.stats.accuracy import Accuracy, accuracy_parts, mrmc_accuracy, mrmc_equivalence
from synth_core.study.stats.agreement import fleiss_kappa, gwet_ac1, krippendorff_alpha, weighted_kappa
from synth_core.study.stats.components import ErrorParts
from synth_core.study.stats.detection import Sensitivity, dprime, dprime_2afc
from synth_core.study.stats.interval import Interval
from synth_core.study.stats.multiplicity import adjust
from synth_core.study.stats.obuchowski import ErrorTerms, ReaderStudy, obuchowski_rockette
from synth_core.study.stats.order import williams_design
from synth_core.study.stats.power import equivalence_power, simulated_power
from synth_core.study.stats.preference import Strengths, bradley_terry
from synth_core.study.stats.proportion import (
    Equivalence,
    equivalence_sample_size,
    equivalence_to_chance,
    proportion_interval,
    rope_probability,
)
from synth_core.study.stats.reliability import icc
from synth_core.study.stats.roc import Area, Difference, auc, delong_test

__all__ = [
    "Accuracy",
    "Area",
    "Difference",
    "Equivalence",
    "ErrorParts",
    "ErrorTerms",
    "Interval",
    "ReaderStudy",
    "Sensitivity",
    "Strengths",
    "accuracy_parts",
    "adjust",
    "auc",
    "bradley_terry",
    "delong_test",
    "dprime",
    "dprime_2afc",
    "equivalence_power",
    "equivalence_sample_size",
    "equivalence_to_chance",
    "fleiss_kappa",
    "gwet_ac1",
    "icc",
    "krippendorff_alpha",
    "mrmc_accuracy",
    "mrmc_equivalence",
    "obuchowski_rockette",
    "proportion_interval",
    "rope_probability",
    "simulated_power",
    "weighted_kappa",
    "williams_design",
]

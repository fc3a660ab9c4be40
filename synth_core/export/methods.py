"""How an evaluation was made, in sentences, and the papers that its measures come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synth_core.metrics.report import Report

# words that the name of a measure begins with or holds, in lower case → the paper; every match of a name counts
PAPERS: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("fréchet distance",),
        "Heusel M, et al. GANs trained by a two time-scale update rule. NeurIPS 2017. arXiv 1706.08500",
    ),
    (("kernel distance", "kid"), "Bińkowski M, et al. Demystifying MMD GANs. ICLR 2018. arXiv 1801.01401"),
    (("mmd", "mean discrepancy"), "Gretton A, et al. A kernel two-sample test. J Mach Learn Res 2012;13:723–773"),
    (
        ("precision", "recall"),
        "Kynkäänniemi T, et al. Improved precision and recall metric for assessing generative models. NeurIPS 2019. "
        "arXiv 1904.06991",
    ),
    (
        ("density", "coverage"),
        "Naeem MF, et al. Reliable fidelity and diversity metrics for generative models. ICML 2020. arXiv 2002.09797",
    ),
    (
        ("alpha-precision", "α-precision", "beta-recall", "β-recall", "authenticity"),
        "Alaa AM, et al. How faithful is your synthetic data? ICML 2022. arXiv 2102.08921",
    ),
    (
        ("told apart", "c2st"),
        "Lopez-Paz D, Oquab M. Revisiting classifier two-sample tests. ICLR 2017. arXiv 1610.06545",
    ),
    (
        ("log-spectral",),
        "Gray AH, Markel JD. Distance measures for speech processing. IEEE Trans Acoust Speech Signal Process "
        "1976;24:380–391",
    ),
    (
        ("spectral wasserstein",),
        "Cazelles E, Robert A, Tobar F. The Wasserstein–Fourier distance for stationary time series. IEEE Trans Signal "
        "Process 2021;69:709–721",
    ),
    (
        ("amplitude", "distribution", "wasserstein", "hounsfield", "hu histogram"),
        "Vallender SS. Calculation of the Wasserstein distance between probability distributions on the line. Theory "
        "Probab Appl 1974;18:784–786",
    ),
    (("hjorth",), "Hjorth B. EEG analysis based on time domain properties. Clin Neurophysiol 1970;29:306–310"),
    (
        ("aperiodic",),
        "Donoghue T, et al. Parameterizing neural power spectra into periodic and aperiodic components. Nat Neurosci "
        "2020;23:1655–1665",
    ),
    (
        ("phase locking", "phase-locking", "plv"),
        "Lachaux JP, et al. Measuring phase synchrony in brain signals. Hum Brain Mapp 1999;8:194–208",
    ),
    (
        ("imaginary coherence",),
        "Nolte G, et al. Identifying true brain interaction from EEG data using the imaginary part of coherency. Clin "
        "Neurophysiol 2004;115:2292–2307",
    ),
    (
        ("envelope",),
        "Bruns A, et al. Amplitude envelope correlation detects coupling among incoherent brain signals. NeuroReport "
        "2000;11:1509–1514",
    ),
    (
        ("dtw", "time warping"),
        "Sakoe H, Chiba S. Dynamic programming algorithm optimization for spoken word recognition. IEEE Trans Acoust "
        "Speech Signal Process 1978;26:43–49",
    ),
    (
        ("autocorrelation",),
        "Ang Y, et al. TSGBench: time series generation benchmark. Proc VLDB Endow 2023;17:305–318",
    ),
    (
        ("heart rate", "rmssd", "rr interval", "rr"),
        "Task Force of the ESC and NASPE. Heart rate variability: standards of measurement. Circulation "
        "1996;93:1043–1065",
    ),
    (
        ("pr interval", "qrs", "qt", "r peak", "heart rate", "beats"),
        "Makowski D, et al. NeuroKit2: a Python toolbox for neurophysiological signal processing. Behav Res Methods "
        "2021;53:1689–1696",
    ),
    (("qtc", "corrected qt"), "Fridericia LS. Die Systolendauer im Elektrokardiogramm. Acta Med Scand 1920;53:469–486"),
    (
        ("einthoven", "goldberger"),
        "Einthoven W, Fahr G, de Waart A. On the direction and manifest size of the variations of potential in the "
        "human heart (1913). Am Heart J 1950;40:163–211",
    ),
    (
        ("ssim",),
        "Wang Z, Simoncelli EP, Bovik AC. Multiscale structural similarity for image quality assessment. Asilomar "
        "2003:1398–1402",
    ),
    (
        ("noise power",),
        "Siewerdsen JH, et al. A framework for noise-power spectrum analysis of multidimensional images. Med Phys "
        "2002;29:2655–2671",
    ),
    (
        ("glcm", "texture", "co-occurrence"),
        "Haralick RM, et al. Textural features for image classification. IEEE Trans Syst Man Cybern 1973;3:610–621",
    ),
    (("dice",), "Dice LR. Measures of the amount of ecologic association between species. Ecology 1945;26:297–302"),
    (
        ("accuracy", "auroc, ", "usefulness"),
        "Esteban C, et al. Real-valued (medical) time series generation with recurrent conditional GANs. 2017. "
        "arXiv 1706.02633",
    ),
    (
        ("closer to training", "nearest", "distance to training", "copies", "copy"),
        "Platzer M, Reutterer T. Holdout-based empirical assessment of mixed-type synthetic data. Front Big Data "
        "2021;4:679939",
    ),
    (
        ("identifiab",),
        "Yoon J, et al. Anonymization through data synthesis using generative adversarial networks (ADS-GAN). IEEE J "
        "Biomed Health Inform 2020;24:2378–2388",
    ),
    (
        ("member",),
        "Chen D, et al. GAN-Leaks: a taxonomy of membership inference attacks against generative models. CCS 2020. "
        "arXiv 1909.03935",
    ),
    (
        ("true positive", "tpr"),
        "Carlini N, et al. Membership inference attacks from first principles. IEEE S&P 2022. arXiv 2112.03570",
    ),
    (
        ("domias", "density ratio"),
        "van Breugel B, et al. Membership inference attacks against synthetic data through overfitting detection. "
        "AISTATS 2023. arXiv 2302.12580",
    ),
)
INTERVALS = (
    "Shao J, Wu CFJ. A general theory for jackknife variance estimation. Ann Stat 1989;17:1176–1197",
    "Efron B. Bootstrap methods: another look at the jackknife. Ann Stat 1979;7:1–26",
)
WELCH = (
    "Welch PD. The use of fast Fourier transform for the estimation of power spectra. IEEE Trans Audio Electroacoust "
    "1967;15:70–73"
)


def papers_of(measure: str) -> tuple[str, ...]:
    """The papers that a measure comes from, by its name."""
    name = f" {measure.lower()} "
    return tuple(paper for words, paper in PAPERS if any(f" {word}" in name for word in words))


def references(report: Report) -> tuple[str, ...]:
    """The papers of all measures of a report, of its intervals and its spectra, by first author."""
    found = {paper for measure in report.measures for paper in papers_of(measure.name)} | set(INTERVALS)
    if not report.evidence.spec.is_image:
        found.add(WELCH)
    return tuple(sorted(found))


def methods(report: Report) -> tuple[str, ...]:
    """Paragraphs on what was compared, how numbers were judged, and how answers follow from them."""
    paragraphs = (
        _compared(report.settings),
        _numbers(report.settings),
        _spectra(report),
        _classifiers(report),
        ANSWERS,
    )
    return tuple(paragraph for paragraph in paragraphs if paragraph)


ANSWERS = (
    "A measure is as real where its 95 % interval reaches the floor, near up to about twice the floor (or 0.8 of it "
    "where higher is better), and far beyond that. A measure enters an answer only where it is known to react to a "
    "planted fault on real data of the modality (mode collapse, copies, a wrong amplitude, a dropped band, a channel "
    "swap, wrong labels, time reversal and others); the rest are shown beside them. The answer is the one that the "
    "worst measures deserve, not an average."
)


def _compared(facts: Mapping[str, Any]) -> str:
    subjects = facts["held-out subjects"]
    people = "of subjects that are not known" if subjects is None else f"of {_counted(subjects, 'subject')}"
    sizes = [f"{facts[name]:,}" for name in ("held-out examples", "synthetic examples", "training examples")]
    return (
        f"{sizes[0]} held-out real examples {people}, {sizes[1]} synthetic and {sizes[2]} real training examples were "
        f"given. Distances compare equal numbers on all sides: {facts['examples per side in distances']:,}, chosen at "
        f"random with seed {facts['seed']} where there were more."
    )


def _numbers(facts: Mapping[str, Any]) -> str:
    unit = "examples" if facts["held-out subjects"] is None else "subjects"
    return (
        "Every value compares synthetic with held-out real examples. Its floor is the same measure with real training "
        "examples in place of the synthetic ones, at the same number: what other real people reach. The ratio is value "
        f"over floor. Intervals are at 95 % and over {unit}: random halves without replacement for distances between "
        "sets (Shao and Wu 1989), bootstrap for the rest (Efron 1979). Distances of features use "
        f"{facts['features']} interpretable features, z-scored on the real examples."
    )


def _spectra(report: Report) -> str:
    compared = report.settings["frequencies compared"]
    if report.evidence.spec.is_image:
        return f"Spectra are radial means of the two-dimensional power spectrum, compared from {compared}."
    return (
        "Spectra are Welch's, with Hann segments of 2 s (or the whole example where it is shorter) and half overlap, "
        f"compared from {compared}."
    )


def _classifiers(report: Report) -> str:
    if not any(measure.question == "usefulness" for measure in report.measures):
        return "Classifiers were not trained, so that usefulness was not measured."
    return (
        "Usefulness: one classifier is trained on real and one on synthetic examples, for the same number of "
        "optimiser steps, and both are tested on the same held-out real examples (Esteban et al. 2017)."
    )


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"

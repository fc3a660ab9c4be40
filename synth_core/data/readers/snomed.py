"""What the diagnoses in ECG headers mean: SNOMED CT codes and abbreviations → one name per diagnosis.

The codes and abbreviations are those of the PhysioNet/Computing in Cardiology Challenges 2020 and 2021 (Perez Alday et
al. 2020, Physiological Measurement 41:124003; Reyna et al. 2021), the abbreviations of CPSC 2018 (Liu et al. 2018) and
the codes that Chapman-Shaoxing adds (Zheng et al. 2020, Scientific Data 7:48). Codes that the Challenge scores as one
diagnosis have one name here: complete and unspecified bundle branch block, atrial and supraventricular premature
beats, and the two codes of ventricular premature beats. The same holds for ventricular ectopics, which is how the
Challenge writes the PVC of CPSC 2018, and for its Normal, which it writes as sinus rhythm.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_TABLE = """
10370003 PR pacing rhythm
106068003 ARH atrial rhythm
111288001 VFL ventricular flutter
111975006 LQT prolonged QT interval
11157007 VBig ventricular bigeminy
13640000 FB fusion beats
164861001 MIs myocardial ischaemia
164865005 MI myocardial infarction
164867002 OldMI old myocardial infarction
164873001 LVH left ventricular hypertrophy
164884008 PVC premature ventricular contraction
164889003 AF atrial fibrillation
164890007 AFL atrial flutter
164895002 VTach ventricular tachycardia
164896001 VF ventricular fibrillation
164909002 LBBB left bundle branch block
164912004 PWC P wave change
164917005 QAb abnormal Q wave
164921003 RAb abnormal R wave
164930006 STIAb abnormal ST interval
164931005 STE ST elevation
164934002 TAb abnormal T wave
164937009 UAb abnormal U wave
164942001 FQRS fragmented QRS
164947007 LPR prolonged PR interval
164951009 abQRS abnormal QRS
17338001 VPB premature ventricular contraction
17366009 SAAWR sinus node to atrial wandering rhythm
195042002 IIAVB second-degree AV block
195060002 VPEx ventricular pre-excitation
195080001 AFAFL atrial fibrillation and flutter
195101003 WAP wandering atrial pacemaker
195126007 AH atrial hypertrophy
204384007 CIAHB congenital incomplete AV block
233892002 AAR accelerated atrial escape rhythm
233896004 - AV node re-entrant tachycardia
233897008 AVRT AV re-entrant tachycardia
233917008 AVB AV block
251120003 ILBBB incomplete left bundle branch block
251139008 ALR suspected reversal of arm leads
251146004 LQRSV low QRS voltage
251147008 - low QRS voltage in limb leads
251148003 - low QRS voltage in chest leads
251164006 JPC premature junctional complex
251166008 AVNRT AV node re-entrant tachycardia
251168009 SVB supraventricular bigeminy
251170000 BPAC blocked premature atrial contraction
251173003 AB atrial bigeminy
251180001 VTrig ventricular trigeminy
251182009 VPVC paired premature ventricular contractions
251187003 AED atrial escape beat
251198002 CR clockwise rotation
251199005 CCR counterclockwise rotation
251200008 ICA indeterminate cardiac axis
251205003 PPW prolonged P wave
251223006 TPW tall P wave
251259000 HTV high T wave voltage
251266004 VPP ventricular pacing pattern
251268003 AP atrial pacing pattern
253339007 RAAb right atrial abnormality
253352002 LAA left atrial abnormality
266249003 VH ventricular hypertrophy
266257000 TIA transient ischaemic attack
270492004 IAVB first-degree AV block
27885002 CHB complete heart block
28189009 - second-degree AV block, Mobitz II
282825002 PAF paroxysmal atrial fibrillation
284470004 PAC premature atrial contraction
29320008 AVJR AV junctional rhythm
314208002 RAF rapid atrial fibrillation
365413008 PRWP poor R wave progression
368009 HVD heart valve disorder
370365005 LVS left ventricular strain
39732003 LAD left axis deviation
413444003 AMIs acute myocardial ischaemia
413844008 CMI chronic myocardial ischaemia
418818005 BRU Brugada pattern
425419005 IIs inferior ischaemia
425623009 LIs lateral ischaemia
425856008 PVT paroxysmal ventricular tachycardia
426177001 SB sinus bradycardia
426183003 IIAVBII second-degree AV block, Mobitz II
426434006 AnMIs anterior ischaemia
426627000 Brady bradycardia
426648003 JTach junctional tachycardia
426664006 AJR accelerated junctional rhythm
426749004 CAF chronic atrial fibrillation
426761007 SVT supraventricular tachycardia
426783006 NSR sinus rhythm
426995002 JE junctional escape
427084000 STach sinus tachycardia
427172004 - premature ventricular contraction
427393009 SA sinus arrhythmia
428417006 ERe early repolarisation
428750005 NSSTTA nonspecific ST-T abnormality
429622005 STD ST depression
445118002 LAnFB left anterior fascicular block
445211001 LPFB left posterior fascicular block
446358003 RAH right atrial hypertrophy
446813000 LAH left atrial hypertrophy
47665007 RAD right axis deviation
49260003 IR idioventricular rhythm
49578007 SPRI shortened PR interval
50799005 AVD AV dissociation
53741008 CHD coronary heart disease
54016002 MoI second-degree AV block, Mobitz I
54329005 AnMI anterior myocardial infarction
55827005 LVHV left ventricular high voltage
55930002 STC ST change
5609005 SARR sinus arrest
57054005 AMI acute myocardial infarction
59118001 RBBB right bundle branch block
59931005 TInv T wave inversion
60423000 SND sinus node dysfunction
61277005 AIVR accelerated idioventricular rhythm
61721007 CVCL/CCVCL clockwise or counterclockwise vector loop
6374002 BBB bundle branch block
63593006 SVPB premature atrial contraction
65778007 SAB sinoatrial block
67198005 PSVT paroxysmal supraventricular tachycardia
67741000119109 LAE left atrial enlargement
67751000119106 RAHV right atrial high voltage
698247007 CD cardiac dysrhythmia
698252002 NSIVCB nonspecific intraventricular conduction disorder
704997005 ISTD inferior ST depression
713422000 ATach atrial tachycardia
713426002 IRBBB incomplete right bundle branch block
713427006 CRBBB right bundle branch block
733534002 CLBBB left bundle branch block
74390002 WPW Wolff-Parkinson-White pattern
74615001 BTS brady-tachy syndrome
75532003 VEsB ventricular escape beat
77867006 SQT shortened QT interval
81898007 VEsR ventricular escape rhythm
82226007 DIB diffuse intraventricular block
84114007 HF heart failure
89792004 RVH right ventricular hypertrophy
"""
_OTHER_SPELLINGS = {"normal": "NSR", "i-avb": "IAVB", "veb": "PVC", "afib": "AF"}


def _entries() -> list[tuple[str, str, str]]:
    rows = (line.split(" ", 2) for line in _TABLE.strip().splitlines())
    return [(code, abbreviation, name) for code, abbreviation, name in rows]


NAMES: Mapping[str, str] = MappingProxyType({code: name for code, _, name in _entries()})  # code → name
_BY_ABBREVIATION = {short.lower(): name for _, short, name in _entries() if short != "-"}
_BY_ABBREVIATION |= {other: _BY_ABBREVIATION[short.lower()] for other, short in _OTHER_SPELLINGS.items()}


def diagnosis_name(text: str) -> str:
    """The name of a SNOMED CT code or of an abbreviation; any other text as it is."""
    stripped = text.strip()
    return NAMES.get(stripped) or _BY_ABBREVIATION.get(stripped.lower(), stripped)

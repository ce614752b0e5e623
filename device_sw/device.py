"""Composes the device: verified bundle, admission, preprocessing, detection, explanation. The one entry at run time.

The order is fixed and enforced: loaded -> admitted -> preprocessed -> detected -> judged -> explained -> reported. A step out of order is a programming error
and raises RuntimeError. There is no switch that leaves a step out. A device exists only after its bundle is verified and its self-test has passed.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Protocol

from device_sw._version import __version__
from device_sw.decision_trace import DecisionTrace, filters, numeric_identity, with_second_opinions
from device_sw.detector.bundle import load_bundle
from device_sw.detector.classifier import opinion
from device_sw.detector.inference import Detector, DetectorOutput, SelfTest
from device_sw.detector.judgement import golden_faults, judge
from device_sw.detector.parity import require_parity
from device_sw.detector.second_readers import SecondReaders
from device_sw.dicom import admission, reader
from device_sw.errors import BundleError, InferenceFailed, InputRefused
from device_sw.explanation.eigencam import LABEL, HeatMap, eigencam
from device_sw.preprocessing.geometry import letterbox
from device_sw.preprocessing.greyscale_steps import greyscale_steps
from device_sw.preprocessing.intensity import PREPROCESSING_IDS, normalise
from device_sw.report.content import AnalysisResult, FilmDescription, placement_cautions, withheld_cautions
from device_sw.types import EngineIdentity, Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from device_sw.detector.activations import Explainable
    from device_sw.detector.bundle import Bundle
    from device_sw.detector.classifier import Opinion, Suppression
    from device_sw.detector.distribution import ReferenceDistribution
    from device_sw.detector.judgement import Judgement
    from device_sw.detector.second_readers import SecondReading
    from device_sw.dicom.reader import OpenedFile
    from device_sw.dicom.source import SourceHeader
    from device_sw.preprocessing.greyscale_steps import GreyscaleSteps
    from device_sw.settings import DeviceSettings
    from device_sw.types import Detection, ExplanationMethod, LesionMap, ModelInput, NormalisedFilm


class DetectsFilms(Protocol):
    """What the device needs of a detector."""

    def detect(self, model_input: ModelInput) -> DetectorOutput:
        """Return candidates and features of one film."""

    def self_test(self) -> SelfTest:
        """Compare the golden inputs' outputs with the released ones."""


class GivesSecondOpinions(Protocol):
    """What the device needs of second opinions."""

    @property
    def rule(self) -> Suppression | None:
        """When the classifier withholds marks; None where there is none."""

    def abnormal(self, model_input: ModelInput) -> float | None:
        """Return the classifier's score of one film; None where there is no classifier."""

    def read(self, first: DetectorOutput, model_input: ModelInput, film: NormalisedFilm) -> SecondReading | None:
        """Return what all looks say of a film; None where the first look is the only one."""


UNNAMED_ENGINE = EngineIdentity("unnamed", "", "", "", {})
"""What a detector that does not say what it is computes with; results of one cannot be told from those of another."""


@dataclass(frozen=True)
class Engine:
    """A detector with the settings and the identity of its verified bundle.

    Attributes:
        detector: what runs the network.
        settings: what the bundle tells the device to do.
        bundle_sha256: SHA-256 of the bundle's manifest.
        distribution: the films that the model was trained on; without them every result says that nobody compared.
        judgement_faults: names the golden films whose calibrated scores or distances are not the released ones.
        identity: what computes the network's numbers.
        network: gives the eager network of the same bundle for explanations, built when the first mark is explained; None where there is none.
        second: further looks at each film and the normal/abnormal classifier; None where the bundle has none.
    """

    detector: DetectsFilms
    settings: DeviceSettings
    bundle_sha256: str
    distribution: ReferenceDistribution | None = None
    judgement_faults: Callable[[], list[str]] = list
    identity: EngineIdentity = UNNAMED_ENGINE
    network: Callable[[], Explainable[Any]] | None = None
    second: GivesSecondOpinions | None = None


def open_engine(bundle_path: Path) -> Engine:
    """Verify a bundle and build its detector.

    Raises:
        BundleError: the bundle is missing, altered, made for another table of findings or another engine, or without a passed parity check (``BND-...``).
    """
    bundle = load_bundle(bundle_path)
    table = hashlib.sha256(files("device_sw").joinpath("findings.toml").read_bytes()).hexdigest()
    if bundle.manifest["files"]["findings.toml"]["sha256"] != table:
        expected = "the device's own table, byte for byte"
        raise BundleError(
            "BND-FINDINGS",
            where="findings.toml",
            found="another table",
            expected=expected,
            repair="use a bundle made for this device version",
        )
    require_parity(bundle.parity)
    detector = Detector(bundle)
    second = None if bundle.second_opinions is None else SecondReaders(bundle, bundle.second_opinions, detector)
    return Engine(
        detector,
        bundle.settings,
        bundle.sha256,
        bundle.distribution,
        judgement_faults=partial(_faults, bundle, detector, second),
        identity=detector.identity,
        network=cache(lambda: _network_of(bundle)),
        second=second,
    )


def _faults(bundle: Bundle, detector: Detector, second: SecondReaders | None) -> list[str]:
    return [*golden_faults(bundle, detector), *([] if second is None else second.faults())]


def _network_of(bundle: Bundle) -> Explainable[Any]:
    from device_sw.detector.activations import of_bundle  # noqa: PLC0415 - what only explanations need is loaded when a mark is explained

    return of_bundle(bundle)


class Device:
    """The device with one bundle and one admission policy."""

    def __init__(
        self,
        bundle_path: Path,
        policy: Policy = Policy.INTENDED_USE,
        *,
        methods: tuple[ExplanationMethod, ...] = (),
        open_engine: Callable[[Path], Engine] = open_engine,
    ) -> None:
        """Verify the bundle and pass the self-test before anything is analysed.

        Args:
            bundle_path: the bundle's folder.
            policy: the admission policy.
            methods: how each mark is explained, from `device_sw.types.LESION_METHODS`.
            open_engine: makes the engine of a bundle.

        Raises:
            BundleError: the bundle is not usable, or its golden inputs do not give the released outputs on this machine (``BND-SELF-TEST``).
        """
        self.policy = policy
        self.methods = methods
        self._engine = open_engine(bundle_path)
        self.settings = self._engine.settings
        self.bundle_sha256 = self._engine.bundle_sha256
        self.version = __version__
        self.engine_identity = self._engine.identity
        self.self_test = self._passed_self_test()
        _require_preprocessing(self.settings)

    def _passed_self_test(self) -> SelfTest:
        outcome = self._engine.detector.self_test()
        if not outcome.passed:
            raise BundleError(
                "BND-SELF-TEST",
                where="golden inputs",
                found=f"differences of {outcome.max_box_px:g} px and {outcome.max_score:g} in score over {outcome.films} films",
                expected="at most 0.5 px and 1e-4",
                repair="use a machine of the released numeric class, or restore the bundle",
            )
        faults = self._engine.judgement_faults()
        if faults:
            raise BundleError(
                "BND-SELF-TEST",
                where="golden judgements",
                found="; ".join(faults),
                expected="the released calibrated scores and distances",
                repair="use a machine of the released numeric class, or restore the bundle",
            )
        return outcome

    def analyse(self, path: Path, *, explain: bool = True) -> AnalysisResult:
        """Analyse one DICOM file.

        Args:
            path: the file.
            explain: whether the heat map and the maps of the marks are computed; the detections are the same either way.

        Raises:
            InputRefused: the input is not analysed; the error carries every reason found, and the film's identity as far as it could be read.
            InferenceFailed: the network gave no result.
        """
        analysis = Analysis(self._engine, self.policy)
        analysis.load(path)
        analysis.admit()
        analysis.preprocess()
        analysis.detect()
        analysis.judge()
        analysis.explain(wanted=explain, methods=self.methods if explain else ())
        return analysis.report()


def _require_preprocessing(settings: DeviceSettings) -> None:
    if settings.preprocessing_id not in PREPROCESSING_IDS:
        found, expected = repr(settings.preprocessing_id), ", ".join(PREPROCESSING_IDS)
        raise BundleError(
            "BND-PREPROCESSING",
            where="model.json preprocessing",
            found=found,
            expected=expected,
            repair="use a bundle of this device",
        )


class Step(IntEnum):
    """How far the analysis of a film has come."""

    NEW = 0
    LOADED = 1
    ADMITTED = 2
    PREPROCESSED = 3
    DETECTED = 4
    JUDGED = 5
    EXPLAINED = 6
    REPORTED = 7


class Analysis:
    """The way of one film through the device: each step once, in order."""

    _opened: OpenedFile
    _description: FilmDescription
    _source: SourceHeader
    _greyscale: GreyscaleSteps
    _film: NormalisedFilm
    _cautions: tuple[str, ...]
    _model_input: ModelInput
    _output: DetectorOutput
    _reading: SecondReading | None
    _abnormal: float | None
    _judgement: Judgement
    _opinion: Opinion | None
    _shown: tuple[Detection, ...]
    _heat_map: HeatMap
    _lesion_methods: tuple[ExplanationMethod, ...]
    _lesion_maps: tuple[LesionMap, ...]

    def __init__(self, engine: Engine, policy: Policy) -> None:
        """Start with nothing read."""
        self._engine = engine
        self._policy = policy
        self.step = Step.NEW

    def _advance(self, to: Step) -> None:
        if self.step + 1 != to:
            raise RuntimeError(f"cannot go from {self.step.name.lower()} to {to.name.lower()}")
        self.step = to

    def load(self, path: Path) -> None:
        """Read and parse the file."""
        self._advance(Step.LOADED)
        self._opened = reader.open_file(path)

    def admit(self) -> None:
        """Ask every rule of the input contract; decode and normalise the film on the way, since some rules look at the picture.

        Raises:
            InputRefused: the primary reason, with the others and the film's identity.
        """
        self._advance(Step.ADMITTED)
        reasons: list[InputRefused] = []
        stored = picture = None
        try:
            radiograph = reader.decode(self._opened)
            stored = radiograph.stored
            self._film = normalise(radiograph, self._engine.settings.preprocessing_id)
            picture = self._film.pixels
        except InputRefused as reason:
            reasons.append(reason)
        verdict = admission.judge(admission.Evidence(self._opened.attributes, self._policy, stored, picture))
        told = {reason.where for reason in verdict.reasons}
        self._refuse((*verdict.reasons, *(reason for reason in reasons if reason.where not in told)))
        self._cautions = (*self._opened.attributes.cautions, *verdict.cautions, *self._film.cautions)
        self._description = _description(self._opened)
        self._greyscale = greyscale_steps(self._opened.attributes, self._engine.settings.preprocessing_id)
        self._source = self._opened.source
        del self._opened

    def _refuse(self, reasons: tuple[InputRefused, ...]) -> None:
        try:
            admission.refuse(reasons)
        except InputRefused as refusal:
            refusal.content_sha256 = self._opened.content_sha256
            refusal.sop_instance_uid = self._opened.attributes.sop_instance_uid or None
            refusal.source = self._opened.source
            raise

    def preprocess(self) -> None:
        """Lay the admitted film into the network's input."""
        self._advance(Step.PREPROCESSED)
        self._model_input = letterbox(self._film, self._engine.settings.input_size)

    def detect(self) -> None:
        """Ask the classifier, run the network, and let the second opinions look again; without them the network alone.

        Raises:
            InferenceFailed: one of them gave no result; the error carries the film's identity.
        """
        self._advance(Step.DETECTED)
        second = self._engine.second
        with self._identified():
            self._abnormal = None if second is None else second.abnormal(self._model_input)
            self._output = self._engine.detector.detect(self._model_input)
            self._reading = None if second is None else second.read(self._output, self._model_input, self._film)

    def judge(self) -> None:
        """Calibrate the scores, hold them against the operating points, and the film against the films the model was trained on.

        Where there is a classifier, it may withhold marks then (`device_sw.detector.classifier`).

        Raises:
            InferenceFailed: the network's features are no numbers; the error carries the film's identity.
        """
        self._advance(Step.JUDGED)
        with self._identified():
            output = self._output if self._reading is None else replace(self._output, candidates=self._reading.candidates)
            self._judgement = judge(output, self._model_input, self._engine.settings, self._engine.distribution)
        self._opinion = self._asked_classifier(self._judgement)
        withheld = () if self._opinion is None else self._opinion.withheld
        self._shown = tuple(mark for mark in self._judgement.detections if mark not in withheld)

    def _asked_classifier(self, judgement: Judgement) -> Opinion | None:
        rule = None if self._engine.second is None else self._engine.second.rule
        if rule is None or self._abnormal is None:
            return None
        return opinion(self._abnormal, rule, judgement.placement, judgement.detections)

    @contextmanager
    def _identified(self) -> Iterator[None]:
        """Give a failure the film's identity."""
        try:
            yield
        except InferenceFailed as failure:
            failure.content_sha256 = self._description.content_sha256
            failure.sop_instance_uid = self._description.sop_instance_uid
            failure.source = self._source
            raise

    def explain(self, *, wanted: bool, methods: tuple[ExplanationMethod, ...] = ()) -> None:
        """Compute the heat map, where it is wanted and there are features, and the maps of the marks by the methods that are wanted."""
        self._advance(Step.EXPLAINED)
        features = self._output.features if wanted else None
        self._heat_map = HeatMap(None, LABEL) if features is None else eigencam(features, self._model_input.letterbox)
        self._lesion_methods = methods
        self._lesion_maps = self._maps_of_marks(methods)

    def _maps_of_marks(self, methods: tuple[ExplanationMethod, ...]) -> tuple[LesionMap, ...]:
        detections, engine = self._shown, self._engine
        if not (detections and methods):
            return ()
        from device_sw.explanation.lesion_maps import lesion_maps  # noqa: PLC0415 - see _network_of

        network = None if engine.network is None else engine.network()
        return lesion_maps(network, self._model_input, detections, self._output.candidates, engine.settings.findings, methods)

    def report(self) -> AnalysisResult:
        """Return the result."""
        self._advance(Step.REPORTED)
        settings = self._engine.settings
        return AnalysisResult(
            film=self._description,
            source=self._source,
            policy=self._policy,
            candidates=self._judgement.candidates,
            detections=self._shown,
            placement=self._judgement.placement,
            trace=self._trace(),
            cautions=(
                *self._cautions,
                *placement_cautions(self._judgement.placement),
                *withheld_cautions(self._opinion),
            ),
            settings=settings,
            bundle_sha256=self._engine.bundle_sha256,
            device_version=__version__,
            picture=self._film.pixels,
            features=self._output.features,
            heat_map=self._heat_map.values,
            heat_map_label=self._heat_map.label,
            lesion_methods=self._lesion_methods,
            lesion_maps=self._lesion_maps,
            opinion=self._opinion,
        )

    def _trace(self) -> DecisionTrace:
        engine = self._engine
        return DecisionTrace(
            content_sha256=self._description.content_sha256,
            policy=self._policy.value,
            device_version=__version__,
            bundle_sha256=engine.bundle_sha256,
            engine=engine.identity,
            numeric=numeric_identity(),
            preprocessing=self._greyscale,
            letterbox=self._model_input.letterbox,
            distribution=engine.distribution,
            filters=with_second_opinions(
                filters(
                    self._output.boxes,
                    engine.identity,
                    self._output.candidates,
                    (self._judgement.candidates, self._judgement.detections),
                    _parameters(engine.settings),
                ),
                self._reading,
                self._opinion,
                self._shown,
            ),
        )


def _parameters(settings: DeviceSettings) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the curves and the operating points as JSON values."""
    curves = {name: {"slope": curve.slope, "offset": curve.offset} for name, curve in settings.calibration.items()}
    return dict(sorted(curves.items())), dict(sorted(settings.thresholds.items()))


def _description(opened: OpenedFile) -> FilmDescription:
    attributes = opened.attributes
    return FilmDescription(
        content_sha256=opened.content_sha256,
        sop_instance_uid=attributes.sop_instance_uid,
        rows=attributes.rows,
        columns=attributes.columns,
        modality=attributes.modality,
        view_position=attributes.view_position,
        photometric=attributes.photometric,
        transfer_syntax=attributes.transfer_syntax,
    )

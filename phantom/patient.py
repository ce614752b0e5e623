"""Who is on the film and how it was taken: the specification one film is rendered from."""

from __future__ import annotations

from dataclasses import dataclass

FINDINGS = (
    "cardiac_hypertrophy",
    "aortic_atherosclerosis_calcification",
    "aortic_curvature",
    "intercostal_pleural_thickening",
    "lung_field_infiltration",
    "degenerative_joint_disease_of_the_thoracic_spine",
    "scoliosis",
)
"""The seven findings the phantom can grow; a test holds them equal to the device's table."""

VIEWS = ("PA", "AP")
BODY_SIZES = ("small", "medium", "large")
DOSES = ("low", "standard")


@dataclass(frozen=True, slots=True)
class PatientSpec:
    """Everything that decides a film: same specification, same bytes.

    ``severity`` maps a finding to a number in (0, 1]; a finding that is not named is absent. ``age`` in years, 18 to 95.
    """

    seed: int
    index: int
    patient_id: str
    sex: str
    age: int
    body_size: str
    vendor: str
    view: str
    dose: str
    matrix: int
    severity: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        """Refuse a specification no film can follow.

        Raises:
            ValueError: a field lies outside its allowed values.
        """
        allowed = {"sex": ("F", "M"), "body_size": BODY_SIZES, "view": VIEWS, "dose": DOSES}
        for field, values in allowed.items():
            if getattr(self, field) not in values:
                raise ValueError(f"{field} must be one of {values}, got {getattr(self, field)!r}")
        if not 18 <= self.age <= 95:
            raise ValueError(f"age must lie in 18 to 95, got {self.age}")
        if not 128 <= self.matrix <= 4096:
            raise ValueError(f"matrix must lie in 128 to 4096, got {self.matrix}")
        for finding, severity in self.severity:
            if finding not in FINDINGS:
                raise ValueError(f"unknown finding {finding!r}; the phantom grows {FINDINGS}")
            if not 0.0 < severity <= 1.0:
                raise ValueError(f"severity of {finding} must lie in (0, 1], got {severity}")

    def grade(self, finding: str) -> float | None:
        """Return the severity of a finding, None where it is absent."""
        return dict(self.severity).get(finding)

    @property
    def age_band(self) -> str:
        """Return the age stratum.

        >>> PatientSpec(1, 1, "P0001", "F", 60, "small", "FICTIVE-A", "PA", "low", 256).age_band
        '60-74'
        """
        for lowest, band in ((75, "75+"), (60, "60-74"), (40, "40-59")):
            if self.age >= lowest:
                return band
        return "18-39"

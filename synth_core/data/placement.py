"""Where windows lie in a recording and which classes marks in time give them: around events, or covered by spans."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, StringConstraints, model_validator

BEATS = "beats"
ANY_END = "*"  # at the end of a text: whatever follows
SIGNALS: list[JsonValue] = ["eeg", "ecg"]  # which modalities a setting is for
ECG: list[JsonValue] = ["ecg"]


def plain(text: str) -> str:
    """A text as it is compared: case and the number of spaces are of the program that wrote it."""
    return " ".join(text.split()).casefold()


def _several(given: Any) -> Any:
    """One text as well as a list of them."""
    return (given,) if isinstance(given, str) else given


Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_several), Field(min_length=1, max_length=50)]


class Placement(BaseModel):
    """The part of `Preparation` that reads the marks of recordings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    around: Texts | None = Field(
        default=None,
        description="Put windows around events: 'beats', annotated or else detected, or the texts of annotations; a * "
        "at the end stands for any ending. Not set: windows slide.",
        title="Windows around",
        json_schema_extra={"modalities": SIGNALS},
    )
    before_seconds: float = Field(
        default=0.25,
        ge=0,
        le=3600,
        description="How much before an event a window begins; 0.25 holds the P wave of a beat.",
        json_schema_extra={"unit": "s", "modalities": SIGNALS},
        title="Before the event",
    )
    after_seconds: float = Field(
        default=0.45,
        gt=0,
        le=3600,
        description="How much after an event a window ends; 0.45 holds the T wave of a beat.",
        json_schema_extra={"unit": "s", "modalities": SIGNALS},
        title="After the event",
    )
    labels_from_events: bool | None = Field(
        default=None,
        description="The classes are the events (beat symbols, annotation texts), not the recordings'. Not set: they "
        "are where several events are named.",
        title="Classes from events",
        json_schema_extra={"modalities": SIGNALS},
    )
    aami: bool = Field(
        default=False,
        description="Group beat symbols into N, S, V, F and Q, as ANSI/AAMI EC57 compares them.",
        title="AAMI beat classes",
        json_schema_extra={"modalities": ECG},
    )
    drop_overlapping: bool = Field(
        default=False,
        description="Leave out a window around an event that shares samples with one around an event of another class.",
        title="Leave out what overlaps",
        json_schema_extra={"modalities": SIGNALS},
    )
    spans: Texts | None = Field(
        default=None,
        description="Classes from annotations that last, such as sleep stages or seizures: a window has the class of "
        "the span that covers it. A * at the end stands for any ending.",
        title="Classes from spans",
        json_schema_extra={"modalities": SIGNALS},
    )
    span_share: float = Field(
        default=1.0,
        gt=0.5,
        le=1,
        description="Share of a window that a span must cover; windows across a boundary are left out and counted.",
        title="Least covered share",
        json_schema_extra={"modalities": SIGNALS},
    )
    outside_spans: Text | None = Field(
        default=None,
        description="Class of the windows that no span covers, such as background. Not set: they are left out and "
        "counted.",
        title="Class outside spans",
        json_schema_extra={"modalities": SIGNALS},
    )
    event_classes: dict[str, Text] = Field(
        default_factory=dict,
        description="Text of an event or span → its class; several texts may have one. Not named: the text itself.",
        title="Names of classes",
        json_schema_extra={"modalities": SIGNALS},
    )

    @property
    def classes_from_events(self) -> bool:
        """Whether events give the classes: where it is said, and where there would be several."""
        if self.labels_from_events is not None:
            return self.labels_from_events
        return self.around is not None and (bool(self.event_classes) or (self.around != (BEATS,) and self._is_several))

    @property
    def _is_several(self) -> bool:
        return len(self.around or ()) > 1 or any(text.endswith(ANY_END) for text in self.around or ())

    def class_of(self, text: str) -> str:
        """The class that the text of an event or span gives."""
        named = {plain(each): name for each, name in self.event_classes.items()}
        return named.get(plain(text), text)

    @model_validator(mode="after")
    def _marks_fit(self) -> Self:
        if self.labels_from_events and self.around is None:
            raise ValueError("classes from events need windows around events: name the events in `around`")
        if self.aami and self.around != (BEATS,):
            raise ValueError(f"AAMI classes are those of beats: set `around` to {BEATS!r}")
        if self.around is not None and BEATS in self.around and len(self.around) > 1:
            raise ValueError(f"{BEATS!r} are all beats and cannot be joined with other events")
        if self.around is not None and self.spans is not None:
            raise ValueError(
                "windows lie around events or have the classes of spans: set `around` or `spans`, not both"
            )
        if self.outside_spans is not None and self.spans is None:
            raise ValueError("a class outside spans needs `spans`")
        self._check_names()
        return self

    def _check_names(self) -> None:
        """Every name of a class belongs to a text that was asked for."""
        if self.event_classes and self.labels_from_events is False and self.spans is None:
            raise ValueError("names of classes were given, though classes are not to come from events")
        asked = self.around or self.spans or ()
        for text in self.event_classes if asked != (BEATS,) else ():
            if not any(fits(one, text) for one in asked):
                named = ", ".join(map(repr, asked)) or "none"
                raise ValueError(f"{text!r} was given a class, but is not among the events or spans ({named})")


def fits(asked: str, text: str) -> bool:
    """Whether the text of a mark is what was asked for."""
    wanted, found = plain(asked), plain(text)
    return found == wanted or (wanted.endswith(ANY_END) and found.startswith(wanted.removesuffix(ANY_END).rstrip()))

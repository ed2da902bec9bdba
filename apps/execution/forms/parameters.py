"""Fields for the typed parameters of a strategy, as its schema describes them."""

import inspect
from collections.abc import Callable
from typing import Any

from django import forms

from apps.execution.forms.amounts import CHECK, DIGITS, NUMBER, SELECT, TEXT
from apps.strategies.domain.strategy import Strategy
from apps.strategies.loading import (
    LoadedStrategy,
    ParametersRefused,
    StrategyUnloadable,
    strategy_build,
)

_BOUNDS = (
    ("minimum", "at least {}"),
    ("exclusiveMinimum", "above {}"),
    ("maximum", "at most {}"),
    ("exclusiveMaximum", "below {}"),
)
_REQUIRED = "Give it a value."

Schema = dict[str, Any]


class ParametersForm(forms.Form):
    """The parameters of one strategy. What its author's own checks refuse stands at its field.

    Attributes:
        strategy: Built with the parameters once the form is valid, else None.
    """

    def __init__(self, *args: Any, loaded: LoadedStrategy, **kwargs: Any) -> None:
        """Make a field for each parameter, filled in with its default."""
        super().__init__(*args, **{"prefix": "parameters", **kwargs})
        self.loaded = loaded
        self.strategy: Strategy[Any] | None = None
        schema = loaded.strategy_class.Parameters.model_json_schema()
        for name, found in schema.get("properties", {}).items():
            self.fields[name] = _field_of(name, found, schema)

    def clean(self) -> dict[str, Any]:
        """Have the strategy itself check what can be read."""
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        try:
            self.strategy = strategy_build(self.loaded, cleaned)
        except ParametersRefused as refused:
            for name, sentence in refused.faults:
                self.add_error(name if name in self.fields else None, _at_field(name, sentence))
        except StrategyUnloadable as refused:
            self.add_error(None, f"{refused}.")
        return cleaned

    @property
    def about(self) -> str:
        """What the author says of the strategy, up to the first empty line."""
        text = inspect.cleandoc(self.loaded.strategy_class.__doc__ or "")
        return " ".join(text.partition("\n\n")[0].split())

    @property
    def in_words(self) -> list[tuple[str, Any]]:
        """Label and value of all, to be looked over; what is left empty is None."""
        return [(str(bound.label), self.cleaned_data[bound.name]) for bound in self]


def _field_of(name: str, found: Schema, schema: Schema) -> forms.Field:
    member, may_be_empty = _member_of(found, schema)
    kind = "enum" if "enum" in member else str(member.get("type"))
    field = _MAKERS.get(kind, _json)(member, may_be_empty)
    field.label = name.replace("_", " ").capitalize()
    field.help_text = _help_of(found, member, may_be_empty=may_be_empty)
    field.initial = _shown(found.get("default"))
    field.error_messages["required"] = _REQUIRED
    return field


def _member_of(found: Schema, schema: Schema) -> tuple[Schema, bool]:
    """Return the schema of the value, and whether there may be none."""
    members = [_resolved(member, schema) for member in found.get("anyOf", [found])]
    values = [member for member in members if member.get("type") != "null"]
    return (values[0] if values else {}), len(values) < len(members)


def _resolved(member: Schema, schema: Schema) -> Schema:
    reference = member.get("$ref")
    if reference is None:
        return member
    resolved: Schema = schema["$defs"][reference.rpartition("/")[2]]
    return resolved


def _whole(_member: Schema, may_be_empty: bool) -> forms.Field:
    return forms.IntegerField(
        required=not may_be_empty,
        widget=forms.TextInput(attrs=DIGITS),
        error_messages={"invalid": "Enter a whole number."},
    )


def _number(_member: Schema, may_be_empty: bool) -> forms.Field:
    return forms.FloatField(
        required=not may_be_empty,
        widget=forms.TextInput(attrs=NUMBER),
        error_messages={"invalid": "Enter a number such as 0.01."},
    )


def _flag(_member: Schema, _may_be_empty: bool) -> forms.Field:
    return forms.BooleanField(required=False, widget=forms.CheckboxInput(attrs=CHECK))


def _text(_member: Schema, may_be_empty: bool) -> forms.Field:
    return forms.CharField(
        required=False, empty_value=None if may_be_empty else "", widget=forms.TextInput(attrs=TEXT)
    )


def _choice(member: Schema, may_be_empty: bool) -> forms.Field:
    values = {str(value): value for value in member["enum"]}
    offered = [(key, key.replace("_", " ").capitalize()) for key in values]
    return forms.TypedChoiceField(
        required=not may_be_empty,
        choices=[("", "None"), *offered] if may_be_empty else offered,
        coerce=values.__getitem__,
        empty_value=None,
        widget=forms.Select(attrs=SELECT),
    )


class _JsonField(forms.JSONField):
    """A list or an object as JSON; an empty one is a value."""

    empty_values = [None, ""]


def _json(_member: Schema, may_be_empty: bool) -> forms.Field:
    return _JsonField(
        required=not may_be_empty,
        widget=forms.Textarea(attrs={**TEXT, "rows": 2, "spellcheck": "false"}),
        error_messages={"invalid": "Enter JSON, such as [1, 2]."},
    )


_MAKERS: dict[str, Callable[[Schema, bool], forms.Field]] = {
    "integer": _whole,
    "number": _number,
    "boolean": _flag,
    "enum": _choice,
    "string": _text,
}


def _help_of(found: Schema, member: Schema, *, may_be_empty: bool) -> str:
    bounds = [words.format(_shown(member[key])) for key, words in _BOUNDS if key in member]
    sentences = [
        str(found.get("description") or member.get("description") or ""),
        ", ".join(bounds).capitalize(),
        "Empty: none" if may_be_empty and member.get("type") != "boolean" else "",
    ]
    return " ".join(f"{sentence.rstrip('.')}." for sentence in sentences if sentence)


def _shown(value: Any) -> Any:
    """Return a default as people write it: 25 and not 25.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _at_field(name: str, sentence: str) -> str:
    said = sentence.removeprefix(f"{name}: ")
    return f"{said[:1].upper()}{said[1:]}."

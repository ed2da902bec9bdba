"""What every page of the admin shares: facts that nobody edits, edits that leave an audit event."""

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin import display
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.admin import ModelAdmin

from apps.core.fields import AmountField
from apps.core.sealing import SealedRow
from apps.core.services import audit_record
from apps.core.templatetags.desk import desk_number

_SECRET_FIELDS = frozenset({"password", "password1", "password2", "usable_password"})


class DeskAdmin(ModelAdmin):
    """A list that costs the same however long it is, and writes numbers as all pages do."""

    refusals: ClassVar[tuple[type[Exception], ...]] = ()
    """What the services behind a form raise when they refuse; the person reads it, not a 500."""

    list_per_page = 50
    show_full_result_count = False
    list_filter_submit = False

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Write amounts without trailing zeros."""
        return [_column(self.model, each) for each in super().get_list_display(request)]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Undo a change that a service refused, and show why."""
        try:
            response: HttpResponse = super().changeform_view(
                request, object_id, form_url, extra_context
            )
        except self.refusals as refused:
            self.message_user(request, str(refused), messages.ERROR)
            return redirect(request.get_full_path())
        return response


class ReadOnlyAdmin(DeskAdmin):
    """For what only the desk itself writes: facts, orders, positions, leases, cursors."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Write amounts without trailing zeros, and leave out what is sealed."""
        sealed = self.model.sealed_fields if issubclass(self.model, SealedRow) else ()
        shown = [each for each in super().get_fields(request, obj) if each not in sealed]
        return [_column(self.model, each) for each in shown]


class AuditedAdmin(DeskAdmin):
    """For what people edit: each change leaves an audit event with old and new values.

    Nothing is deleted; rows are switched off instead.
    """

    audit_name = ""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> list[dict[str, Any]]:
        """Add the values to the names of the changed fields."""
        message: list[dict[str, Any]] = super().construct_change_message(
            request, form, formsets, add
        )
        if message:
            message[0]["values"] = _changed_values(form)
        return message

    def log_addition(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        """Record the new row, in the transaction of its insert."""
        self._audit(request, obj, "created", message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        """Record the change, in its transaction."""
        self._audit(request, obj, "changed", message)
        return super().log_change(request, obj, message)

    def _audit(self, request: HttpRequest, obj: models.Model, verb: str, message: Any) -> None:
        entries = message if isinstance(message, list) else []
        details = next((entry["values"] for entry in entries if "values" in entry), None)
        audit_record(
            action=f"{self.audit_name or obj._meta.model_name}.{verb}",
            subject=obj,
            actor=request.user,  # type: ignore[arg-type]  # the admin site requires a person
            details={"values": details} if details else {"message": str(message)},
        )


def _changed_values(form: ModelForm[Any]) -> dict[str, Any]:
    return {
        name: "changed"
        if name in _SECRET_FIELDS
        else {"before": _text(form.initial.get(name)), "after": _text(form.cleaned_data.get(name))}
        for name in form.changed_data
    }


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, list | tuple | set | models.QuerySet):
        return ", ".join(sorted(str(each) for each in value))
    return str(value)


def _column(model: type[models.Model], name: Any) -> Any:
    """Return the column of an amount, or the name as it is."""
    if not isinstance(name, str):
        return name
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return name
    if not isinstance(field, AmountField):
        return name
    return _amount_column(name, str(field.verbose_name))


@cache
def _amount_column(name: str, description: str) -> Callable[[models.Model], Any]:
    @display(description=description, ordering=name)
    def amount(row: models.Model) -> Any:
        return desk_number(getattr(row, name))

    amount.__name__ = name
    return amount

"""Facts that are only ever added, the audit trail among them, and answers kept for a retry."""

from typing import Any, Never

from django.db import models
from django.db.models.functions import Now

from apps.core.clock import now


class FactChangeRefused(TypeError):
    """Someone tried to change or delete a recorded fact."""


class AppendOnlyQuerySet(models.QuerySet[Any]):
    """A queryset that can insert and read."""

    def update(self, **kwargs: Any) -> Never:
        """Refuse."""
        raise FactChangeRefused(f"{self.model.__name__} rows are facts; add a correcting row")

    def delete(self) -> Never:
        """Refuse."""
        raise FactChangeRefused(f"{self.model.__name__} rows are facts; add a correcting row")


class AppendOnlyModel(models.Model):
    """A row that is written once. The table's triggers refuse what slips past this class.

    Every subclass needs ``append_only("its_table")`` in a migration; a test checks that.
    """

    recorded_at = models.DateTimeField(
        db_default=Now(),
        editable=False,
        help_text="Machine time of the insert (UTC), also inside a simulation",
    )

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert the row.

        Raises:
            FactChangeRefused: The row is already stored.
        """
        if not self._state.adding:
            raise FactChangeRefused(f"{type(self).__name__} rows are facts; add a correcting row")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> Never:
        """Refuse."""
        raise FactChangeRefused(f"{type(self).__name__} rows are facts; add a correcting row")


class AuditEvent(AppendOnlyModel):
    """Who did what to which thing, when and why; written in the transaction of the change."""

    action = models.CharField(max_length=80, help_text="Past tense, such as order.cancel_requested")
    subject_type = models.CharField(max_length=80, help_text="Model label, such as orders.Order")
    subject_id = models.CharField(max_length=64)
    subject_label = models.CharField(max_length=200)
    actor_id = models.BigIntegerField(null=True, help_text="User id; empty for the desk itself")
    actor_label = models.CharField(max_length=200, help_text="E-mail, or the process that acted")
    reason = models.TextField(blank=True)
    details = models.JSONField(default=dict)
    occurred_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["subject_type", "subject_id"], name="audit_event_subject"),
            models.Index(fields=["occurred_at"], name="audit_event_occurred_at"),
        ]

    def __str__(self) -> str:
        """Name the action and its subject."""
        return f"{self.action} {self.subject_label}"


class AnsweredRequest(models.Model):
    """The first answer to a command, kept under the key that its sender chose.

    It is written in the transaction of the command: either both are stored or neither is.
    """

    user_id = models.BigIntegerField(help_text="Whose key it is")
    key = models.CharField(max_length=64)
    request_sha256 = models.CharField(max_length=64, help_text="Of method, path and body")
    status = models.PositiveSmallIntegerField(help_text="HTTP status of the answer")
    content_type = models.CharField(max_length=80)
    body = models.TextField(blank=True)
    answered_at = models.DateTimeField(db_default=Now(), editable=False, help_text="Machine time")

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(fields=["user_id", "key"], name="answered_request_once_per_key")
        ]
        indexes = [models.Index(fields=["user_id", "answered_at"], name="answered_request_age")]

    def __str__(self) -> str:
        """Name the key and the status."""
        return f"{self.key}: {self.status}"

"""Lets a caller read and do only what their roles give them permission for."""

from collections.abc import Mapping
from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class ReadsRows(BasePermission):
    """Asks for the view permission of the model whose rows the address gives."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return whether one of the caller's roles has it; the refusal names it."""
        model = view.queryset.model._meta
        needed = f"{model.app_label}.view_{model.model_name}"
        self.message = f"None of your roles has the permission {needed}."
        return bool(request.user.has_perm(needed))


class GivesCommands(BasePermission):
    """Asks for the permission that the view's ``command_permissions`` name for the command."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return whether the action is no command, or one of the caller's roles may give it."""
        needed: Mapping[str, str] = view.command_permissions
        permission = needed.get(view.action or "")
        if permission is None:
            return True
        self.message = f"None of your roles has the permission {permission}."
        return bool(request.user.has_perm(permission))

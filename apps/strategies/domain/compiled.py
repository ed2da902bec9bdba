"""Loops over arrays at machine speed, and no compiler in a process that runs none of them.

Importing numba takes half a second and some 60 MB, and every web worker knows the library of
strategies by name. So a loop is compiled when it is first called, or read from numba's cache, which
lies beside its file or under ``NUMBA_CACHE_DIR``.
"""

import importlib
from collections.abc import Callable
from functools import cached_property, update_wrapper
from types import FunctionType
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")


class Compiled(Generic[P, R]):
    """A function that numba compiles on its first call; others of its kind may call it.

    Arrays, also those in tuples, are handed over as contiguous and read-only, so that there is one
    machine code whoever calls. A function makes the arrays that it answers with.
    """

    def __init__(self, function: Callable[P, R]) -> None:
        update_wrapper(self, function)
        self.function = function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the machine code."""
        answer: R = self.machine_code(*(_as_read_only(each) for each in args), **kwargs)
        return answer

    @cached_property
    def machine_code(self) -> Callable[..., Any]:
        """Compile, or read from the cache; what it calls is compiled first."""
        numba = importlib.import_module("numba")
        function = self.function
        if not isinstance(function, FunctionType):
            raise TypeError(f"only a plain function can be compiled, got {function!r}")
        scope = dict(function.__globals__)
        for name in function.__code__.co_names:
            if isinstance(callee := scope.get(name), Compiled):
                scope[name] = callee.machine_code
        linked = FunctionType(function.__code__, scope, function.__name__, function.__defaults__)
        dispatcher: Callable[..., Any] = numba.njit(
            linked, cache=True, nogil=True, error_model="numpy"
        )
        return dispatcher


def compiled(function: Callable[P, R]) -> Compiled[P, R]:
    """Let numba compile ``function`` once it is called."""
    return Compiled(function)


def _as_read_only(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(_as_read_only(each) for each in value)
    if not isinstance(value, np.ndarray):
        return value
    view = np.ascontiguousarray(value).view()
    view.flags.writeable = False
    return view

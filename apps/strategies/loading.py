"""Finds the class that a strategy's name, file or stored source stands for.

A trader's file is trusted code: it runs with the rights of the desk, like the desk's own. So only
people who may deploy may load one, and what runs later is the stored source that was approved.
"""

import hashlib
import inspect
import linecache
import sys
import threading
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from apps.marketdata.domain.timeframes import Timeframe
from apps.strategies.domain.strategy import Strategy, StrategyParameters
from apps.strategies.library import LIBRARY

NAME_LENGTH = 80

_loading = threading.RLock()


class StrategyUnloadable(ValueError):
    """No strategy could be made of what was given; the message says why and what to do."""


class ParametersRefused(ValueError):
    """The parameters do not fit the strategy; the message names each that does not.

    Attributes:
        faults: Name and sentence of each fault; the name is empty where several together do not
            fit.
    """

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(sentence for _, sentence in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedStrategy:
    """A strategy class together with the source that defines it.

    Attributes:
        strategy_class: The class.
        name: Its name in lists, unique together with the source.
        location: ``package.module:Class`` or ``path/to/file.py:Class``.
        source: Text of the whole file.
        source_sha256: Hash of that text in UTF-8, as 64 hexadecimal digits.
    """

    strategy_class: type[Strategy[Any]]
    name: str
    location: str
    source: str
    source_sha256: str


def strategy_load(reference: str) -> LoadedStrategy:
    """Load a strategy of the library, or one from a trader's own file.

    Args:
        reference: A name such as ``moving_average_cross``, or ``path/to/file.py:Class``.

    Raises:
        StrategyUnloadable: Nothing that can run is there.
    """
    reference = reference.strip()
    if reference in LIBRARY:
        return _from_library(reference)
    if ":" in reference or reference.endswith(".py") or "/" in reference:
        return _from_file(reference)
    raise StrategyUnloadable(
        f"there is no strategy {reference!r} in the library"
        f"{_nearest(reference, LIBRARY)}; known are {', '.join(sorted(LIBRARY))}. "
        "For your own file write path/to/file.py:Class"
    )


def strategy_from_source(
    *, source: str, source_sha256: str, location: str, name: str
) -> LoadedStrategy:
    """Load a strategy from stored source, so that what was approved is what runs.

    Raises:
        StrategyUnloadable: The source is not the one of the hash, or does not run.
    """
    found = _sha256(source)
    if found != source_sha256:
        raise StrategyUnloadable(
            f"the stored source of {name} has hash {found[:12]}, but {source_sha256[:12]} was "
            "recorded: it was altered. Record the strategy again from its file"
        )
    path, _, class_name = location.rpartition(":")
    strategy_class = _class_of(_module_of(source, path), class_name, location)
    return LoadedStrategy(
        strategy_class=strategy_class,
        name=name,
        location=location,
        source=source,
        source_sha256=source_sha256,
    )


def strategy_build(loaded: LoadedStrategy, parameters: dict[str, Any]) -> Strategy[Any]:
    """Make a strategy with checked parameters.

    Args:
        loaded: The class.
        parameters: Plain JSON values by name; what is left out takes its default.

    Raises:
        ParametersRefused: A parameter is unknown, missing or impossible.
        StrategyUnloadable: The class fails on parameters that it accepted.
    """
    parameters_class = loaded.strategy_class.Parameters
    try:
        checked = parameters_class.model_validate(parameters)
    except ValidationError as error:
        raise ParametersRefused(
            [
                (str(next(iter(fault["loc"]), "")), _sentence(fault, parameters_class))
                for fault in error.errors()
            ]
        ) from error
    try:
        strategy = loaded.strategy_class(checked)
        warmup: object = strategy.warmup_bars  # an author's code may return anything
    except Exception as error:
        raise StrategyUnloadable(
            f"{loaded.name} could not be built: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(warmup, int) or warmup < 1:
        raise StrategyUnloadable(
            f"warmup_bars of {loaded.name} must be a whole number of at least 1, was {warmup!r}"
        )
    return strategy


def _from_library(name: str) -> LoadedStrategy:
    strategy_class = LIBRARY[name]
    source = Path(inspect.getfile(strategy_class)).read_bytes().decode()
    return LoadedStrategy(
        strategy_class=strategy_class,
        name=name,
        location=f"{strategy_class.__module__}:{strategy_class.__name__}",
        source=source,
        source_sha256=_sha256(source),
    )


def _from_file(reference: str) -> LoadedStrategy:
    path, _, class_name = reference.rpartition(":")
    if not path or not class_name or class_name.endswith(".py"):
        raise StrategyUnloadable(
            f"{reference} does not say which class to load; write path/to/file.py:Class"
        )
    source = _read(path)
    strategy_class = _class_of(_module_of(source, path), class_name, reference)
    name = strategy_class.name or strategy_class.__name__
    if name in LIBRARY:
        raise StrategyUnloadable(
            f"{reference} is named {name}, as a strategy of the library is; "
            f"give {class_name} a name of its own"
        )
    if len(name) > NAME_LENGTH:
        raise StrategyUnloadable(f"{reference}: the name may have {NAME_LENGTH} characters: {name}")
    return LoadedStrategy(
        strategy_class=strategy_class,
        name=name,
        location=reference,
        source=source,
        source_sha256=_sha256(source),
    )


def _read(path: str) -> str:
    file = Path(path)
    if not file.is_file():
        raise StrategyUnloadable(
            f"there is no file {path} (looked in {Path.cwd()}); write path/to/file.py:Class"
        )
    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise StrategyUnloadable(f"{path} is not UTF-8 text: {error}; save it as UTF-8") from error
    except OSError as error:
        raise StrategyUnloadable(f"{path} cannot be read: {error.strerror}") from error


def _module_of(source: str, path: str) -> ModuleType:
    """Run ``source`` once per hash, under a module name that no other source has."""
    name = f"strategy_source_{_sha256(source)}"
    with _loading:
        if name in sys.modules:
            return sys.modules[name]
        module = ModuleType(name)
        module.__file__ = f"{path}@{_sha256(source)[:8]}"
        # Lets a traceback show the lines that ran, wherever the file is by then
        lines = source.splitlines(keepends=True)
        linecache.cache[module.__file__] = (len(source), None, lines, module.__file__)
        code = _compiled(source, module.__file__, path)
        sys.modules[name] = module
        try:
            exec(code, module.__dict__)  # noqa: S102  a trader's file is trusted code
        except (Exception, SystemExit) as error:
            del sys.modules[name]
            raise StrategyUnloadable(_run_fault(error, module.__file__, path)) from error
        return module


def _compiled(source: str, file_name: str, path: str) -> Any:
    try:
        return compile(source, file_name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise StrategyUnloadable(_source_fault(error, path)) from error


def _source_fault(error: SyntaxError | ValueError, path: str) -> str:
    if not isinstance(error, SyntaxError) or error.lineno is None:
        return f"{path} is not Python source: {error}"  # null bytes, by version either error
    line = (error.text or "").strip()
    return f"{path}, line {error.lineno}: {error.msg}{f': {line}' if line else ''}"


def _run_fault(error: BaseException, file_name: str, path: str) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == file_name]
    where = f"{path}, line {lines[-1]}" if lines else path
    if isinstance(error, ImportError):
        return (
            f"{where}: {error}; a strategy lives in one file and may import installed packages "
            "and of the desk apps.strategies.domain and apps.strategies.smc"
        )
    return f"{where}: {type(error).__name__}: {error}"


def _class_of(module: ModuleType, class_name: str, location: str) -> type[Strategy[Any]]:
    found = getattr(module, class_name, None)
    if found is None:
        own = [
            name
            for name, value in vars(module).items()
            if isinstance(value, type)
            and issubclass(value, Strategy)
            and value.__module__ == module.__name__
        ]
        known = f"; it has {', '.join(own)}" if own else "; it has no strategy at all"
        raise StrategyUnloadable(
            f"{location}: there is no class {class_name}{_nearest(class_name, own)}{known}"
        )
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise StrategyUnloadable(
            f"{location} is not a strategy; write class {class_name}(Strategy) "
            "with Strategy from apps.strategies.domain.strategy"
        )
    fault = _class_fault(found)
    if fault:
        raise StrategyUnloadable(f"{location} {fault}")
    return found


def _class_fault(strategy_class: type[Strategy[Any]]) -> str:
    missing = sorted(getattr(strategy_class, "__abstractmethods__", ()))
    if missing:
        return f"lacks {' and '.join(missing)}"
    parameters = getattr(strategy_class, "Parameters", None)
    if not (isinstance(parameters, type) and issubclass(parameters, StrategyParameters)):
        return (
            "has no Parameters; write class Parameters(StrategyParameters) in it, "
            "with `pass` for a body if nothing can be set"
        )
    known = [timeframe.value for timeframe in Timeframe]
    strange = [timeframe for timeframe in strategy_class.timeframes if timeframe not in known]
    if strange:
        return f"names unknown timeframes {strange}; known are {', '.join(known)}"
    return ""


def _sentence(fault: ErrorDetails, parameters_class: type[StrategyParameters]) -> str:
    name = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        fields = parameters_class.model_fields
        known = f"it has {', '.join(fields)}" if fields else "it has none"
        return f"{name} is not a parameter of this strategy{_nearest(name, fields)}; {known}"
    if fault["type"] == "missing":
        return f"{name} is missing and has no default; give it a value"
    if fault["type"] in {"model_type", "model_attributes_type"}:
        return f'parameters must be an object such as {{"fast": 10}}, was {fault["input"]!r}'
    if fault["type"] == "value_error":
        said = str(fault["ctx"]["error"])
        return f"{name}: {said}" if name else said
    message = fault["msg"]
    return f"{name}: {message[0].lower()}{message[1:]}, was {fault['input']!r}"


def _nearest(word: str, known: Any) -> str:
    near = get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _sha256(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()

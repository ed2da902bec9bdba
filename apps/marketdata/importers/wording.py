"""Says a report of an import in lines that a person reads."""

from typing import Any

from apps.marketdata.importers.results import POSSIBLY_UNFINISHED

_WIDTH = 15
_SHOWN = 5


def report_lines(report: dict[str, Any]) -> list[str]:
    """Return what a file held, how that was found out, and what is wrong with it."""
    entries = [
        ("file", f"{report['file']['layout']}, {report['rows']:,} rows"),
        ("columns", _columns(report["columns"])),
        ("times", f"{report['time']['layout']}, time zone {report['time']['timezone']}"),
        ("known by", report["time"]["evidence"]),
        ("good bars", f"{report['bars']:,}, {report['first_open_at']} to {report['last_open_at']}"),
        ("gaps", _gaps(report["gaps"])),
        *(("", _gap(gap)) for gap in report["gaps"]["largest"][:_SHOWN]),
        ("calendar", report["gaps"]["calendar"]),
        ("off session", _outside(report["outside_session"])),
        ("duplicates", _duplicates(report["duplicates"])),
        ("impossible", _impossible(report["impossible"])),
        ("unreadable", _count(report["unreadable"], "row with a missing or unreadable value")),
        ("misaligned", _count(report["misaligned"], "row that is no open time of this timeframe")),
        ("out of order", _out_of_order(report["out_of_order"])),
        ("zero volume", _zero_volume(report["zero_volume"])),
        ("last bar", _last_bar(report["last_bar"])),
        *(("replaced", _replaced(entry)) for entry in report.get("replaced", ())),
        *(("note", note) for note in report["notes"]),
    ]
    return [f"  {name:<{_WIDTH}}{text}" for name, text in entries]


def _count(count: int, what: str) -> str:
    if not count:
        return "none"
    noun, _, rest = what.partition(" ")
    return f"{count:,} {noun}{'' if count == 1 else 's'} {rest}".rstrip()


def _first(names: list[str], count: int) -> str:
    """Name the first few of ``count``."""
    return ", ".join([*names[:_SHOWN], *(["..."] if count > _SHOWN else [])])


def _columns(columns: dict[str, str | None]) -> str:
    return ", ".join(f"{field} = {name or 'none'}" for field, name in columns.items())


def _gaps(gaps: dict[str, Any]) -> str:
    if not gaps["count"]:
        return "none"
    return f"{_count(gaps['count'], 'gap')}, {_count(gaps['missing_bars'], 'bar missing')}"


def _gap(gap: dict[str, Any]) -> str:
    return f"{gap['first_missing']} to {gap['last_missing']}: {gap['missing_bars']:,} missing"


def _outside(outside: dict[str, Any]) -> str:
    if not outside["rows"]:
        return "none"
    return f"{_count(outside['rows'], 'row')} between {outside['first']} and {outside['last']}"


def _duplicates(duplicates: dict[str, Any]) -> str:
    if not duplicates["rows"]:
        return "none"
    first = _first([entry["open_at"] for entry in duplicates["named"]], duplicates["rows"])
    return (
        f"{_count(duplicates['rows'], 'row')}: {duplicates['exact']:,} exact, "
        f"{duplicates['conflicting']:,} with other values ({first})"
    )


def _impossible(impossible: dict[str, Any]) -> str:
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in impossible["by_kind"].items())
    return f"{_count(impossible['rows'], 'row')}: {kinds}" if kinds else "none"


def _out_of_order(out_of_order: dict[str, Any]) -> str:
    if not out_of_order["rows"]:
        return "none"
    first = _first([str(row) for row in out_of_order["first_rows"]], out_of_order["rows"])
    return f"{_count(out_of_order['rows'], 'row')}, put in order (row {first})"


def _zero_volume(zero_volume: dict[str, Any]) -> str:
    if zero_volume["rows"] is None:
        return "unknown, the file has no volume"
    if not zero_volume["rows"]:
        return "none"
    first = _first(zero_volume["first"], zero_volume["rows"])
    return f"{_count(zero_volume['rows'], 'bar')} ({first})"


def _last_bar(last_bar: dict[str, str]) -> str:
    kept = " but kept" if last_bar["state"] == POSSIBLY_UNFINISHED else ""
    return f"{last_bar['open_at']} is {last_bar['state']}{kept}: {last_bar['evidence']}"


def _replaced(entry: dict[str, str]) -> str:
    return f"the unfinished bar of {entry['open_at']}: {entry['changes']}"

"""Finds the files of real market data, which are not part of the project."""

from pathlib import Path

import pytest
from django.conf import settings


def shared_file(name: str) -> Path:
    """Return a file of MARKET_DATA_DIR; skip the test where the folder is missing."""
    folder: Path = settings.MARKET_DATA_DIR
    if not folder.is_dir():
        pytest.skip(f"there is no folder of market data {folder}; set MARKET_DATA_DIR")
    return folder / name

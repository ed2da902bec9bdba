"""House rules that no other tool checks."""

import subprocess
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parents[1]
LONGEST_FILE = 500  # lines
WITHOUT_LIMIT = {".txt", ".json", ".md", ".yml", ".csv"}  # pinned, generated, prose, records


def test_no_file_is_longer_than_500_lines() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=PROJECT_DIR, capture_output=True, check=True, text=True
    )
    files = [PROJECT_DIR / name for name in listed.stdout.split("\0") if name]
    checked = [file for file in files if file.suffix not in WITHOUT_LIMIT and file.is_file()]
    assert len(checked) > 50
    lengths = {
        file: file.read_bytes().count(b"\n") for file in checked if "migrations" not in file.parts
    }
    assert [f"{file}: {lines}" for file, lines in lengths.items() if lines > LONGEST_FILE] == []

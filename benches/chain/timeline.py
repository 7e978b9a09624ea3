"""Draws one block of a trace as a picture: `python benches/chain/timeline.py TRACE > PICTURE.svg`; `chain import --trace` makes the trace.

The block drawn is the one whose import took the median time, of those that were imported and have the most verified signatures.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median_low
from typing import Any
from xml.sax.saxutils import escape

WIDTH, LEFT, ROW, TOP = 860, 130, 30, 34
"""Pixels: the time axis, the names of the rows, a row's height, the space for the title."""

COLOURS = {
    "decode": "#8d99ae",
    "guards": "#8d99ae",
    "barrier": "#e5e5e5",
    "fork choice": "#8d99ae",
    "signatures": "#f4a261",
    "transition": "#2a9d8f",
    "commit": "#457b9d",
}
VERIFYING = "#e76f51"

NARROWEST_LABEL = 46
"""Pixels; a shorter bar has its name in its tooltip only."""

Event = Mapping[str, Any]


def rows_of(events: Sequence[Event]) -> dict[int, str]:
    """Row numbers and names, in the order in which they stand."""
    names = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"}
    order = {event["tid"]: event["args"]["sort_index"] for event in events if event["name"] == "thread_sort_index"}
    return dict(sorted(names.items(), key=lambda row: order[row[0]]))


def typical_block(events: Sequence[Event]) -> list[Event]:
    """The steps of the block that the file's docstring names."""
    blocks: dict[str, list[Event]] = {}
    for event in events:
        if event["ph"] == "X" and "slot" in event["args"]:
            blocks.setdefault(event["args"]["root"], []).append(event)
    most = max(len(steps) for steps in blocks.values())
    whole = {_end(steps) - _begin(steps): steps for steps in blocks.values() if len(steps) == most}
    return whole[median_low(whole)]


def picture(rows: Mapping[int, str], steps: Sequence[Event]) -> str:
    """The picture, SVG."""
    begin, length = _begin(steps), _end(steps) - _begin(steps)
    used = {row: name for row, name in rows.items() if any(step["tid"] == row for step in steps)}
    height = TOP + ROW * len(used) + 26
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 20}" height="{height}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="8" y="20" font-size="14">One block, slot {steps[0]["args"]["slot"]}: {length / 1000:.2f} ms</text>',
    ]
    for place, (row, name) in enumerate(used.items()):
        y = TOP + ROW * place
        lines.append(f'<text x="8" y="{y + 19}">{escape(name)}</text>')
        lines.append(f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y + ROW - 2}" y2="{y + ROW - 2}" stroke="#dddddd"/>')
        for step in (step for step in steps if step["tid"] == row):
            x, width = LEFT + WIDTH * (step["ts"] - begin) / length, max(1.0, WIDTH * step["dur"] / length)
            colour = COLOURS.get(step["name"], VERIFYING)
            title = escape(f"{step['name']}: {step['dur'] / 1000:.3f} ms")
            lines.append(
                f'<rect x="{x:.1f}" y="{y + 4}" width="{width:.1f}" height="{ROW - 9}" fill="{colour}"><title>{title}</title></rect>'
            )
            if width > NARROWEST_LABEL:
                lines.append(f'<text x="{x + 4:.1f}" y="{y + 19}">{title}</text>')
    for tick in range(int(length // 1000) + 1):
        x = LEFT + WIDTH * tick * 1000 / length
        lines.append(f'<text x="{x:.1f}" y="{height - 8}" fill="#666666" font-size="10">{tick} ms</text>')
    return "\n".join([*lines, "</svg>"])


def _begin(steps: Sequence[Event]) -> float:
    return min(float(step["ts"]) for step in steps)


def _end(steps: Sequence[Event]) -> float:
    return max(float(step["ts"] + step["dur"]) for step in steps)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: timeline.py TRACE")
    trace = json.loads(Path(sys.argv[1]).read_text())
    print(picture(rows_of(trace), typical_block(trace)))

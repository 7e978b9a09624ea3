"""A node that imports the crash tests' Lean chain into a data directory, in a process of its own that can be told where to die."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

from kit.crash_chain_story import ChainStory, finish
from kit.crash_killer import AFTER, BEFORE, Killer
from proofplane.chain.storage import CHAIN_SCHEMA, SqliteChainStorage
from proofplane.storage.database import DATABASE_NAME, Database
from proofplane.storage.lock import DirectoryLock


async def imported(data_dir: Path, story: ChainStory, killer: Killer) -> None:
    """Runs the node to the story's end."""
    with DirectoryLock(data_dir):
        database = Database(data_dir / DATABASE_NAME, [CHAIN_SCHEMA], killer)
        try:
            await finish(story, SqliteChainStorage(database))
        finally:
            database.close()


def main() -> None:
    """Runs the node and prints how often it has passed each point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("story", type=Path, help="what `ChainStory.write` wrote")
    parser.add_argument("--site", help="die at this site only")
    parser.add_argument("--phase", choices=(BEFORE, AFTER), default=BEFORE)
    parser.add_argument("--number", type=int, default=0, help="which point to die at, from 1; 0: none")
    given = parser.parse_args()
    killer = Killer(given.site, given.phase, given.number)
    asyncio.run(imported(given.data_dir, ChainStory.read(given.story), killer))
    print(json.dumps([[site, phase, number] for (site, phase), number in sorted(killer.points.items())]))


if __name__ == "__main__":
    main()

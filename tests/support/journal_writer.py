"""A process that writes a journal until it is killed, and says on its output what was committed.

`python journal_writer.py STATE RUN`: prints `open`, then the number of each committed step.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from runbook.journal import EffectIntent, RunHeader, StepDone
from runbook.journal_sqlite import SqliteJournal
from runbook.model import Outcome, Status


def main(state: str, run: str) -> None:
    journal = SqliteJournal(Path(state))
    now = datetime.now(UTC)
    journal.begin(
        RunHeader(
            run=run,
            playbook="lab.yml",
            playbook_digest="p",
            inventory=(),
            inventory_digest="i",
            started=now,
        )
    )
    print("open", flush=True)
    number = 0
    while True:
        outcome = Outcome(status=Status.CHANGED, result={"stdout": "x" * (number % 200), "number": number})
        journal.append(
            StepDone(
                step=str(number), host="h", task="t", module="m", file="lab.yml", line=1, outcome=outcome
            )
        )
        journal.commit(EffectIntent(step=str(number), key="k", token="t", attempt=1, started=now))
        print(number, flush=True)
        number += 1


if __name__ == "__main__":
    main(*sys.argv[1:])

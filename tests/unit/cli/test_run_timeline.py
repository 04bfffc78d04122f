"""How `arvo run` shows what happens: readable, one input at a time, and true."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING

from tests.support.masking import masked
from tests.unit.cli.events import a_charge, an_order

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Project

ORDER = """\
arvo.orc.order order-1 from com.shop.web, line 1
  {"cents":100}
     at ms  took ms  event       handler           emitted
       0.0     0.00  #1          arvo.orc.order    #2 com.card.charge
       0.0     0.00  #2 of #1    com.card.charge   #3 evt.card.charge.success
       0.0     0.00  #3 of #2    arvo.orc.order    #4 arvo.orc.order.done
  = #4 arvo.orc.order.done
    {"charge_id":"<id>"}

1 input in 0.00 s

  ended as             inputs
  arvo.orc.order.done       1

  handler          attempts  errors  mean ms  longest ms
  arvo.orc.order          2       0     0.00        0.00
  com.card.charge         1       0     0.00        0.00
"""


def timelines(out: str) -> list[list[str]]:
    """The timelines of an output, as lists of rows."""
    return [block.splitlines() for block in out.split("\n\n") if "at ms" in block or "continued" in block]


def test_an_input_is_shown_with_every_step_and_the_figures_at_the_end(project: Project) -> None:
    project.write("events.jsonl", an_order())
    assert masked(project.run().out).replace("sink of human", "").replace("  \n", "\n") == ORDER


def test_steps_of_inputs_that_run_at_the_same_time_are_not_mixed(project: Project) -> None:
    project.write("events.jsonl", *(an_order(id=f"order-{number}", how="slowly") for number in range(1, 9)))
    shown = timelines(project.run().out)
    assert [rows[0].split()[1] for rows in shown] == [f"order-{number}" for number in range(1, 9)]
    assert {len(rows) for rows in shown} == {8}


def test_an_input_that_is_silent_does_not_hold_back_what_others_did(project: Project) -> None:
    lines = [a_charge(id="slow-1", how="hanging"), a_charge(id="quick-1")]
    with project.start("run", "shop:app", "--events", "-", stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"".join(json.dumps(line).encode() + b"\n" for line in lines[:1]))
        process.stdin.flush()
        started = project.folder / "started"
        while not started.exists():
            time.sleep(0.02)
        time.sleep(0.6)  # longer than the patience of the printer
        process.stdin.write(json.dumps(lines[1]).encode() + b"\n")
        process.stdin.flush()
        rows = [process.stdout.readline().decode().rstrip() for _ in range(9)]
        process.terminate()
        rest, _ = process.communicate(timeout=60)
    assert rows[0].startswith("com.card.charge slow-1 ")
    assert rows[4].startswith("com.card.charge quick-1 ")
    assert rows[8].endswith("= #2 evt.card.charge.success")
    assert "com.card.charge slow-1, continued\n  = not finished\n\n1 input in " in rest.decode()


def test_what_comes_of_an_input_after_its_answer_is_shown_too(project: Project) -> None:
    line = a_charge(type="com.parcel.ship", subject="parcel/1")
    project.write("events.jsonl", line)
    for arguments in ((), ("--timeline", "kinds")):
        (rows,) = timelines(project.run(*arguments).out)
        assert [row.split()[-1] for row in rows[3:6]] == ["evt.card.charge.success", "evt.audit.log.done", "-"]
        assert rows[5].split()[5] == "com.audit.log"
        assert rows[6].startswith("  = #2 evt.card.charge.success")


def test_only_the_first_input_of_each_kind_is_shown_on_request(project: Project) -> None:
    project.write(
        "events.jsonl",
        *(a_charge(id=f"charge-{number}") for number in range(1, 5)),
        a_charge(id="large-1", dataschema="#/services/card.charge/1.0.0", data={"cents": 9999}),
        an_order(),
    )
    done = project.run("--timeline", "kinds", "--at-once", "1")
    assert [rows[0].split()[1] for rows in timelines(done.out)] == ["charge-1", "large-1", "order-1"]
    assert "  evt.card.charge.success        4" in done.out


def test_long_files_are_shown_by_kinds(project: Project) -> None:
    project.write("events.jsonl", *(a_charge(id=f"charge-{number}") for number in range(300)))
    assert len(timelines(project.run().out)) == 1


def test_no_timeline_is_shown_on_request(project: Project) -> None:
    project.write("events.jsonl", a_charge(), a_charge(id="charge-2", how="broken"))
    done = project.run("--timeline", "none")
    assert timelines(done.out) == []
    assert done.out.startswith("2 inputs in ")
    assert "events.jsonl:2: charge-2 ended as sys.com.card.charge.error" in done.err
    assert done.code == 1


def test_kinds_without_end_are_not_all_shown(project: Project) -> None:
    project.write(
        "events.jsonl",
        *(a_charge(id=f"x-{n}", type=f"com.kind.x{n}", subject="s", to="com.nobody.x") for n in range(60)),
    )
    done = project.run("--timeline", "kinds")
    assert len(timelines(done.out)) == 50
    assert len([row for row in done.err.splitlines() if row.startswith("events.jsonl:")]) == 10


def test_rows_fit_into_a_hundred_columns(project: Project) -> None:
    project.write("events.jsonl", an_order(how="broken"), an_order(id="order-2", ask=True), an_order(id="order-3"))
    rows = [row for block in timelines(project.run().out) for row in block]
    assert rows
    assert max(map(len, rows)) <= 100


def test_a_retried_attempt_and_its_error_are_shown(project: Project) -> None:
    project.write("events.jsonl", a_charge(how="second time"))
    done = project.run()
    (rows,) = timelines(done.out)
    assert "failed, tried again after 0.00 s" in rows[3]
    assert rows[4].startswith("    ExecutionViolation: the bank is busy (shop.py, line ")
    assert rows[5].endswith("#2 evt.card.charge.success")
    assert done.code == 0


def test_an_event_that_is_given_up_is_shown_as_such(project: Project) -> None:
    project.write("events.jsonl", a_charge(how="never"), a_charge(id="charge-2", how="never"))
    done = project.run("--timeline", "kinds", "--at-once", "1")
    (rows,) = timelines(done.out)
    assert "failed (attempt 2) and given up: exhausted" in rows[5]
    assert rows[7] == "  = failed: com.card.charge gave up #1 com.card.charge"
    assert "Given up: 2 events." in done.out
    assert done.err.startswith("events.jsonl:2: charge-2 failed: 'com.card.charge' gave up")
    assert "ExecutionViolation: the bank is closed (shop.py, line " in done.err
    assert done.code == 1


def test_a_system_error_is_shown_with_its_reason(project: Project) -> None:
    project.write("events.jsonl", a_charge(how="broken"))
    done = project.run()
    (rows,) = timelines(done.out)
    assert rows[3].endswith("#2 sys.com.card.charge.error")
    assert rows[4] == "    KeyError: 'no such card'"
    assert done.code == 1


def test_of_many_events_that_were_given_up_the_first_are_told(project: Project) -> None:
    source = (project.folder / "shop.py").read_text(encoding="utf-8")
    broken = source.replace("await asyncio.sleep(0.05)", "raise ExecutionViolation('full')")
    (project.folder / "shop.py").write_text(broken, encoding="utf-8")
    lines = [a_charge(id=f"p-{number}", type="com.parcel.ship", subject=f"parcel/{number}") for number in range(7)]
    project.write("events.jsonl", *lines)
    rows = project.run("--timeline", "none").out.splitlines()
    assert rows[-7] == "Given up: 7 events."
    assert all(row.startswith("  'com.audit.log' gave up 'evt.audit.log.done'") for row in rows[-6:-1])
    assert rows[-1] == "  ..."


def test_text_from_outside_cannot_steer_the_terminal(project: Project) -> None:
    project.write("events.jsonl", a_charge(id="\x1b[2Jx", data={"cents": 1, "how": "\x9b31m\u202e"}))
    done = project.run()
    assert "\\x1b[2Jx" in done.out
    assert "\\x9b31m\\u202e" in done.out
    assert done.out.replace("\n", "").isprintable()


def test_without_a_terminal_there_are_no_escape_codes(project: Project) -> None:
    project.write("events.jsonl", an_order(), a_charge(how="broken"), "bad")
    done = project.run()
    assert "\x1b" not in done.out + done.err

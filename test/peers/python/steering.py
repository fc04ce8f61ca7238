"""How a program is steered by lines of JSON; see test/support/client-program.ts.

A request names a method of an object, and the method's arguments are its fields.
"""

import asyncio
import json
import logging
import sys

sys.stdout = sys.stderr  # what libraries print is no line of ours


def tell(line):
    print(json.dumps(line), flush=True, file=sys.__stdout__)


def answer(number, value):
    tell({"id": number, "ok": True, "value": value})


def refuse(number, problem):
    """Whoever steers is told what is wrong, whatever it is: an error of XMPP by its condition."""
    condition = getattr(problem, "condition", None)
    tell({"id": number, "ok": False, "error": condition if isinstance(condition, str) else f"{problem!r}"})


async def carry_out(steering, request):
    number, what = request.pop("id"), request.pop("do")
    try:
        answer(number, await getattr(steering, what)(**request))
    except Exception as problem:
        refuse(number, problem)


async def serve(steering):
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    tasks = set()
    while line := await lines.readline():
        task = asyncio.ensure_future(carry_out(steering, json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


def run(steering):
    """Takes requests, each for itself, until there are no more."""
    logging.basicConfig(level=logging.ERROR)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # slixmpp makes futures before the loop runs
    loop.run_until_complete(serve(steering))

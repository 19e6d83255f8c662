"""Waiting in the middle of a command: for a key, a socket, or until some time has passed."""

import asyncio

from twinlease.net.sockets import readable


async def until(session, told, tag):
    """told: a socket or None, and milliseconds. True: the socket has something; False: time is up; None: a key."""
    sock, ms = told
    over = asyncio.Event()
    heard = []
    typed = []
    tasks = [asyncio.create_task(_listen(session, over, typed)), asyncio.create_task(_after(ms, over))]
    if sock:
        tasks.append(asyncio.create_task(_hear(sock, over, heard)))
    try:
        await over.wait()
    finally:
        for task in tasks:
            task.cancel()
    if typed:
        if not tag:  # a program's next line is not for this command
            session.forget_typed()
        return None
    return bool(heard)


async def _listen(session, over, typed):
    await session.listen()
    typed.append(True)
    over.set()


async def _after(ms, over):
    await asyncio.sleep(ms / 1000)
    over.set()


async def _hear(sock, over, heard):
    await readable(sock)
    heard.append(True)
    over.set()

"""A small asyncio for the WebAssembly port, whose own needs a browser's loop: tasks of the C module that boards have.

Time is `ticks_ms()`, and goes on by `advance(ms)` only.  `run` starts the main task and returns.
What this module takes of the heap is not counted: boards have asyncio in ROM (see wasm.py).
"""

import _asyncio
import sys
import time

Task = _asyncio.Task
core = sys.modules[__name__]
now = time.ticks_ms() + 600000  # ahead of the computer's, which the C module knows: what it wakes is due at once


class CancelledError(BaseException):
    pass


class TimeoutError(Exception):
    pass


_exc_context = {}
cur_task = _main = None


_task_queue = _asyncio.TaskQueue()


def ticks_ms():
    return now


def create_task(coro):
    task = Task(coro, globals())
    _task_queue.push(task)
    return task


def current_task():
    return cur_task


class sleep_ms:
    def __init__(self, ms):
        self._at = now + ms

    def __iter__(self):
        return self

    def __next__(self):
        if self._at < 0:
            raise StopIteration
        _task_queue.push(cur_task, self._at)
        self._at = -1


def sleep(s):
    return sleep_ms(int(s * 1000))


async def gather(*coros):
    tasks = [create_task(coro) for coro in coros]
    for task in tasks:
        await task


class _Waiters:
    """Tasks that wait for sockets."""

    def __init__(self):
        self._waiting = []

    def queue_read(self, sock):
        self._put(sock, 1)

    def queue_write(self, sock):
        self._put(sock, 4)

    def _put(self, sock, what):
        self._waiting.append((sock, what, cur_task))
        cur_task.data = self

    def remove(self, task):
        self._waiting = [entry for entry in self._waiting if entry[2] is not task]

    def wake(self):
        for sock, what, task in self._waiting:
            if sock.ready() & what:
                self.remove(task)
                _task_queue.push(task)


_io_queue = _Waiters()


class Event:
    def __init__(self):
        self._set = False
        self._waiting = _asyncio.TaskQueue()

    def set(self):
        self._set = True
        while self._waiting.peek():
            _task_queue.push(self._waiting.pop())

    def is_set(self):
        return self._set

    async def wait(self):
        if not self._set:
            self._waiting.push(cur_task)
            cur_task.data = self._waiting
            await _Once()


class _Once:
    """To be awaited: one turn for others."""

    _been = False

    def __iter__(self):
        return self

    def __next__(self):
        if self._been:
            raise StopIteration
        self._been = True


def run(coro):
    global _main
    _main = create_task(coro)


def advance(ms):
    """Let so much time go by, in steps of ten."""
    global now
    end = now + ms
    while now < end:
        now += 10
        _turns()


def _turns():
    _io_queue.wake()
    for _ in range(1000):
        task = _task_queue.peek()
        if not task or time.ticks_diff(task.ph_key, now) > 0:
            return
        _step(_task_queue.pop())
        _io_queue.wake()


def _step(task):
    global cur_task
    cur_task = task
    error = task.data
    try:
        if error:
            task.data = None
            task.coro.throw(error)
        else:
            task.coro.send(None)
    except BaseException as e:
        if not isinstance(e, (StopIteration, CancelledError)):
            sys.print_exception(e)
        if task.state is True:
            task.state = None
        else:
            while task.state.peek():
                _task_queue.push(task.state.pop())
            task.state = False
        task.data = e
    cur_task = None

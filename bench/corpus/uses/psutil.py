"""Asks for processes and memory."""

import os

import psutil


def use() -> object:
    me = psutil.Process()
    return [
        me.pid == os.getpid(),
        me.memory_info().rss > 0,
        psutil.virtual_memory().total > 0,
        psutil.cpu_count() > 0,
    ]

"""Packs commands and parses answers of a server of its own."""

import socket
import threading

import redis


def _serve(listener):
    connection, _ = listener.accept()
    with connection:
        while data := connection.recv(65536):
            asked = data.count(b"GET")
            others = data.count(b"CLIENT") + data.count(b"HELLO")
            connection.sendall(b"+OK\r\n" * others + b"$3\r\nabc\r\n" * asked)


def use() -> object:
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_serve, args=(listener,), daemon=True).start()
    port = listener.getsockname()[1]
    client = redis.Redis(port=port, protocol=2, decode_responses=True)
    return [client.get("x"), redis.crc.key_slot(b"abc"), redis.utils.str_if_bytes(b"x")]

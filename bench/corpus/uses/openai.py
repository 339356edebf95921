"""Asks a server of its own, and reads its answer into types."""

import http.server
import json
import threading

from openai import APIConnectionError, OpenAI
from pydantic import BaseModel


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers every chat alike."""

    def do_POST(self):
        """One answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        message = {"role": "assistant", "content": '{"a": 1}'}
        body = {"id": "x", "object": "chat.completion", "created": 1, "model": "m"}
        body["choices"] = [{"index": 0, "finish_reason": "stop", "message": message}]
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words):
        """Nothing."""


class Answer(BaseModel):
    """What is wanted."""

    a: int


def use() -> object:
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = OpenAI(api_key="k", base_url=f"http://127.0.0.1:{server.server_port}")
    asked = [{"role": "user", "content": "hi"}]
    answer = client.chat.completions.parse(model="m", messages=asked, response_format=Answer)
    server.shutdown()
    try:
        OpenAI(api_key="k", base_url="http://127.0.0.1:1", max_retries=0).models.list()
    except APIConnectionError as error:
        refused = type(error).__name__
    return [answer.choices[0].message.parsed.a, refused]

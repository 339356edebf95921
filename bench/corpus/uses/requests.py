"""Fetches from a server of its own, with redirects and a session."""

import http.server
import threading

import requests


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with the path."""

    def do_GET(self):
        """Redirect once."""
        if self.path == "/old":
            self.send_response(302)
            self.send_header("Location", "/new?a=1")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, *words):
        """Nothing."""


def use() -> object:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with requests.Session() as session:
        answer = session.get(f"http://127.0.0.1:{server.server_port}/old", timeout=5)
    server.shutdown()
    return [answer.status_code, answer.text, len(answer.history), requests.certs.where()[-10:]]

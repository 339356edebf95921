"""Asks a server of its own."""

import http.server
import threading

from elasticsearch import ConnectionError, Elasticsearch
from elasticsearch.dsl import Q, Search


class Handler(http.server.BaseHTTPRequestHandler):
    """Finds one document."""

    def do_POST(self):
        """Any search."""
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"hits": {"hits": [{"_id": "1", "_source": {"a": 1}}]}}'
        self.send_response(200)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/vnd.elasticsearch+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        """Nothing."""


def use() -> object:
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = Elasticsearch(f"http://127.0.0.1:{server.server_port}")
    found = client.search(index="i", query={"match_all": {}})["hits"]["hits"]
    server.shutdown()
    try:
        Elasticsearch("http://127.0.0.1:1", max_retries=0).info()
    except ConnectionError as error:
        refused = type(error).__name__
    return [found, refused, Search().query(Q("match", a=1)).to_dict()]

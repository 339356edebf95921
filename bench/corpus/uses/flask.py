"""Serves a small application to its own test client."""

from flask import Flask, jsonify, render_template_string, request, session

app = Flask("wide")
app.secret_key = "k"


@app.post("/add/<int:n>")
def add(n):
    """Add."""
    session["n"] = n + request.json["m"]
    return jsonify(sum=session["n"])


@app.get("/")
def home():
    """A page."""
    return render_template_string("{{ '<' }} {{ session.n }}")


def use() -> object:
    client = app.test_client()
    return [
        client.post("/add/2", json={"m": 3}).json,
        client.get("/").text,
        client.get("/x").status_code,
    ]

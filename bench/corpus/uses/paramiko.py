"""Talks SSH to a server of its own over a pair of sockets."""

import socket
import threading

import paramiko


class Server(paramiko.ServerInterface):
    """Lets everyone in and answers one command."""

    def check_auth_password(self, _username, _password):
        """Everyone."""
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, _kind, _chanid):
        """Any."""
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        """Answer with the command itself."""
        threading.Thread(target=self.answer, args=(channel, command)).start()
        return True

    def answer(self, channel, command):
        """Send it back."""
        channel.sendall(command.upper())
        channel.send_exit_status(0)


def use() -> object:
    ours, theirs = socket.socketpair()
    server = paramiko.Transport(theirs)
    server.add_server_key(paramiko.ECDSAKey.generate())
    server.start_server(threading.Event(), Server())  # does not wait for the client
    client = paramiko.Transport(ours)
    client.start_client()
    client.auth_password("a", "b")
    channel = client.open_session()
    channel.exec_command("hello")
    said = channel.recv(5).decode()
    status = channel.recv_exit_status()
    client.close()
    server.close()
    return [said, status]

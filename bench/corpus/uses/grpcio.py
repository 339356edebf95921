"""Serves and calls over a port of its own."""

from concurrent import futures

import grpc
from google.protobuf import wrappers_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status


def use() -> object:
    server = grpc.server(futures.ThreadPoolExecutor(2))
    service = health.HealthServicer()
    service.set("wide", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(service, server)
    reflection.enable_server_reflection(["grpc.health.v1.Health"], server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(service="wide"), timeout=10)
        try:
            stub.Check(health_pb2.HealthCheckRequest(service="none"), timeout=10)
        except grpc.RpcError as error:
            code = error.code().name
    server.stop(None)
    return [
        answer.status,
        code,
        wrappers_pb2.Int32Value(value=3).SerializeToString().hex(),
        rpc_status.__name__,
    ]

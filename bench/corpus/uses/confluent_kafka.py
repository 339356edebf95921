"""Makes a producer and a consumer, and fails to connect as it should."""

from confluent_kafka import Consumer, KafkaException, Producer, libversion
from confluent_kafka.admin import AdminClient, NewTopic


def use() -> object:
    failed = []
    producer = Producer(
        {"bootstrap.servers": "127.0.0.1:1", "message.timeout.ms": 300, "log_level": 0}
    )
    producer.produce("t", b"x", callback=lambda error, _: failed.append(error.name()))
    producer.flush(5)
    try:
        Consumer({"bootstrap.servers": "127.0.0.1:1"})
    except ValueError as error:
        refused = type(error).__name__
    admin = AdminClient({"bootstrap.servers": "127.0.0.1:1", "log_level": 0})
    try:
        admin.list_topics(timeout=0.3)
    except KafkaException as error:
        code = error.args[0].name()
    return [failed, refused, code, NewTopic("t", 1).topic, len(libversion())]

"""Makes a message type, writes and reads it, as JSON too."""

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    json_format,
    message_factory,
    struct_pb2,
    text_format,
    timestamp_pb2,
)


def use() -> object:
    file = descriptor_pb2.FileDescriptorProto(name="a.proto", package="p", syntax="proto3")
    message = file.message_type.add(name="M")
    message.field.add(name="n", number=1, type=5, label=1)
    message.field.add(name="s", number=2, type=9, label=3)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    kind = message_factory.GetMessageClass(pool.FindMessageTypeByName("p.M"))
    one = kind(n=5, s=["a", "b"])
    again = kind.FromString(one.SerializeToString())
    held = struct_pb2.Struct()
    held.update({"a": [1, {"b": None}]})
    stamp = timestamp_pb2.Timestamp(seconds=7)
    return [
        json_format.MessageToDict(again),
        text_format.MessageToString(again, as_one_line=True),
        json_format.MessageToJson(held),
        stamp.ToJsonString(),
    ]

"""The protobuf messages in which an Agent sends traces and distributions, made at run time: no compiler is needed.

Numbers and types are those of the public definitions (datadog-agent: pkg/proto/datadog/trace, agent-payload:
proto/metrics). Names do not travel: those of a span and its parts are the keys that tracers use in msgpack.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

_PACKAGE = "kennel"
# By message: number, name, and type. `*` marks a list, `{}` a map from texts.
_MESSAGES = {
    "AgentPayload": """1 hostName string, 2 env string, 5 tracerPayloads TracerPayload*, 7 agentVersion string,
        8 targetTPS double, 9 errorTPS double""",
    "TracerPayload": """1 containerID string, 2 languageName string, 3 languageVersion string, 4 tracerVersion string,
        5 runtimeID string, 6 chunks TraceChunk*, 7 tags string{}, 8 env string, 9 hostname string,
        10 appVersion string""",
    "TraceChunk": "1 priority int32, 2 origin string, 3 spans Span*, 4 tags string{}, 5 droppedTrace bool",
    "Span": """1 service string, 2 name string, 3 resource string, 4 trace_id uint64, 5 span_id uint64,
        6 parent_id uint64, 7 start int64, 8 duration int64, 9 error int32, 10 meta string{}, 11 metrics double{},
        12 type string, 13 meta_struct bytes{}, 14 span_links SpanLink*, 15 span_events SpanEvent*""",
    "SpanLink": """1 trace_id uint64, 2 trace_id_high uint64, 3 span_id uint64, 4 attributes string{},
        5 tracestate string, 6 flags uint32""",
    "SpanEvent": "1 time_unix_nano fixed64, 2 name string, 3 attributes Attribute{}",
    "Attribute": """1 type int32, 2 string_value string, 3 bool_value bool, 4 int_value int64, 5 double_value double,
        6 array_value AttributeArray""",
    "AttributeArray": "1 values Attribute*",
    "SketchPayload": "1 sketches Sketch*",
    "Sketch": "1 metric string, 2 host string, 4 tags string*, 7 dogsketches Dogsketch*",
    "Dogsketch": """1 ts int64, 2 cnt int64, 3 min double, 4 max double, 5 avg double, 6 sum double, 7 k sint32*,
        8 n uint32*""",
}


def _definitions() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="kennel.proto", package=_PACKAGE, syntax="proto3")
    for name, text in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for entry in text.split(","):
            number, field, kind = entry.split()
            if kind.endswith("{}"):
                of_map = message.nested_type.add(name=f"{field.title().replace('_', '')}Entry")
                of_map.options.map_entry = True
                _add(of_map, "1", "key", "string")
                _add(of_map, "2", "value", kind[:-2])
                kind = f"{name}.{of_map.name}*"
            _add(message, number, field, kind)
    return file


def _add(message: descriptor_pb2.DescriptorProto, number: str, name: str, kind: str) -> None:
    field, plain = descriptor_pb2.FieldDescriptorProto, kind.rstrip("*")
    added = message.field.add(name=name, number=int(number))
    added.label = field.LABEL_OPTIONAL if plain == kind else field.LABEL_REPEATED
    if plain[0].isupper():
        added.type, added.type_name = field.TYPE_MESSAGE, f".{_PACKAGE}.{plain}"
    else:
        added.type = field.Type.Value(f"TYPE_{plain.upper()}")


_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_definitions())
AgentPayload, TracerPayload, Span, SketchPayload = (
    message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
    for name in ("AgentPayload", "TracerPayload", "Span", "SketchPayload")
)


def fill(message: Message, document: dict[str, Any]) -> Message:
    """The message with what the document has for its fields. Nulls and unknown keys are left out, as the trace agent
    does; negative 64-bit ids stand for the same bits. Raises TypeError, ValueError or AttributeError.
    """
    for name, field in message.DESCRIPTOR.fields_by_name.items():
        value = document.get(name)
        if value is None:
            continue
        kind, target = field.message_type, getattr(message, name)
        if kind and kind.GetOptions().map_entry:
            filled = {key: item for key, item in value.items() if item is not None}
            if kind.fields_by_name["value"].message_type:
                for key, item in filled.items():
                    fill(target[key], item)
            else:
                target.update(filled)
        elif kind and hasattr(target, "add"):
            for item in value:
                fill(target.add(), item)
        elif kind:
            fill(target, value)
        else:
            setattr(message, name, value % 2**64 if field.type == FieldDescriptor.TYPE_UINT64 else value)
    return message

"""Typed messages in the shapes of AutoGen's own protocol, and back."""

from __future__ import annotations

from google.protobuf.any_pb2 import Any as AnyMessage

from .._proto import agent_pb2 as pb
from .._proto import autogen_pb2 as theirs
from .._shape import parse

__all__ = ["error_text", "event_of", "payload_of", "post_of_event", "value_of"]

JSON, PROTOBUF = "application/json", "application/x-protobuf"
KIND, SCHEMA, MESSAGE_KIND = "datacontenttype", "dataschema", "agmsgkind"
SENDER_TYPE, SENDER_KEY = "agagentsendertype", "agagentsenderkey"
URL = "type.googleapis.com/"
NOBODY = ("unknown", "unknown")
"""The sender that AutoGen's workers write where there is none."""


def value_of(payload: theirs.Payload) -> pb.Value:
    """Return what one of AutoGen's workers has sent; protobuf comes in an `Any`, and goes on without.

    Raises:
        ProtocolError: it is no `Any`.
    """
    data = payload.data
    if payload.data_content_type == PROTOBUF:
        data = parse(AnyMessage, data, "a protobuf payload").value
    return pb.Value(type=payload.data_type, content_type=payload.data_content_type, data=data)


def payload_of(value: pb.Value) -> theirs.Payload:
    """Return a value as AutoGen's workers read it."""
    data = value.data
    if value.content_type == PROTOBUF:
        data = AnyMessage(type_url=URL + value.type, value=data).SerializeToString()
    return theirs.Payload(data_type=value.type, data_content_type=value.content_type, data=data)


def post_of_event(event: theirs.CloudEvent) -> pb.Post:
    """Return what is published; it has no number yet."""
    said = {name: attribute.ce_string for name, attribute in event.attributes.items()}
    where = event.WhichOneof("data")
    data = event.text_data.encode() if where == "text_data" else event.binary_data
    if where == "proto_data":
        data = event.proto_data.value
    kind = said.get(KIND) or (PROTOBUF if where == "proto_data" else JSON)
    post = pb.Post(body=pb.Value(type=said.get(SCHEMA, ""), content_type=kind, data=data))
    post.topic.type, post.topic.source, post.message_id = event.type, event.source, event.id
    sender = (said.get(SENDER_TYPE, ""), said.get(SENDER_KEY, ""))
    if sender[0] and sender != NOBODY:
        post.sender.type, post.sender.key = sender
    if "traceparent" in said:
        post.metadata["traceparent"] = said["traceparent"]
    return post


def event_of(post: pb.Post) -> theirs.CloudEvent:
    """Return a topic's message as AutoGen's workers read it, which find its recipients themselves."""
    event = theirs.CloudEvent(
        id=post.message_id, spec_version="1.0", type=post.topic.type, source=post.topic.source
    )
    said = {KIND: post.body.content_type, SCHEMA: post.body.type, MESSAGE_KIND: "publish"}
    if post.HasField("sender"):
        said |= {SENDER_TYPE: post.sender.type, SENDER_KEY: post.sender.key}
    said |= dict(post.metadata)
    for name, text in said.items():
        event.attributes[name].ce_string = text
    if post.body.content_type == PROTOBUF:
        event.proto_data.type_url, event.proto_data.value = URL + post.body.type, post.body.data
    else:
        event.binary_data = post.body.data
    return event


def error_text(error: pb.Error) -> str:
    """Return what an error says; never nothing, which would be a success over there."""
    if not error.message:
        return error.type or "an error without a word"
    text = error.message if error.type == "Exception" else f"{error.type}: {error.message}"
    return f"{text} ({error.hint})" if error.hint else text

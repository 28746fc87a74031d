"""Typed messages and who gets them: ids, topics, subscriptions, serializers. Knows no agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy

if TYPE_CHECKING:
    from ._agent_id import AgentId, AgentMetadata, AgentType
    from ._book import SubscriptionBook
    from ._cancellation import CancellationToken
    from ._default_subscription import DefaultSubscription
    from ._handling import MessageHandlerContext, SubscriptionInstantiationContext, handling
    from ._json import DataclassJsonMessageSerializer, MsgSerializer, PlainSerializer
    from ._message_context import MessageContext
    from ._modelled import NestedDataclassSerializer, PydanticJsonMessageSerializer
    from ._protobuf import ProtobufMessageSerializer
    from ._registry import SerializationRegistry, UnknownPayload, try_get_known_serializers_for_type
    from ._serializer import (
        JSON_DATA_CONTENT_TYPE,
        PROTOBUF_DATA_CONTENT_TYPE,
        MessageSerializer,
        type_name_of,
    )
    from ._subscription import Subscription, TypePrefixSubscription, TypeSubscription
    from ._texts import LONGEST_KEY, check_key
    from ._topic_id import DefaultTopicId, TopicId
    from ._traffic import Traffic

__all__ = [
    "JSON_DATA_CONTENT_TYPE",
    "LONGEST_KEY",
    "PROTOBUF_DATA_CONTENT_TYPE",
    "AgentId",
    "AgentMetadata",
    "AgentType",
    "CancellationToken",
    "DataclassJsonMessageSerializer",
    "DefaultSubscription",
    "DefaultTopicId",
    "MessageContext",
    "MessageHandlerContext",
    "MessageSerializer",
    "MsgSerializer",
    "NestedDataclassSerializer",
    "PlainSerializer",
    "ProtobufMessageSerializer",
    "PydanticJsonMessageSerializer",
    "SerializationRegistry",
    "Subscription",
    "SubscriptionBook",
    "SubscriptionInstantiationContext",
    "TopicId",
    "Traffic",
    "TypePrefixSubscription",
    "TypeSubscription",
    "UnknownPayload",
    "check_key",
    "handling",
    "try_get_known_serializers_for_type",
    "type_name_of",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "_agent_id": "AgentId AgentMetadata AgentType",
        "_book": "SubscriptionBook",
        "_cancellation": "CancellationToken",
        "_default_subscription": "DefaultSubscription",
        "_handling": "MessageHandlerContext SubscriptionInstantiationContext handling",
        "_json": "DataclassJsonMessageSerializer MsgSerializer PlainSerializer",
        "_message_context": "MessageContext",
        "_modelled": "NestedDataclassSerializer PydanticJsonMessageSerializer",
        "_protobuf": "ProtobufMessageSerializer",
        "_registry": "SerializationRegistry UnknownPayload try_get_known_serializers_for_type",
        "_serializer": "JSON_DATA_CONTENT_TYPE PROTOBUF_DATA_CONTENT_TYPE MessageSerializer type_name_of",
        "_subscription": "Subscription TypePrefixSubscription TypeSubscription",
        "_texts": "LONGEST_KEY check_key",
        "_topic_id": "DefaultTopicId TopicId",
        "_traffic": "Traffic",
    },
)

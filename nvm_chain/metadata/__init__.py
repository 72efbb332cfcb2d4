"""Metadata of plans and agents. No network."""

from nvm_chain.metadata.data_uris import MAX_JSON, URI_PREFIX, build_data_uri, is_data_uri, parse_data_uri
from nvm_chain.metadata.documents import (
    AgentMetadata,
    AnyMetadata,
    Metadata,
    PlanMetadata,
    build_metadata_uri,
    describe_metadata,
    format_metadata,
    hash_metadata,
    parse_metadata,
    parse_metadata_uri,
    parse_plan_metadata,
    read_endpoint,
    read_metadata,
)

__all__ = [
    "MAX_JSON",
    "URI_PREFIX",
    "AgentMetadata",
    "AnyMetadata",
    "Metadata",
    "PlanMetadata",
    "build_data_uri",
    "build_metadata_uri",
    "describe_metadata",
    "format_metadata",
    "hash_metadata",
    "is_data_uri",
    "parse_data_uri",
    "parse_metadata",
    "parse_metadata_uri",
    "parse_plan_metadata",
    "read_endpoint",
    "read_metadata",
]

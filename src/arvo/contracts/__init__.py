"""Contracts as values: payload classes, contract versions, and the typed events they make and read (SEMANTICS 2).

Handlers and workflows that fulfil a contract live in the rooms above; nothing here runs anything.
"""

from arvo.contracts.compatibility import Finding, compare_contracts, compare_versions
from arvo.contracts.contract import Contract, SimpleContract
from arvo.contracts.orchestrator import OrchestratorContract, OrchestratorVersion
from arvo.contracts.payload import OneOf, Payload, ServiceError, WithParentSubject, one_of
from arvo.contracts.reading import read_payload
from arvo.contracts.schema_import import payload_from_schema
from arvo.contracts.services import Services, services
from arvo.contracts.version import ContractVersion, Service

__all__ = [
    "Contract",
    "ContractVersion",
    "Finding",
    "OneOf",
    "OrchestratorContract",
    "OrchestratorVersion",
    "Payload",
    "Service",
    "ServiceError",
    "Services",
    "SimpleContract",
    "WithParentSubject",
    "compare_contracts",
    "compare_versions",
    "one_of",
    "payload_from_schema",
    "read_payload",
    "services",
]

"""starknet-py, as far as this package uses it; imported here and nowhere else in the package.

Its import takes more than a second of processor time. Modules that only read the ledger do not
import this one.
"""

import sys
from typing import Any

from .rpc import Caller, RpcError

_limit = sys.getrecursionlimit()
from marshmallow import ValidationError  # noqa: E402
from starknet_py.contract import Contract  # noqa: E402
from starknet_py.hash.address import compute_address  # noqa: E402
from starknet_py.hash.transaction import (  # noqa: E402
    TransactionHashPrefix,
    compute_declare_v3_transaction_hash,
)
from starknet_py.net.account.account import Account  # noqa: E402
from starknet_py.net.client_errors import ClientError  # noqa: E402
from starknet_py.net.client_models import (  # noqa: E402
    Call,
    EstimatedFee,
    ResourceBoundsMapping,
    TransactionExecutionStatus,
    TransactionFinalityStatus,
    TransactionReceiptWithBlockInfo,
)
from starknet_py.net.full_node_client import FullNodeClient  # noqa: E402
from starknet_py.net.http_client import RpcHttpClient, ServerError  # noqa: E402
from starknet_py.net.models.transaction import (  # noqa: E402
    AccountTransaction,
    DeclareV3,
    DeployAccountV3,
    InvokeV3,
)
from starknet_py.net.signer.base_signer import BaseSigner  # noqa: E402
from starknet_py.net.signer.key_pair import KeyPair  # noqa: E402
from starknet_py.net.udc_deployer.deployer import Deployer  # noqa: E402
from starknet_py.utils.typed_data import TypedData  # noqa: E402

# py_ecc, below it, raises this a hundredfold: deep recursion would then end the process instead of
# raising RecursionError.
sys.setrecursionlimit(_limit)

__all__ = [
    "Account",
    "AccountTransaction",
    "BaseSigner",
    "Call",
    "ClientError",
    "Contract",
    "DeclareV3",
    "DeployAccountV3",
    "Deployer",
    "EstimatedFee",
    "FullNodeClient",
    "InvokeV3",
    "KeyPair",
    "ResourceBoundsMapping",
    "RpcHttpClient",
    "ServerError",
    "TransactionExecutionStatus",
    "TransactionFinalityStatus",
    "TransactionHashPrefix",
    "TransactionReceiptWithBlockInfo",
    "TypedData",
    "ValidationError",
    "client_over",
    "compute_address",
    "compute_declare_v3_transaction_hash",
]


class _Transport(RpcHttpClient):
    """The place in starknet-py's client where it would make a request of its own."""

    def __init__(self, url: str, node: Caller) -> None:
        super().__init__(url)
        self._node = node

    async def call(self, method_name: str, params: dict[str, Any] | None = None) -> Any:
        try:
            return await self._node.call(method_name, params)
        except RpcError as error:
            raise ClientError(code=error.as_given, message=error.text, data=error.data) from error


def client_over(url: str, node: Caller) -> FullNodeClient:
    """Returns starknet-py's client, whose every request goes through ``node``."""
    client = FullNodeClient(node_url=url)
    client._client = _Transport(url, node)
    return client

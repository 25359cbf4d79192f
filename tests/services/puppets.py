"""The adapter over a rewound chain, where puppets act for the cast."""

from __future__ import annotations

from starknet_py.net.client_models import Call, TransactionReceiptWithBlockInfo
from tileproof.adapters.starknet.caps import AtRisk, nothing_at_risk
from tileproof.adapters.starknet.ledger import DEFAULT_CAPS, StarknetLedger
from tileproof.adapters.starknet.node import Node
from tileproof.domain.errors import LedgerRejected
from tileproof.domain.job import Address

from .rewind import Rewound


class PuppetLedger(StarknetLedger):
    """The ledger for one of the rig's cast. It reads, writes calldata and understands receipts as the
    adapter does; but a puppet sends, unsigned and without an estimate, so that a refused call is in a
    block too."""

    def __init__(self, node: Node, rig: Rewound, who: str) -> None:
        super().__init__(node, rig.chain_id, rig.contract, None, None, DEFAULT_CAPS)
        self._rig, self._who = rig, who

    def account(self) -> Address:
        return self._rig.addresses[self._who]

    def _send(
        self, what: str, *calls: Call, at_risk: AtRisk = nothing_at_risk
    ) -> TransactionReceiptWithBlockInfo:
        raw = [(Address(call.to_addr), call.selector, call.calldata) for call in calls]
        done = self._rig.send_raw(self._who, raw)
        if done.reason:
            raise LedgerRejected(done.reason, call=what)
        return self._node.run(self._node.client.get_transaction_receipt(done.tx_hash))

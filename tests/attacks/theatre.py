"""The two chains that the attacks are played on: the contract's model, and the contract itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import closing, contextmanager

from tileproof.adapters.starknet.accounts import predeployed
from tileproof.adapters.starknet.node import open_node
from tileproof.domain.errors import LedgerRejected
from tileproof.localnet.devnet import Devnet
from tileproof.ports.ledger import Head, Ledger

from model.books import Token
from model.contract import Contract
from tests.conformance.ledger_world import CAST, Chain, ModelChain
from tests.fakes.ledger import BOUNDS
from tests.services.puppets import PuppetLedger
from tests.services.rewind import Call, Rewound


class Theatre(Chain):
    """A chain that does for attackers what an honest one does for nobody."""

    @abstractmethod
    def make_token(self, manner: Token) -> None:
        """From now on the token behaves like this."""

    @abstractmethod
    def in_one_block(self, *calls: tuple[str, Call]) -> None:
        """Each by who is named, in this order and one block. Raises LedgerRejected with the first
        refusal; then none of them was."""


class ModelTheatre(ModelChain, Theatre):
    def make_token(self, manner: Token) -> None:
        self.chain.make_token(manner)

    def in_one_block(self, *calls: tuple[str, Call]) -> None:
        def act(director: Contract) -> None:
            head = Head(director.block, director.now, 0)
            for who, (name, args) in calls:
                caller = self.acting_as(who).account()
                getattr(Contract(self.chain, director.books, caller, head, director.tx_hash), name)(*args)

        self.chain.send(self.acting_as("passer_by").account(), act)


class ContractTheatre(Theatre):
    """One deployment for all attacks, wound back before each."""

    def __init__(self, rig: Rewound, rpc_url: str) -> None:
        self.bounds, self._rig, self._rpc_url = rig.bounds, rig, rpc_url
        self._meet()

    def curtain(self) -> None:
        """Every attack begins with what is there now."""
        self._rig.mark()

    def rewind(self) -> None:
        """To the curtain. The node is met anew, or it would be doubted: its chain has grown shorter."""
        self._rig.rewind()
        self.close()
        self._meet()

    def close(self) -> None:
        self._node.close()

    def _meet(self) -> None:
        self._node, _ = open_node(self._rpc_url)
        self._ledgers = {who: PuppetLedger(self._node, self._rig, who) for who in CAST}

    def acting_as(self, who: str) -> Ledger:
        return self._ledgers[who]

    def pass_blocks(self, count: int) -> None:
        self._rig.pass_blocks(count)

    def pass_seconds(self, seconds: int) -> None:
        self._rig.pass_seconds(seconds)

    def abort_from(self, block: int) -> None:
        raise NotImplementedError("no attack of the book reorganises the chain")

    def make_token(self, manner: Token) -> None:
        self._rig.misbehave(manner, ("take_seat", ()))

    def in_one_block(self, *calls: tuple[str, Call]) -> None:
        done = self._rig.send_together(calls)
        if done.reason:
            raise LedgerRejected(done.reason)


@contextmanager
def contract_theatre(devnet: Devnet) -> Iterator[ContractTheatre]:
    """The contract on this chain, with a funded cast."""
    rig = Rewound(devnet, predeployed(devnet.rpc_url)[-1], CAST, BOUNDS)
    with closing(rig), closing(ContractTheatre(rig, devnet.rpc_url)) as theatre:
        yield theatre

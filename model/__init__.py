"""The contract in plain Python: the specification that runs.

Short, pure, and without a chain. A state machine in ``tests/integration`` holds it and the Cairo
contract to the same answers, step by step; the fake ledger of the unit tests and the simulated
economy stand on it. Read it in this order:

``books``       what is stored
``status``      where a task stands at a block: computed, never stored
``draw``        who may sit, and who is drawn
``settlement``  who pays whom, in numbers
``checks``      what terms, bounds and appeals are refused
``call``        one call at one moment, and what every phase needs
``money``       wallets, balances, and tokens that misbehave
``seats``, ``claims``, ``jobs``, ``rounds``, ``appeals``, ``settling``
                the calls, phase by phase
``contract``    all of them together, and the views

What the contract keeps as a sum, or in packed cells, is computed here from single records, so that
both cannot make the same mistake.
"""

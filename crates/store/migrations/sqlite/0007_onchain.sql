-- The on-chain rail: its wallet, the addresses that were given out, and the coins that came to them.
-- Transaction ids are in the byte order of the hash.

INSERT INTO ledger_account (number, bounded) VALUES (10, 0), (11, 0), (12, 0);

-- One row: what the wallet is made of, without its keys, and where it last saw the chain.
CREATE TABLE onchain_wallet (
    id          INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    deposits    TEXT NOT NULL,
    change      TEXT NOT NULL,
    next_index  INTEGER NOT NULL DEFAULT 0 CHECK (next_index >= 0), -- of the next address that is given out
    tip_height  INTEGER,
    tip_hash    BLOB,
    tip_time    INTEGER, -- when its miner says that it was made
    seen_at     INTEGER, -- when the chain was last seen
    created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE onchain_address (
    id            BLOB NOT NULL PRIMARY KEY,
    account_id    BLOB REFERENCES account (id), -- NULL: the operator's own
    address_index INTEGER NOT NULL UNIQUE CHECK (address_index >= 0),
    address       TEXT NOT NULL UNIQUE,
    metadata      TEXT,
    created_at    INTEGER NOT NULL
) STRICT;

-- One output of one transaction is one deposit.
CREATE TABLE onchain_deposit (
    id                BLOB NOT NULL PRIMARY KEY,
    account_id        BLOB NOT NULL REFERENCES account (id),
    address_id        BLOB NOT NULL REFERENCES onchain_address (id),
    txid              BLOB NOT NULL,
    vout              INTEGER NOT NULL CHECK (vout >= 0),
    amount_msat       INTEGER NOT NULL CHECK (amount_msat > 0),
    platform_fee_msat INTEGER NOT NULL CHECK (platform_fee_msat >= 0 AND platform_fee_msat <= amount_msat),
    state             TEXT NOT NULL CHECK (state IN ('pending', 'settled', 'disputed', 'failed')),
    credits           INTEGER NOT NULL DEFAULT 0 CHECK (credits >= 0), -- how often it was credited
    inputs            BLOB NOT NULL, -- what its transaction spends, as consensus writes a list of outpoints
    block_height      INTEGER, -- of its block, when it was last written
    posting_id        BLOB REFERENCES posting (id),
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    CHECK (state NOT IN ('settled', 'disputed') OR (posting_id IS NOT NULL AND credits > 0))
) STRICT;
CREATE UNIQUE INDEX onchain_deposit_output ON onchain_deposit (txid, vout);
CREATE INDEX onchain_deposit_of_account ON onchain_deposit (account_id, id);
CREATE INDEX onchain_deposit_open ON onchain_deposit (id) WHERE state IN ('pending', 'disputed');
CREATE INDEX onchain_deposit_disputed ON onchain_deposit (account_id) WHERE state = 'disputed';
CREATE INDEX onchain_deposit_height ON onchain_deposit (block_height) WHERE state = 'settled';

-- Coins that are no customer's: the operator's, and those that came to an address that was given to nobody.
CREATE TABLE onchain_coin (
    txid        BLOB NOT NULL,
    vout        INTEGER NOT NULL CHECK (vout >= 0),
    kind        TEXT NOT NULL CHECK (kind IN ('capital', 'suspended')),
    amount_msat INTEGER NOT NULL CHECK (amount_msat > 0),
    posting_id  BLOB NOT NULL UNIQUE REFERENCES posting (id),
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (txid, vout)
) STRICT, WITHOUT ROWID;

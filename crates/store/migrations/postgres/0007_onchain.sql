-- The on-chain rail: its wallet, the addresses that were given out, and the coins that came to them.
-- Transaction ids are in the byte order of the hash.

INSERT INTO ledger_account (number, bounded) VALUES (10, 0), (11, 0), (12, 0);

-- One row: what the wallet is made of, without its keys, and where it last saw the chain.
CREATE TABLE onchain_wallet (
    id          BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    deposits    TEXT NOT NULL,
    change      TEXT NOT NULL,
    next_index  BIGINT NOT NULL DEFAULT 0 CHECK (next_index >= 0), -- of the next address that is given out
    tip_height  BIGINT,
    tip_hash    BYTEA,
    tip_time    BIGINT, -- when its miner says that it was made
    seen_at     BIGINT, -- when the chain was last seen
    created_at  BIGINT NOT NULL
);

CREATE TABLE onchain_address (
    id            BYTEA NOT NULL PRIMARY KEY,
    account_id    BYTEA REFERENCES account (id), -- NULL: the operator's own
    address_index BIGINT NOT NULL UNIQUE CHECK (address_index >= 0),
    address       TEXT NOT NULL UNIQUE,
    metadata      TEXT,
    created_at    BIGINT NOT NULL
);

-- One output of one transaction is one deposit.
CREATE TABLE onchain_deposit (
    id                BYTEA NOT NULL PRIMARY KEY,
    account_id        BYTEA NOT NULL REFERENCES account (id),
    address_id        BYTEA NOT NULL REFERENCES onchain_address (id),
    txid              BYTEA NOT NULL,
    vout              BIGINT NOT NULL CHECK (vout >= 0),
    amount_msat       BIGINT NOT NULL CHECK (amount_msat > 0),
    platform_fee_msat BIGINT NOT NULL CHECK (platform_fee_msat >= 0 AND platform_fee_msat <= amount_msat),
    state             TEXT NOT NULL CHECK (state IN ('pending', 'settled', 'disputed', 'failed')),
    credits           BIGINT NOT NULL DEFAULT 0 CHECK (credits >= 0), -- how often it was credited
    inputs            BYTEA NOT NULL, -- what its transaction spends, as consensus writes a list of outpoints
    block_height      BIGINT, -- of its block, when it was last written
    posting_id        BYTEA REFERENCES posting (id),
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    CHECK (state NOT IN ('settled', 'disputed') OR (posting_id IS NOT NULL AND credits > 0))
);
CREATE UNIQUE INDEX onchain_deposit_output ON onchain_deposit (txid, vout);
CREATE INDEX onchain_deposit_of_account ON onchain_deposit (account_id, id);
CREATE INDEX onchain_deposit_open ON onchain_deposit (id) WHERE state IN ('pending', 'disputed');
CREATE INDEX onchain_deposit_disputed ON onchain_deposit (account_id) WHERE state = 'disputed';
CREATE INDEX onchain_deposit_height ON onchain_deposit (block_height) WHERE state = 'settled';

-- Coins that are no customer's: the operator's, and those that came to an address that was given to nobody.
CREATE TABLE onchain_coin (
    txid        BYTEA NOT NULL,
    vout        BIGINT NOT NULL CHECK (vout >= 0),
    kind        TEXT NOT NULL CHECK (kind IN ('capital', 'suspended')),
    amount_msat BIGINT NOT NULL CHECK (amount_msat > 0),
    posting_id  BYTEA NOT NULL UNIQUE REFERENCES posting (id),
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (txid, vout)
);

CREATE TABLE signed_records ( -- approval.Entry: who is an operator, and what operators signed
    seq        INTEGER PRIMARY KEY CHECK (seq > 0),
    statement  TEXT    NOT NULL, -- the bytes that are signed, see approval.Statement.Bytes
    signature  TEXT    NOT NULL, -- hexadecimal
    counts_for TEXT    NOT NULL, -- run ID, or empty
    at         BIGINT  NOT NULL,
    prev_hash  TEXT    NOT NULL,
    hash       TEXT    NOT NULL
);
CREATE TRIGGER signed_records_no_update BEFORE UPDATE ON signed_records BEGIN SELECT RAISE(ABORT, 'signed_records is append-only'); END;
CREATE TRIGGER signed_records_no_delete BEFORE DELETE ON signed_records BEGIN SELECT RAISE(ABORT, 'signed_records is append-only'); END;

CREATE TABLE feature_applied_migrations ( -- what made this schema, by which a program knows one that is not its own
    version INTEGER PRIMARY KEY,
    sha256  TEXT    NOT NULL
);

CREATE TABLE feature_definitions ( -- feature.Registered
    nth        BIGINT  PRIMARY KEY CHECK (nth > 0),
    kind       TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    version    INTEGER NOT NULL CHECK (version > 0),
    meaning    TEXT    NOT NULL, -- digest, the same in every row of a version
    document   TEXT    NOT NULL, -- the definition as JSON
    stage      TEXT    NOT NULL,
    actor      TEXT    NOT NULL, -- for people; rights are decided by the repository
    repository TEXT    NOT NULL, -- whose commit registered it; empty of a person
    at         BIGINT  NOT NULL, -- microseconds since 1970, UTC; so are all instants
    what       TEXT    NOT NULL
);
CREATE INDEX feature_definitions_by_name ON feature_definitions (kind, name, version, nth);
CREATE TRIGGER feature_definitions_no_update BEFORE UPDATE ON feature_definitions BEGIN SELECT RAISE(ABORT, 'feature_definitions is append-only'); END;
CREATE TRIGGER feature_definitions_no_delete BEFORE DELETE ON feature_definitions BEGIN SELECT RAISE(ABORT, 'feature_definitions is append-only'); END;

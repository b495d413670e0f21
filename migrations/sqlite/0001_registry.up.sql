CREATE TABLE identity ( -- of this database, by which a bucket knows whose objects it holds
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id  TEXT    NOT NULL
);

CREATE TABLE applied_migrations ( -- what made this schema, by which a program knows one that is not its own
    version INTEGER PRIMARY KEY,
    sha256  TEXT    NOT NULL
);

CREATE TABLE policies ( -- content-addressed documents, see decision.Policy
    pipeline TEXT NOT NULL,
    digest   TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (pipeline, digest)
);

CREATE TABLE pipelines (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT   NOT NULL,
    digest     TEXT   NOT NULL,
    yaml       BLOB  NOT NULL,
    policy     TEXT   NOT NULL, -- that the spec declares
    created_at BIGINT NOT NULL -- microseconds since 1970, UTC; so are all times
);
CREATE INDEX pipelines_by_name ON pipelines (name, seq);

CREATE TABLE schema_versions (
    pipeline TEXT    NOT NULL,
    version  INTEGER NOT NULL CHECK (version > 0),
    digest   TEXT    NOT NULL, -- of what it says and what it changes
    document TEXT    NOT NULL, -- registry.SchemaVersion as JSON
    PRIMARY KEY (pipeline, version),
    UNIQUE (pipeline, digest)
);

CREATE TABLE schema_acceptances ( -- the last one of a pipeline says which version is current
    pipeline TEXT    NOT NULL,
    nth      INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    actor    TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    at       BIGINT  NOT NULL,
    PRIMARY KEY (pipeline, nth),
    FOREIGN KEY (pipeline, version) REFERENCES schema_versions (pipeline, version)
);

CREATE TABLE model_versions (
    name       TEXT    NOT NULL,
    version    INTEGER NOT NULL CHECK (version > 0),
    digest     TEXT    NOT NULL,
    meaning    TEXT    NOT NULL, -- of its label, registry.ModelVersion.Meaning
    document   TEXT    NOT NULL, -- registry.ModelVersion as JSON
    created_at BIGINT  NOT NULL,
    PRIMARY KEY (name, version),
    UNIQUE (name, digest, meaning)
);

CREATE TABLE serving_records ( -- serving.Record; a track that is not there is two NULLs
    pipeline           TEXT    NOT NULL,
    environment        TEXT    NOT NULL,
    generation         INTEGER NOT NULL CHECK (generation > 0),
    champion_version   INTEGER,
    champion_policy    TEXT,
    challenger_version INTEGER,
    challenger_policy  TEXT,
    weight             INTEGER NOT NULL,
    previous_version   INTEGER,
    previous_policy    TEXT,
    drill              TEXT    NOT NULL,
    change             TEXT    NOT NULL,
    writer             TEXT    NOT NULL,
    actor              TEXT    NOT NULL,
    reason             TEXT    NOT NULL,
    at                 BIGINT  NOT NULL,
    operation          TEXT    NOT NULL,
    prev_hash          TEXT    NOT NULL,
    hash               TEXT    NOT NULL,
    PRIMARY KEY (pipeline, environment, generation),
    UNIQUE (pipeline, environment, operation),
    CHECK ((champion_version IS NULL) = (champion_policy IS NULL)),
    CHECK ((challenger_version IS NULL) = (challenger_policy IS NULL)),
    CHECK ((previous_version IS NULL) = (previous_policy IS NULL))
);

CREATE TABLE runs (
    id          TEXT   PRIMARY KEY,
    workflow_id TEXT   NOT NULL,
    pipeline    TEXT   NOT NULL,
    started_at  BIGINT NOT NULL,
    ended       INTEGER NOT NULL, -- 1 when the run has an end
    document    TEXT   NOT NULL  -- registry.Run as JSON
);
CREATE INDEX runs_by_workflow ON runs (workflow_id, started_at);
CREATE INDEX runs_by_pipeline ON runs (pipeline, started_at);

CREATE TABLE canary_checks (
    run_id   TEXT    NOT NULL,
    seq      INTEGER NOT NULL,
    document TEXT    NOT NULL, -- registry.CanaryCheck as JSON
    PRIMARY KEY (run_id, seq)
);

CREATE TABLE looks ( -- of monitors
    run_id   TEXT   PRIMARY KEY,
    pipeline TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    document TEXT   NOT NULL -- registry.Look as JSON
);
CREATE INDEX looks_by_pipeline ON looks (pipeline, at);

CREATE TABLE cached_steps (
    key        TEXT   PRIMARY KEY,
    step       TEXT   NOT NULL,
    result     TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TRIGGER policies_no_update BEFORE UPDATE ON policies BEGIN SELECT RAISE(ABORT, 'policies is append-only'); END;
CREATE TRIGGER policies_no_delete BEFORE DELETE ON policies BEGIN SELECT RAISE(ABORT, 'policies is append-only'); END;
CREATE TRIGGER schema_versions_no_update BEFORE UPDATE ON schema_versions BEGIN SELECT RAISE(ABORT, 'schema_versions is append-only'); END;
CREATE TRIGGER schema_versions_no_delete BEFORE DELETE ON schema_versions BEGIN SELECT RAISE(ABORT, 'schema_versions is append-only'); END;
CREATE TRIGGER schema_acceptances_no_update BEFORE UPDATE ON schema_acceptances BEGIN SELECT RAISE(ABORT, 'schema_acceptances is append-only'); END;
CREATE TRIGGER schema_acceptances_no_delete BEFORE DELETE ON schema_acceptances BEGIN SELECT RAISE(ABORT, 'schema_acceptances is append-only'); END;
CREATE TRIGGER model_versions_no_update BEFORE UPDATE ON model_versions BEGIN SELECT RAISE(ABORT, 'model_versions is append-only'); END;
CREATE TRIGGER model_versions_no_delete BEFORE DELETE ON model_versions BEGIN SELECT RAISE(ABORT, 'model_versions is append-only'); END;
CREATE TRIGGER serving_records_no_update BEFORE UPDATE ON serving_records BEGIN SELECT RAISE(ABORT, 'serving_records is append-only'); END;
CREATE TRIGGER serving_records_no_delete BEFORE DELETE ON serving_records BEGIN SELECT RAISE(ABORT, 'serving_records is append-only'); END;
CREATE TRIGGER canary_checks_no_update BEFORE UPDATE ON canary_checks BEGIN SELECT RAISE(ABORT, 'canary_checks is append-only'); END;
CREATE TRIGGER looks_no_update BEFORE UPDATE ON looks BEGIN SELECT RAISE(ABORT, 'looks is append-only'); END;
CREATE TRIGGER looks_no_delete BEFORE DELETE ON looks BEGIN SELECT RAISE(ABORT, 'looks is append-only'); END;
CREATE TRIGGER canary_checks_no_delete BEFORE DELETE ON canary_checks BEGIN SELECT RAISE(ABORT, 'canary_checks is append-only'); END;

CREATE TABLE run_artifacts (
    run_id TEXT NOT NULL,
    role   TEXT NOT NULL,
    ref    TEXT NOT NULL, -- artifact.Ref as JSON
    PRIMARY KEY (run_id, role)
);

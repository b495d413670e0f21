CREATE TABLE pipelines (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT   NOT NULL,
    digest     TEXT   NOT NULL,
    yaml       BLOB  NOT NULL,
    created_at BIGINT NOT NULL -- microseconds since 1970, UTC; so are all times
);
CREATE INDEX pipelines_by_name ON pipelines (name, seq);

CREATE TABLE model_versions (
    name       TEXT    NOT NULL,
    version    INTEGER NOT NULL CHECK (version > 0),
    digest     TEXT    NOT NULL,
    document   TEXT    NOT NULL, -- registry.ModelVersion as JSON
    created_at BIGINT  NOT NULL,
    PRIMARY KEY (name, version),
    UNIQUE (name, digest)
);

CREATE TABLE alias_moves (
    name         TEXT    NOT NULL,
    seq          INTEGER NOT NULL CHECK (seq > 0),
    alias        TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    from_version INTEGER NOT NULL,
    actor        TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    at           BIGINT  NOT NULL,
    operation    TEXT    NOT NULL,
    prev_hash    TEXT    NOT NULL,
    hash         TEXT    NOT NULL,
    PRIMARY KEY (name, seq),
    UNIQUE (name, operation, alias)
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

CREATE TABLE cached_steps (
    key    TEXT PRIMARY KEY,
    step   TEXT NOT NULL,
    result TEXT NOT NULL
);

CREATE TRIGGER model_versions_no_update BEFORE UPDATE ON model_versions BEGIN SELECT RAISE(ABORT, 'model_versions is append-only'); END;
CREATE TRIGGER model_versions_no_delete BEFORE DELETE ON model_versions BEGIN SELECT RAISE(ABORT, 'model_versions is append-only'); END;
CREATE TRIGGER alias_moves_no_update BEFORE UPDATE ON alias_moves BEGIN SELECT RAISE(ABORT, 'alias_moves is append-only'); END;
CREATE TRIGGER alias_moves_no_delete BEFORE DELETE ON alias_moves BEGIN SELECT RAISE(ABORT, 'alias_moves is append-only'); END;
CREATE TRIGGER canary_checks_no_update BEFORE UPDATE ON canary_checks BEGIN SELECT RAISE(ABORT, 'canary_checks is append-only'); END;
CREATE TRIGGER canary_checks_no_delete BEFORE DELETE ON canary_checks BEGIN SELECT RAISE(ABORT, 'canary_checks is append-only'); END;

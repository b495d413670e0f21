CREATE TABLE model_versions_without_predictors (
    name       TEXT    NOT NULL,
    version    INTEGER NOT NULL CHECK (version > 0),
    digest     TEXT    NOT NULL,
    meaning    TEXT    NOT NULL, -- of its label, registry.ModelVersion.Meaning
    document   TEXT    NOT NULL, -- registry.ModelVersion as JSON
    created_at BIGINT  NOT NULL,
    PRIMARY KEY (name, version),
    UNIQUE (name, digest, meaning)
);
INSERT INTO model_versions_without_predictors SELECT name, version, digest, meaning, document, created_at FROM model_versions;
DROP TABLE model_versions;
ALTER TABLE model_versions_without_predictors RENAME TO model_versions;
CREATE TRIGGER model_versions_no_update BEFORE UPDATE ON model_versions BEGIN SELECT RAISE(ABORT, 'model_versions is append-only'); END;
CREATE TRIGGER model_versions_no_delete BEFORE DELETE ON model_versions BEGIN SELECT RAISE(ABORT, 'model_versions is append-only'); END;

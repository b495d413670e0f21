CREATE TABLE model_versions_of_predictors ( -- a unique constraint can only be changed by another table
    name       TEXT    NOT NULL,
    version    INTEGER NOT NULL CHECK (version > 0),
    digest     TEXT    NOT NULL,
    meaning    TEXT    NOT NULL, -- of its label, registry.ModelVersion.Meaning
    predictor  TEXT    NOT NULL DEFAULT '', -- a worker of before names none; the image in which it serves, registry.ModelVersion.Predictor
    document   TEXT    NOT NULL, -- registry.ModelVersion as JSON
    created_at BIGINT  NOT NULL,
    PRIMARY KEY (name, version),
    UNIQUE (name, digest, meaning, predictor)
);
INSERT INTO model_versions_of_predictors SELECT name, version, digest, meaning, '', document, created_at FROM model_versions;
DROP TABLE model_versions;
ALTER TABLE model_versions_of_predictors RENAME TO model_versions;
CREATE TRIGGER model_versions_no_update BEFORE UPDATE ON model_versions BEGIN SELECT RAISE(ABORT, 'model_versions is append-only'); END;
CREATE TRIGGER model_versions_no_delete BEFORE DELETE ON model_versions BEGIN SELECT RAISE(ABORT, 'model_versions is append-only'); END;

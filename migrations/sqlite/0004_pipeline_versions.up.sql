CREATE TABLE pipeline_versions ( -- what commits were published as
    pipeline   TEXT    NOT NULL,
    version    INTEGER NOT NULL CHECK (version > 0),
    package    TEXT    NOT NULL, -- repository@sha256:…
    run_id     TEXT    NOT NULL, -- of the integration that published it: a run publishes one
    document   TEXT    NOT NULL, -- registry.PipelineVersion as JSON
    created_at BIGINT  NOT NULL,
    PRIMARY KEY (pipeline, version),
    UNIQUE (pipeline, run_id)
);
CREATE TRIGGER pipeline_versions_no_update BEFORE UPDATE ON pipeline_versions BEGIN SELECT RAISE(ABORT, 'pipeline_versions is append-only'); END;
CREATE TRIGGER pipeline_versions_no_delete BEFORE DELETE ON pipeline_versions BEGIN SELECT RAISE(ABORT, 'pipeline_versions is append-only'); END;

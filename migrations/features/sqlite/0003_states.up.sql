CREATE TABLE feature_states ( -- what the online store holds of an entity in a version of a view
    view       TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    entity_key TEXT    NOT NULL, -- feature.Key
    generation BIGINT  NOT NULL, -- that of the newest write of what was computed of files; 0 where only rows of the log made it
    state      BLOB    NOT NULL,
    PRIMARY KEY (view, version, entity_key)
) WITHOUT ROWID;

CREATE TABLE feature_progress ( -- feature.Progress
    view        TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    generation  BIGINT  NOT NULL, -- the only one that may write
    begun       TEXT    NOT NULL, -- where the manifest that it writes is: an artifact.Ref as JSON
    manifest    TEXT    NOT NULL, -- where the one that is held as a whole is; empty where none is
    whole       BIGINT  NOT NULL, -- the generation that wrote it
    known_until BIGINT  NOT NULL,
    at          BIGINT  NOT NULL,
    PRIMARY KEY (view, version)
);

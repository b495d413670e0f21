CREATE TABLE feature_logs ( -- whoever writes rows or states of a view holds its row here first, so that rows are numbered in the order in which they can be read
    view TEXT   PRIMARY KEY,
    seq  BIGINT NOT NULL -- of the newest row
);

CREATE TABLE feature_folds ( -- versions of views that are made of all rows of the log, or lack some
    view    TEXT    NOT NULL,
    version INTEGER NOT NULL,
    since   BIGINT  NOT NULL, -- the row of the register since which the version was live then: one that was retired meanwhile lacks rows. Below 0 it lacks rows from the log's row of that number on, which somebody could not fold, or is to be folded anew
    PRIMARY KEY (view, version)
);

CREATE TABLE feature_events ( -- feature.Logged
    view       TEXT    NOT NULL,
    seq        BIGINT  NOT NULL CHECK (seq > 0),
    event_id   TEXT    NOT NULL,
    entity_key TEXT    COLLATE "C" NOT NULL, -- feature.Key
    key_names  TEXT    NOT NULL, -- feature.Key of the names of the keys
    event_at   BIGINT  NOT NULL,
    created_at BIGINT  NOT NULL,
    content    TEXT    NOT NULL, -- the values as JSON
    PRIMARY KEY (view, seq)
);
CREATE INDEX feature_events_by_id ON feature_events (view, event_id, seq);
CREATE INDEX feature_events_by_key ON feature_events (view, entity_key, event_at, seq);
CREATE TRIGGER feature_events_append_only BEFORE UPDATE OR DELETE ON feature_events FOR EACH ROW EXECUTE FUNCTION feature_append_only();

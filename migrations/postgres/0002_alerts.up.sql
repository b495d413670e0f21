CREATE TABLE alerts ( -- alert.Alert: the changes of state of a pipeline's subjects, numbered by each
    id        TEXT    NOT NULL PRIMARY KEY,
    pipeline  TEXT    NOT NULL,
    subject   TEXT    NOT NULL,
    nth       INTEGER NOT NULL CHECK (nth > 0),
    operation TEXT    NOT NULL,
    document  TEXT    NOT NULL, -- without who took it and who acknowledged it
    since     BIGINT  NOT NULL,
    UNIQUE (pipeline, subject, nth),
    UNIQUE (pipeline, subject, operation)
);

CREATE TABLE alert_sendings ( -- the endpoints that took an alert
    alert    TEXT   NOT NULL REFERENCES alerts (id),
    endpoint TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (alert, endpoint)
);

CREATE TABLE alert_acks (
    alert  TEXT   NOT NULL PRIMARY KEY REFERENCES alerts (id),
    actor  TEXT   NOT NULL,
    reason TEXT   NOT NULL,
    at     BIGINT NOT NULL
);

CREATE TRIGGER alerts_append_only BEFORE UPDATE OR DELETE ON alerts FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER alert_sendings_append_only BEFORE UPDATE OR DELETE ON alert_sendings FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER alert_acks_append_only BEFORE UPDATE OR DELETE ON alert_acks FOR EACH ROW EXECUTE FUNCTION append_only();

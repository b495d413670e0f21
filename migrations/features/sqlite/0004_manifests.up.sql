CREATE TABLE feature_manifests ( -- what of a version of a view was computed last, see feature.Offline
    view     TEXT    NOT NULL,
    version  INTEGER NOT NULL,
    manifest TEXT    NOT NULL, -- where it is, as whoever computed it names it
    PRIMARY KEY (view, version)
);

DROP TABLE feature_events;
DROP TABLE feature_folds;
DROP TABLE feature_logs;

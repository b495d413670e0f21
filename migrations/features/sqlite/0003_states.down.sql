DROP TABLE feature_progress;
DROP TABLE feature_states;

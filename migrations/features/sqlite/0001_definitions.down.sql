DROP TABLE feature_definitions;
DROP TABLE feature_applied_migrations;

DROP TABLE feature_definitions;
DROP TABLE feature_applied_migrations;
DROP FUNCTION feature_append_only;

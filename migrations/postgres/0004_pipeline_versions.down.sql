DROP TABLE pipeline_versions;

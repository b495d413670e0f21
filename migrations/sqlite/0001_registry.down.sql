DROP TABLE run_artifacts;
DROP TABLE cached_steps;
DROP TABLE canary_checks;
DROP TABLE runs;
DROP TABLE serving_records;
DROP TABLE model_versions;
DROP TABLE pipelines;
DROP TABLE policies;

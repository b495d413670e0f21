DROP TABLE cached_steps;
DROP TABLE canary_checks;
DROP TABLE runs;
DROP TABLE alias_moves;
DROP TABLE model_versions;
DROP TABLE pipelines;

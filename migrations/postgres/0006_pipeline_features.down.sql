ALTER TABLE pipelines DROP COLUMN features;

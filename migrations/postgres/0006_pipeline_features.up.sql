ALTER TABLE pipelines ADD COLUMN features TEXT NOT NULL DEFAULT ''; -- registry.PipelineSpec.Features as JSON; empty where there are none
